// What stands on the candidates: a row for each call of a system, a column for each candidate. Not bars, for the point is
// in two numbers: what the call costs, and how often it goes to the allocator.

const sectionOf = (cell) => text(cell.section) || "frames";
const systemCells = () => shownCells().filter((cell) => sectionOf(cell) === "systems");
const sizeWords = (cell) => (isNumber(cell.order) && cell.order >= 0 ? plural(2 ** cell.order, "page") : "");
const wholeOrFigures = (value) => (Number.isInteger(value) ? wholeFormat.format(value) : figures(value));
const callWords = (cell) =>
  isNumber(cell.allocator_calls) ? wholeOrFigures(cell.allocator_calls) + (cell.allocator_calls === 1 ? " call" : " calls") : "";

function systemCell(cell) {
  if (!cell) {
    return make("td", { className: "number absent", textContent: "–" });
  }
  if (!isOk(cell)) {
    return make("td", { className: "number absent", title: statusWords(cell), textContent: cell.status });
  }
  const title = [figures(cell.ns) + " ns", callWords(cell), isNumber(cell.segments) ? plural(Math.round(cell.segments), "segment") : ""];
  return make("td", { className: "number", title: title.filter(Boolean).join(", ") },
    figures(cell.ns), make("small", { className: cell.allocator_calls === 0 ? "calls none" : "calls", textContent: callWords(cell) }));
}

function systemRow(name, list, names) {
  const first = list[0];
  return make("tr", null,
    make("th", { scope: "row", title: workloadDescription(name) }, name,
      make("small", { textContent: [sizeWords(first), first.reference === true ? "reference" : ""].filter(Boolean).join(", ") })),
    ...names.map((candidate) => systemCell(list.find((cell) => cell.candidate === candidate))));
}

function drawSystems() {
  const list = systemCells();
  const none = cells.every((cell) => sectionOf(cell) !== "systems");
  byId("systems").hidden = none;
  byId("systems-link").hidden = none;
  const names = unique(list.map((cell) => cell.candidate)).sort((a, b) => placeOf(a) - placeOf(b));
  const rows = workloads.flatMap((name) => {
    const here = list.filter((cell) => cell.workload === name);
    return unique(here.map(settingWords)).map((setting) => systemRow(name, here.filter((cell) => settingWords(cell) === setting), names));
  });
  byId("systems-head").replaceChildren(make("tr", null, make("th", { scope: "col" }, make("span", { textContent: "call" })),
    ...names.map((name) => make("th", { scope: "col", className: "number" }, make("span", { textContent: name })))));
  byId("systems-body").replaceChildren(...rows);
}
