// The words around the figures: what was compared, whether it counts, who ran, where.

function dateWords(date) {
  const found = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(.*)$/.exec(date);
  return found ? found[1] + " " + found[2] + " " + found[3].replace(/^(Z|[+-]00:00)$/, "UTC") : date;
}

function commitWords() {
  return text(lab.commit) ? "commit " + lab.commit + (lab.dirty === true ? " with local changes" : "") : "";
}

function drawHeader() {
  const shown = unique(ownCells.map((cell) => cell.candidate)).filter((name) => !isRod(name)).length;
  const own = unique(ownCells.map((cell) => cell.workload)).length;
  byId("compared").textContent = [
    plural(shown, "candidate") + " on " + plural(own, "workload"),
    dateWords(text(data.context.date)),
    commitWords(),
    [text(lab.cpu_model), isNumber(data.context.num_cpus) ? plural(data.context.num_cpus, "CPU") : ""].filter(Boolean).join(", "),
    text(lab.mode) ? lab.mode + " run" : "",
  ].filter(Boolean).join(" · ");
}

function notice(kind, title, ...children) {
  return make("div", { className: "notice " + kind }, make("strong", { textContent: title }), make("span", null, ...children));
}

function drawProblems() {
  const counts = unique(ownCells.map((cell) => cell.status)).map((status) => {
    const number = ownCells.filter((cell) => cell.status === status).length;
    return number + " " + (status === "ok" ? "measured" : status);
  });
  const bad = ownCells.filter((cell) => !["ok", "n/a", "missing"].includes(cell.status));
  const lines = bad.slice(0, 8).map((cell) =>
    make("li", { textContent: cell.candidate + " on " + [cell.workload, settingWords(cell)].filter(Boolean).join(", ") + ": " + statusWords(cell) }));
  if (bad.length > 8) {
    lines.push(make("li", { textContent: "and " + (bad.length - 8) + " more, in the table" }));
  }
  const details = lines.length
    ? make("details", null, make("summary", { textContent: "what went wrong in " + plural(bad.length, "cell") }), make("ul", null, ...lines)) : "";
  return notice("", plural(ownCells.length, "cell"), counts.join(", ") + ".", details);
}

function drawNotices() {
  const list = [
    rods.valid === true ? notice("good", "Rods hold", text(rods.words))
      : rods.measured === false ? notice("", "Rods not checked", text(rods.words))
      : notice("bad", "Rods void", "No ratio in this run counts: " + (text(rods.words) || "no reason was recorded")),
  ];
  if (lab.complete === false) {
    list.push(notice("bad", "Incomplete run", "It was stopped before its end; what is missing was not measured."));
  }
  const doubts = (Array.isArray(lab.marks) ? lab.marks : []).map(text).filter(Boolean);
  list.push(...doubts.map((doubt) => notice("bad", "Marked", doubt)));
  if (doubts.length === 0 && text(lab.tier) && lab.tier !== "release") {
    list.push(notice("bad", "Not a release build", "Tier " + lab.tier + ": these times are not for comparison."));
  }
  if (ownCells.length < cells.length) {
    const others = unique(cells.filter((cell) => cell.reference === true).map((cell) => cell.workload)).filter((name) => !name.startsWith("calibrate-"));
    list.push(notice("", "Not of this run", plural(others.length, "workload") + " that it did not measure: results/reference/result.json, " +
      originWords(data.reference) + ". Each is marked; nanoseconds of two runs do not compare."));
  }
  byId("notices").replaceChildren(...list, drawProblems());
}

function drawCandidate(candidate) {
  const claims = (Array.isArray(candidate.capabilities) ? candidate.capabilities : []).map(text).filter(Boolean);
  const kind = text(candidate.kind) === "floor" ? "measuring rod" : text(candidate.kind);
  return make("article", { className: "card" },
    make("h3", null, text(candidate.name), make("span", { className: "kind", textContent: kind })),
    make("p", { textContent: text(candidate.summary) }),
    text(candidate.model_of) && make("p", { textContent: "Model of " + candidate.model_of }),
    claims.length > 0 && make("p", { className: "settings", textContent: "Claims:" }),
    claims.length ? make("ul", { className: "tags", "aria-label": "capabilities, as claimed" }, ...claims.map((claim) => make("li", { textContent: claim })))
      : make("p", { className: "settings", textContent: "No capability claimed." }),
    text(candidate.settings) && make("p", { className: "settings" }, make("code", { textContent: candidate.settings })));
}

function drawCandidates() {
  byId("candidates").hidden = candidates.length === 0;
  byId("candidates-list").replaceChildren(...candidates.map(drawCandidate));
}

function cacheWords(caches) {
  return (Array.isArray(caches) ? caches : []).filter(isRecord)
    .map((cache) => "L" + text(cache.level) + (text(cache.type) === "Unified" ? "" : " " + text(cache.type).toLowerCase()) + " " +
      (isNumber(cache.size) ? bytes(cache.size) : "")).join(", ");
}

function drawEnvironment() {
  const context = data.context;
  const megahertz = isNumber(context.mhz_per_cpu) ? " at " + figures(context.mhz_per_cpu / 1000) + " GHz" : "";
  const facts = [
    ["pagelab", [text(lab.version), commitWords(), isNumber(lab.abi) ? "ABI " + lab.abi : ""].filter(Boolean).join(", ")],
    ["Build", [text(lab.tier), text(lab.compiler)].filter(Boolean).join(", ")],
    ["Run", [text(lab.mode), isNumber(lab.seconds) ? plural(Math.round(lab.seconds), "second") : "", lab.complete === false ? "incomplete" : ""].filter(Boolean).join(", ")],
    ["Date", dateWords(text(context.date))],
    ["CPU", text(lab.cpu_model)],
    ["CPUs", isNumber(context.num_cpus) ? context.num_cpus + megahertz : ""],
    ["Caches", cacheWords(context.caches)],
    ["Memory", isNumber(lab.memory_bytes) ? bytes(lab.memory_bytes) : ""],
    ["Kernel", text(lab.kernel)],
    ["Load before the run", (Array.isArray(context.load_avg) ? context.load_avg : []).filter(isNumber).map((load) => load.toFixed(2)).join(", ")],
    ["Others' share of the processors", isRecord(lab.load) ? [percent(lab.load.others_share), isNumber(lab.load.steal_share) ? "the host " + percent(lab.load.steal_share) : ""].filter(Boolean).join(", ") : ""],
    ["Rods", [isNumber(rods.null_ns) ? "null " + figures(rods.null_ns) + " ns" : "", isNumber(rods.magazine_ns) ? "magazine " + figures(rods.magazine_ns) + " ns" : "",
      isNumber(rods.lock_cas_ns) ? "locked CAS " + figures(rods.lock_cas_ns) + " ns" : "", isNumber(rods.limit_ns) ? "limit " + figures(rods.limit_ns) + " ns" : ""].filter(Boolean).join(", ")],
    ["Admission", admissions.length > 2 ? unique(admissions.map((words) => words.split(" ")[0])).join(", ") + "; see the table" : admissions.join("; ")],
  ];
  byId("environment-list").replaceChildren(
    ...facts.filter(([, value]) => value).map(([name, value]) => make("div", null, make("dt", { textContent: name }), make("dd", { textContent: value }))));
  byId("footer").textContent = "Written by pagelab " + text(lab.version) + ". The page carries its data and asks nothing of a network.";
}
