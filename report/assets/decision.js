// Which one for my kernel: of each profile who is out and by which fact, who remains on the front, what each gives up.

const decision = isRecord(data.decision) ? data.decision : null;
const decisionReference = isRecord(data.decision_reference) ? data.decision_reference : null;
const words = (value) => (Array.isArray(value) ? value.map(text).filter(Boolean) : []);

// Is the row that a fact is from on the page? A decision of the reference is not of this run's row of the same name.
let drawnReference = false; // the decision that is being drawn is the reference's
const hasRow = (name) => cells.some((cell) => cell.name === name && (cell.reference === true) === drawnReference);

// Where the page shows a check, by the name of its file, in which every check's starts with what it is.
const checkSections = [["claims", "conformance"], ["conformance", "conformance"], ["interrupts", "nosleep"], ["masked", "worst"],
  ["nosleep", "nosleep"], ["scale", "scaling"], ["worst", "worst"]];
const baseName = (file) => file.slice(file.lastIndexOf("/") + 1);

function checkLink(file, words) {
  const section = checkSections.find(([prefix]) => baseName(file).startsWith(prefix + "."));
  return section ? make("a", { href: "#" + section[1], textContent: words }) : make("span", { className: "soft", textContent: words });
}

// A fact's row: a button that finds it in the table, where the page has it; else a link to the section of its check.
function rowLink(name, file) {
  if (!hasRow(name)) {
    return name ? checkLink(file || "", name) : null;
  }
  const button = make("button", { type: "button", className: "link", textContent: name, title: "Show this row in the table" });
  button.addEventListener("click", () => showRow(name));
  return button;
}

// Axis, heading, value, how it is shown: what is usable, as in the terminal and as in what is given up.
const frontValues = [
  ["speed", "speed", "speed_ns", (value) => timeWords(value)],
  ["tail", "tail", "tail_ns", (value) => timeWords(value)],
  ["memory", "memory", "memory_bytes_per_frame", (value) => figures(value) + " B/frame"],
  ["fragmentation", "usable at order 9", "fragmentation", (value) => Math.round(100 * (1 - value)) + " %"],
];

function frontValue(one, [name, , key, show]) {
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
  ...frontValues.map((value) => ({ name: value[1], of: (one) => frontValue(one, value) })),
  commandColumn((one) => (isRecord(one.commands) ? unique(Object.values(one.commands).map(text).filter(Boolean)).join("; ") : ""),
    (one) => "the rows of " + text(one.candidate)),
];
const factColumns = [
  candidateColumn,
  { name: "needs", words: true, of: (one) => text(one.need) },
  { name: "fact", words: true, of: (one) => text(one.fact) },
  { name: "row", words: true, of: (one) => make("span", null, rowLink(text(one.row), text(one.file)),
    !hasRow(text(one.row)) && text(one.file) && make("small", null, checkLink(text(one.file), text(one.file)))) },
  commandColumn((one) => text(one.command), (one) => text(one.candidate)),
];

// The document that the page carries of a check of the decision: it knows the machine, too.
const carried = (check) => Object.values(isRecord(data.evidence) ? data.evidence : {})
  .find((one) => isRecord(one) && text(one.file) === baseName(text(check.file)) && (one.own === true || check.reference === true)) || {};
const checkColumns = [
  { name: "check", of: (check) => checkLink(text(check.file), text(check.file)) },
  { name: "of", words: true, of: (check) => (check.reference === true ? "the reference" : "this run") },
  { name: "date", words: true, of: (check) => dateWords(text(check.date)) },
  { name: "commit", words: true, of: (check) => (text(check.commit) && text(check.commit) !== "unknown" ? text(check.commit) : "not recorded") },
  { name: "machine", words: true, of: (check) => text(carried(check).machine) || "not recorded" },
  commandColumn((check) => text(carried(check).command), (check) => text(check.file)),
];
const dominatedColumns = [candidateColumn, { name: "no better in anything than", words: true, of: (one) => text(one.by) }];

// Facts stand behind their heading: what remains is what was asked for.
function part(title, columns, rows) {
  const shown = rows.filter((one) => shownName(text(one.candidate)));
  const count = unique(shown.map((one) => text(one.candidate))).length;
  return shown.length === 0 ? null
    : make("details", { className: "data" }, make("summary", { textContent: title + " (" + count + ")" }), dataTable(title, columns, shown));
}

const passedOf = (front) => front.flatMap((one) => list(one.passed).map((fact) => ({ ...fact, candidate: one.candidate })));

function drawProfile(profile, place, open) {
  const needs = list(profile.needs).map((need) => make("li", { title: text(need.says), textContent: [text(need.need), need.value === true ? "" : text(need.value)].filter(Boolean).join(" ") }));
  const front = list(profile.front).filter((one) => shownName(text(one.candidate)));
  return make("details", { className: "figure profile", open, "data-of": place + " " + text(profile.name) },
    make("summary", null, make("strong", { textContent: text(profile.name) }), " ",
      front.length ? front.map((one) => text(one.candidate) + (words(one.best_at).length ? " (" + words(one.best_at).join(", ") + ")" : "")).join("; ") : (list(profile.front).length ? "nobody that the filter leaves remains" : "nobody remains")),
    make("p", { className: "soft", textContent: text(profile.about) }),
    needs.length > 0 && make("ul", { className: "tags", "aria-label": "needs" }, ...needs),
    front.length > 0 && dataTable("Who remains, and what each gives up, " + text(profile.name), frontColumns, front),
    text(profile.fineness) !== "" && make("p", { className: "soft", textContent: text(profile.fineness) + "." }),
    part("What they passed, and by which fact", factColumns, passedOf(front)),
    part("Who is out, and by which fact", factColumns, list(profile.out)),
    part("Of whom it is not known", factColumns, list(profile.unknown)),
    part("Who is beaten", dominatedColumns, list(profile.dominated)));
}

// The checks that it is decided by, besides the run, each with where it is from.
function drawChecks(source) {
  const rows = list(source && source.evidence);
  return rows.length === 0 ? null : make("details", { className: "data" }, make("summary", { textContent: "Decided by these checks, too (" + rows.length + ")" }),
    dataTable("Checks that decide", checkColumns, rows));
}

function drawOne(decided, place, opened) {
  const source = isRecord(decided.source) ? decided.source : null;
  drawnReference = place === "reference";
  const drawn = list(decided.profiles);
  if (drawn.length === 0) {
    return [missingBox("a decision", { missing: text(decided.missing) || "this page was made without one", command: "./pagelab choose" })];
  }
  return [...drawn.map((profile, at) => drawProfile(profile, place, opened(text(profile.name), place, at))), drawChecks(source)];
}

function drawDecision() {
  const open = new Set([...document.querySelectorAll("#decision-list .profile[open]")].map((one) => one.dataset.of));
  const drawn = document.querySelectorAll("#decision-list .profile").length > 0;
  const opened = (name, place, at) => (drawn ? open.has(place + " " + name) : at === 0);
  const source = decision && isRecord(decision.source) ? decision.source : null;
  byId("decision-source").textContent = source ? "Of " + [text(source.file), originWords(source)].filter(Boolean).join(", ") : "";
  const parts = [...drawOne(decision || {}, "own", opened)];
  if (decisionReference) {
    const from = isRecord(decisionReference.source) ? decisionReference.source : {};
    parts.push(make("h3", { textContent: "What the reference decides" }), sourceLine([text(from.file), originWords(from)].filter(Boolean).join(", ")),
      ...drawOne(decisionReference, "reference", opened));
  }
  byId("decision-list").replaceChildren(...parts.filter(Boolean));
}
