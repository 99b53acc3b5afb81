// What sleeps where nobody may, and what an interrupt in an unfinished call does.

function sleepCell(row) {
  if (!row) {
    return "";
  }
  const counts = new Map();
  for (const one of list(row.found)) {
    counts.set(text(one.name), (counts.get(text(one.name)) || 0) + (isNumber(one.count) ? one.count : 1));
  }
  const found = [...counts].map(([name, count]) => name + " (" + count + ")").join(", ");
  return make("span", { className: row.refuted === true ? "status bad" : row.status === "never slept" ? "" : "soft" },
    text(row.status), found && make("small", { textContent: found }));
}

function drawSleep(document) {
  const rows = list(document.rows).filter((row) => shownName(text(row.candidate)));
  const scenarios = unique(rows.map((row) => text(row.scenario)));
  const find = (one, scenario) => rows.find((row) => row.candidate === one.candidate && row.scenario === scenario);
  const progress = (one) => {
    const row = rows.find((other) => other.candidate === one.candidate);
    return isRecord(row.progress) ? text(row.progress.class) : "";
  };
  const columns = [candidateColumn, { name: "progress", words: true, of: progress },
    ...scenarios.map((scenario) => ({ name: scenario, words: true, of: (one) => sleepCell(find(one, scenario)),
      title: (one) => (find(one, scenario) ? text(find(one, scenario).verdict) : "not asked") })),
    commandColumn((one) => "./pagelab nosleep --backend " + shellWord(one.candidate), (one) => one.candidate)];
  return [dataTable("No sleep", columns, unique(rows.map((row) => text(row.candidate))).map((candidate) => ({ candidate })))];
}

function interruptCell(outcome) {
  if (!isRecord(outcome)) {
    return "";
  }
  const bad = outcome.claimed === true && outcome.verdict !== "survives";
  const told = [text(outcome.verdict), outcome.verdict === "survives" ? "" : [text(outcome.at), text(outcome.function)].filter(Boolean).join(", ")];
  return make("span", { className: bad ? "status bad" : outcome.claimed === true ? "" : "soft" }, told[0],
    told[1] && make("small", { textContent: "at " + told[1] }), outcome.claimed === true ? "" : make("small", { textContent: "not claimed" }));
}

const interruptColumns = [
  candidateColumn,
  { name: "mask honoured", words: true, of: (row) => interruptCell(row.irq) },
  { name: "mask ignored (nmi)", words: true, of: (row) => interruptCell(row.nmi), title: (row) => (isRecord(row.nmi) ? text(row.nmi.words) : "") },
  { name: "points tried", of: (row) => whole(row.points) + (row.points === row.points_there ? "" : " of " + whole(row.points_there)) },
  { name: "longest masked section", of: (row) => (isRecord(row.longest_masked) ? plural(row.longest_masked.instructions, "instruction") : "") },
  commandColumn((row) => "./pagelab interrupt --backend " + shellWord(text(row.candidate)), (row) => text(row.candidate)),
];

function drawInterrupts(document) {
  if (!Array.isArray(document)) {
    throw new Error("a list of candidates expected");
  }
  return [dataTable("Interrupts", interruptColumns, list(document).filter((row) => shownName(text(row.candidate))))];
}

function drawNosleep() {
  byId("nosleep-list").replaceChildren(
    make("h3", { textContent: "Calls that must not sleep" }), ...evidence("nosleep", "what sleeps where nobody may", drawSleep),
    make("h3", { textContent: "An interrupt before each instruction" }), ...evidence("interrupts", "what interrupts break", drawInterrupts),
    ...["interrupts_linux", "interrupts_libraries", "interrupts_points"].flatMap((key) =>
      (evidenceOf(key).document === undefined ? [] : evidence(key, "what interrupts break in others", drawInterrupts))));
}
