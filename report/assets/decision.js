// Which one for my kernel: of each profile who is out and by which fact, who remains on the front, what each gives up.

const decision = isRecord(data.decision) ? data.decision : null;
const profiles = decision ? list(decision.profiles) : [];
const words = (value) => (Array.isArray(value) ? value.map(text).filter(Boolean) : []);

// Is the row that a fact is from on the page? A decision of the reference is not of this run's row of the same name.
const decidedByReference = decision !== null && isRecord(decision.source) && decision.source.reference === true;
const hasRow = (name) => cells.some((cell) => cell.name === name && (cell.reference === true) === decidedByReference);

// A fact's row: a button that finds it in the table, where the page has it.
function rowLink(name) {
  if (!hasRow(name)) {
    return name ? make("span", { className: "soft", textContent: name }) : null;
  }
  const button = make("button", { type: "button", className: "link", textContent: name, title: "Show this row in the table" });
  button.addEventListener("click", () => showRow(name));
  return button;
}

const frontValues = [
  ["speed", "speed_ns", (value) => timeWords(value)],
  ["tail", "tail_ns", (value) => timeWords(value)],
  ["memory", "memory_bytes_per_frame", (value) => figures(value) + " B/frame"],
  ["fragmentation", "fragmentation", (value) => exactPercent(value)],
];

function frontValue(one, [name, key, show]) {
  const value = isRecord(one.values) ? one.values[key] : undefined;
  const row = isRecord(one.rows) ? text(one.rows[name]) : "";
  if (!isNumber(value)) {
    return "";
  }
  const link = row && hasRow(row) ? rowLink(row) : null;
  if (!link) {
    return make("span", { title: row, textContent: show(value) });
  }
  link.textContent = show(value);
  link.title = "Show the row " + row;
  return link;
}

const frontColumns = [
  candidateColumn,
  { name: "best at", words: true, of: (one) => words(one.best_at).join(", ") },
  { name: "gives up", words: true, of: (one) => make("ul", { className: "plain" }, ...words(one.gives_up).map((line) => make("li", { textContent: line }))) },
  ...frontValues.map((value) => ({ name: value[0], of: (one) => frontValue(one, value) })),
  commandColumn((one) => (isRecord(one.commands) ? unique(Object.values(one.commands).map(text).filter(Boolean)).join("; ") : ""),
    (one) => "the rows of " + text(one.candidate)),
];
const factColumns = [
  candidateColumn,
  { name: "needs", words: true, of: (one) => text(one.need) },
  { name: "fact", words: true, of: (one) => text(one.fact) },
  { name: "row", words: true, of: (one) => make("span", null, rowLink(text(one.row)),
    !hasRow(text(one.row)) && make("small", { textContent: text(one.file) })) },
  commandColumn((one) => text(one.command), (one) => text(one.candidate)),
];
const dominatedColumns = [candidateColumn, { name: "no better in anything than", words: true, of: (one) => text(one.by) }];

// Facts stand behind their heading: what remains is what was asked for.
function part(title, columns, rows) {
  const shown = rows.filter((one) => shownName(text(one.candidate)));
  const count = unique(shown.map((one) => text(one.candidate))).length;
  return shown.length === 0 ? null
    : make("details", { className: "data" }, make("summary", { textContent: title + " (" + count + ")" }), dataTable(title, columns, shown));
}

function drawProfile(profile, open) {
  const needs = list(profile.needs).map((need) => make("li", { title: text(need.says), textContent: [text(need.need), need.value === true ? "" : text(need.value)].filter(Boolean).join(" ") }));
  const front = list(profile.front).filter((one) => shownName(text(one.candidate)));
  return make("details", { className: "figure profile", open },
    make("summary", null, make("strong", { textContent: text(profile.name) }), " ",
      front.length ? front.map((one) => text(one.candidate) + (words(one.best_at).length ? " (" + words(one.best_at).join(", ") + ")" : "")).join("; ") : (list(profile.front).length ? "nobody that the filter leaves remains" : "nobody remains")),
    make("p", { className: "soft", textContent: text(profile.about) }),
    needs.length > 0 && make("ul", { className: "tags", "aria-label": "needs" }, ...needs),
    front.length > 0 && dataTable("Who remains, and what each gives up, " + text(profile.name), frontColumns, front),
    part("Who is out, and by which fact", factColumns, list(profile.out)),
    part("Of whom it is not known", factColumns, list(profile.unknown)),
    part("Who is beaten", dominatedColumns, list(profile.dominated)));
}

function drawDecision() {
  const open = new Set([...byId("decision-list").querySelectorAll(".profile[open] > summary > strong")].map((name) => name.textContent));
  const source = decision && isRecord(decision.source) ? decision.source : null;
  byId("decision-source").textContent = source
    ? (source.reference === true ? "Not of this run: " : "Of ") + [text(source.file), originWords(source)].filter(Boolean).join(", ") : "";
  byId("decision-list").replaceChildren(...(profiles.length
    ? profiles.map((profile, place) => drawProfile(profile, open.size ? open.has(text(profile.name)) : place === 0))
    : [missingBox("a decision", { missing: (decision && text(decision.missing)) || "this page was made without one", command: "./pagelab choose" })]));
}
