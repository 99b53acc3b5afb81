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

function drawWorst() {
  const none = !cells.some(hasWorst);
  byId("worst").hidden = none;
  byId("worst-link").hidden = none;
  const groups = grouped(shownCells().filter(hasWorst), (cell) => cell.workload);
  byId("worst-list").replaceChildren(...(groups.length ? groups.map(worstFigure)
    : [make("p", { className: "empty", textContent: "No cell that the filter leaves has one." })]));
}
