// Deterministic cost: what an operation counts, whatever the machine's mood.

// A library's counts differ from run to run; then the most is there, too.
const countRange = (row, key) => unique([row[key], row[key + "_high"]].filter(isNumber).map(figures)).join(" – ");
const countColumn = (name, key) => ({ name, of: (row) => countRange(row, key) });

const costColumns = [
  candidateColumn,
  { name: "workload", words: true, of: (row) => text(row.workload) },
  { name: "order", of: (row) => text(row.order) },
  countColumn("instructions", "instructions"),
  countColumn("locked", "locked"),
  countColumn("cache lines", "cache_lines"),
  { name: "status", words: true, of: (row) => (row.status === "ok" ? "" : [text(row.status), text(row.reason)].filter(Boolean).join(": ")) },
  commandColumn((row) => text(row.command), (row) => text(row.candidate) + ", " + text(row.workload)),
];

function drawCounts(document) {
  const rows = list(document.cost);
  if (!rows.some((row) => row.instructions !== undefined)) {
    throw new Error("rows with instructions expected");
  }
  return [dataTable("Counts an operation", costColumns, rows.filter((row) => shownName(text(row.candidate))))];
}

function drawCost() {
  byId("cost-list").replaceChildren(...evidence("cost", "instructions, locked operations and cache lines an operation", drawCounts));
}
