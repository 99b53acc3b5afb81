// The worst programs that searches have found: of each one call, timed alone, and what was counted of it.

const hasWorst = (cell) => isOk(cell) && isNumber(cell.call_runs);

const worstTable = [
  ["median", (cell) => timeWords(cell.ns)],
  ["least", (cell) => timeWords(cell.call_ns_least)],
  ["longest", (cell) => timeWords(cell.call_ns_longest)],
  ["instructions", (cell) => whole(cell.call_instructions)],
  ["accesses", (cell) => whole(cell.call_accesses)],
  ["locked", (cell) => whole(cell.call_locked)],
  ["frames", (cell) => whole(cell.call_frames)],
];

function worstFigure(list) {
  const best = [...list].sort((a, b) => a.ns - b.ns);
  const row = (cell) => make("tr", { className: isRod(cell.candidate) ? "rod" : "" },
    make("th", { scope: "row", textContent: cell.candidate, title: cell.candidate }),
    ...worstTable.map(([, words]) => make("td", { className: "number", textContent: words(cell) })),
    make("td", { textContent: text(cell.operation) }));
  return make("article", { className: "figure" },
    make("header", null, make("h3", { textContent: list[0].workload }), make("p", { textContent: workloadDescription(list[0].workload) })),
    make("div", { className: "table-box", tabIndex: 0, role: "region", "aria-label": "Worst programs, " + list[0].workload },
      make("table", { className: "cells ageing" },
        make("thead", null, make("tr", null, make("th", { scope: "col" }, make("span", { textContent: "candidate" })),
          ...worstTable.map(([name]) => make("th", { scope: "col", className: "number" }, make("span", { textContent: name }))),
          make("th", { scope: "col" }, make("span", { textContent: "operation" })))),
        make("tbody", null, ...best.map(row)))));
}

function drawWorst() {
  const none = !cells.some(hasWorst);
  byId("worst").hidden = none;
  byId("worst-link").hidden = none;
  const groups = new Map();
  for (const cell of shownCells().filter(hasWorst)) {
    groups.set(cell.workload, [...(groups.get(cell.workload) || []), cell]);
  }
  byId("worst-list").replaceChildren(...(groups.size ? [...groups.values()].map(worstFigure)
    : [make("p", { className: "empty", textContent: "No cell that the filter leaves has one." })]));
}
