// Replays, split by the context that an event was recorded in. Times are of one pass more, in which each event is timed
// for itself: the clock's own reading is in them, so they compare with each other and not with the bars.

const contexts = [["task", "task"], ["softirq", "softirq"], ["hardirq", "interrupt"], ["nmi", "nmi"]];
const contextOf = (cell, context, what) => cell["context_" + context + "_" + what];
const hasContexts = (cell) => isOk(cell) && contexts.some(([key]) => contextOf(cell, key, "events") > 0);

function contextFigure(here) {
  const first = here[0];
  const present = contexts.filter(([key]) => here.some((cell) => contextOf(cell, key, "events") > 0));
  const total = present.reduce((sum, [key]) => sum + (contextOf(first, key, "events") || 0), 0);
  const told = present.map(([key, name]) => name + " " + plural(contextOf(first, key, "events"), "event") + " (" + shareOf(contextOf(first, key, "events"), total) + ")");
  const columns = [candidateColumn, ...present.flatMap(([key, name]) => [
    { name: name + ": p50", of: (cell) => timeWords(contextOf(cell, key, "p50_ns")) },
    { name: name + ": p99", of: (cell) => timeWords(contextOf(cell, key, "p99_ns")) }]), cellColumn];
  const best = [...here].sort((a, b) => a.ns - b.ns);
  const stripsOf = (key) => best.map((cell) => ({ name: cell.candidate, rod: isRod(cell.candidate),
    values: ["p50", "p99"].map((name) => [name, contextOf(cell, key, name + "_ns")]) }));
  const all = present.flatMap(([key]) => stripsOf(key));
  return make("article", { className: "figure" },
    make("header", null, make("h3", { textContent: first.workload }), make("p", { textContent: told.join(", ") }), referenceLine(first)),
    ...present.map(([key, name]) => make("div", null, make("h4", { textContent: name }), strips(stripsOf(key), all))),
    dataTable("Contexts, " + first.workload, columns, best, rodClass));
}

function drawContexts() {
  const groups = grouped(shownCells().filter(hasContexts), bySetting);
  const any = cells.some(hasContexts);
  byId("contexts-list").replaceChildren(...(groups.length ? groups.map(contextFigure)
    : [any ? make("p", { className: "empty", textContent: "The filter leaves no replay." })
      : missingBox("times by context", { missing: "no replay of this run or of the reference has them", command: "./pagelab run --quick" })]));
}
