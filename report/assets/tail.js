// The tail of single operations: of each workload a table, percentiles from the intended arrival and of the operation
// alone; in front the clock, the empty operation on the same schedule.

const isClock = (cell) => cell.workload.startsWith("calibrate-clock");
const hasTail = (cell) => isOk(cell) && isNumber(cell.p99_99_ns);

// "83 ns", "1.2 ms": three figures, whatever the size.
function timeWords(ns) {
  if (!isNumber(ns)) {
    return "–";
  }
  const [size, unit] = ns < 1e4 ? [1, "ns"] : ns < 1e6 ? [1e3, "µs"] : [1e6, "ms"];
  return figures(ns / size) + " " + unit;
}

const tailTable = [
  ["p50", "p50_ns"],
  ["p99", "p99_ns"],
  ["p99.9", "p99_9_ns"],
  ["p99.99", "p99_99_ns"],
  ["worst", "worst_ns"],
  ["alone: p50", "service_p50_ns"],
  ["p99.9", "service_p99_9_ns"],
  ["worst", "service_worst_ns"],
];

const busyWords = (cell) => (isNumber(cell.interval_ns) && cell.interval_ns > 0 ? figures((cell.ns / cell.interval_ns) * 100) + " %" : "–");

// What has no arrival is held against the clock's own times.
function tailTime(cell, key, like) {
  const own = isClock(cell) && isNumber(like.sections);
  return own ? (key.startsWith("service_") ? undefined : cell["service_" + key]) : cell[key];
}

function tailRow(cell, like) {
  const name = isClock(cell) ? "the clock" : cell.candidate;
  const time = (key) => tailTime(cell, key, like);
  return make("tr", { className: isClock(cell) || isRod(cell.candidate) ? "rod" : "" },
    make("th", { scope: "row", textContent: name, title: name }),
    ...tailTable.map(([, key]) => make("td", { className: "number", textContent: timeWords(time(key)) })),
    make("td", { className: "number", textContent: busyWords(cell) }),
    make("td", { className: "number", textContent: whole(cell.preempted) || "–" }),
    make("td", { className: "number", textContent: whole(cell.instructions) || "–" }), copyCell(cell));
}

// The clock first, then the quickest end of a tail.
function tailStrips(rows, like) {
  return strips(rows.map((cell) => ({ name: isClock(cell) ? "the clock" : cell.candidate, rod: isClock(cell) || isRod(cell.candidate),
    values: stripMarks.map(([name, key]) => [name, tailTime(cell, key, like)]) })));
}

function tailFigure(list) {
  const first = list[0];
  const clock = cells.filter((cell) => isClock(cell) && hasTail(cell) && cell.antagonist === first.antagonist && cell.reference === first.reference).slice(0, 1);
  const best = [...list].sort((a, b) => a.p99_99_ns - b.p99_99_ns);
  const names = [...tailTable.map(([name]) => name), "busy", "preempted", "instructions"];
  return make("article", { className: "figure" },
    make("header", null, make("h3", { textContent: first.workload }), make("p", { textContent: workloadDescription(first.workload) }), referenceLine(first)),
    tailStrips([...clock, ...best], first),
    make("div", { className: "table-box", tabIndex: 0, role: "region", "aria-label": "Tail, " + first.workload },
      make("table", { className: "cells ageing" },
        make("thead", null, make("tr", null, make("th", { scope: "col" }, make("span", { textContent: "candidate" })),
          ...names.map((name) => make("th", { scope: "col", className: "number" }, make("span", { textContent: name }))), copyHead())),
        make("tbody", null, ...[...clock, ...best].map((cell) => tailRow(cell, first))))));
}

function drawTail() {
  const none = !cells.some((cell) => hasTail(cell) && !isClock(cell));
  byId("tail").hidden = none;
  byId("tail-link").hidden = none;
  const groups = grouped(shownCells().filter((one) => hasTail(one) && !isClock(one)), (cell) => cell.workload);
  byId("tail-legend").replaceChildren(...stripMarks.map(([name], place) =>
    make("li", null, make("span", { className: "swatch dot mark-" + place }), name)));
  byId("tail-list").replaceChildren(...(groups.length ? groups.map(tailFigure)
    : [make("p", { className: "empty", textContent: "No cell that the filter leaves has a tail." })]));
}
