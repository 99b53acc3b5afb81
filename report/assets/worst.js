// The worst programs that searches have found: of each one call, timed alone, and what was counted of it.

const hasWorst = (cell) => isOk(cell) && isNumber(cell.call_runs);

const worstTable = [
  candidateColumn,
  { name: "median", of: (cell) => timeWords(cell.ns) },
  { name: "least", of: (cell) => timeWords(cell.call_ns_least) },
  { name: "longest", of: (cell) => timeWords(cell.call_ns_longest) },
  { name: "instructions", of: (cell) => whole(cell.call_instructions) },
  { name: "accesses", of: (cell) => whole(cell.call_accesses) },
  { name: "locked", of: (cell) => whole(cell.call_locked) },
  { name: "frames", of: (cell) => whole(cell.call_frames) },
  { name: "operation", words: true, of: (cell) => text(cell.operation) },
  cellColumn,
];

function worstFigure(list) {
  const best = [...list].sort((a, b) => a.ns - b.ns);
  return make("article", { className: "figure" },
    make("header", null, make("h3", { textContent: list[0].workload }), make("p", { textContent: workloadDescription(list[0].workload) }), referenceLine(list[0])),
    dataTable("Worst programs, " + list[0].workload, worstTable, best, rodClass));
}

const nsWords = (value) => (isNumber(value) ? timeWords(value) : "");
const saidWords = (value) => (text(value) === "-" ? "" : text(value)); // a table's mark of nothing
const maskedColumns = [
  candidateColumn,
  { name: "longest masked, instructions", of: (row) => whole(row.worst_instructions) },
  { name: "of ordinary programs", of: (row) => whole(row.seeds_instructions) },
  { name: "median", of: (row) => nsWords(row.ns_median) },
  { name: "longest", of: (row) => nsWords(row.ns_longest) },
  { name: "masked in", words: true, of: (row) => saidWords(row.masked_in).replace("+", "\u200b+") || "–" }, // may break before the offset
  { name: "operation", words: true, of: (row) => [saidWords(row.operation), saidWords(row.note)].filter(Boolean).join("; ") },
  { name: "frames", of: (row) => whole(row.frames) },
  commandColumn((row) => "./pagelab masked --backend " + shellWord(text(row.candidate)), (row) => "the masked time of " + text(row.candidate)),
];

function drawMasked(document) {
  if (!Array.isArray(document)) {
    throw new Error("a list of candidates expected");
  }
  return [dataTable("Longest masked section that a search found", maskedColumns, list(document).filter((row) => shownName(text(row.candidate))))];
}

function drawWorstCalls(document) {
  if (!Array.isArray(document.benchmarks)) {
    throw new Error("a result with rows expected");
  }
  const wanted = list(document.benchmarks).filter((row) => isNumber(row.call_runs) && shownName(text(row.candidate)));
  const medians = new Set(wanted.filter((row) => row.aggregate_name === "median").map((row) => row.run_name));
  // A repetition is told by its median, where there is one.
  const rows = wanted.filter((row) => row.aggregate_name === "median" || !medians.has(row.run_name))
    .map((row) => ({ ...row, ns: row.real_time, variant: text(row.variant), workload: text(row.workload), reason: text(row.reason) }));
  return [dataTable("Worst calls", worstTable, rows.sort((a, b) => a.ns - b.ns), rodClass)];
}

function drawWorst() {
  const groups = grouped(shownCells().filter(hasWorst), (cell) => cell.workload);
  byId("worst-list").replaceChildren(...groups.map(worstFigure),
    make("h3", { textContent: "Interrupts held off, as searched" }), ...evidence("masked", "the longest masked section that a search found", drawMasked),
    make("h3", { textContent: "The worst calls, as searched" }), ...evidence("worst_call", "the dearest call that a search found", drawWorstCalls));
}
