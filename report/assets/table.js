// The table of every cell: sorted by a click or Enter on a header, cells without a number always last.

const spread = (cell) => (isOk(cell) && cell.samples.length > 1 ? Math.max(...cell.samples) / Math.min(...cell.samples) : NaN);
const spreadWords = (cell) =>
  isOk(cell) && cell.samples.length > 1 ? figures(Math.min(...cell.samples)) + " – " + figures(Math.max(...cell.samples)) : "";

// What a cell counted says something only if it ran to its end.
const counted = (cell) => isOk(cell) || cell.status === "failed";
const count = (key) => (cell) => (counted(cell) && isNumber(cell[key]) ? cell[key] : NaN);
const whole = (value) => (isNumber(value) ? wholeFormat.format(value) : "");

const allColumns = [
  { name: "candidate", words: (cell) => cell.candidate + (models.get(cell.candidate) ? " (models " + models.get(cell.candidate) + ")" : "") },
  { name: "workload", words: (cell) => cell.workload },
  { name: "order", value: (cell) => (orderWords(cell) ? cell.order : NaN), format: whole },
  { name: "CPUs", value: (cell) => (cpuWords(cell) ? cell.cpus : NaN), format: whole },
  { name: "setting", words: variantWords, needed: () => cells.some((cell) => cell.variant) },
  { name: "ns/op", value: (cell) => (isOk(cell) ? cell.ns : NaN), show: (cell) => (isOk(cell) ? figures(cell.ns) : cell.status) },
  { name: "spread", value: spread, show: spreadWords },
  { name: "×\u00a0floor", value: (cell) => cell.ratio_to_floor, format: figures },
  { name: "×\u00a0magazine", value: (cell) => cell.ratio_to_magazine, format: figures },
  { name: "allocator calls", value: (cell) => (isOk(cell) ? cell.allocator_calls : NaN), format: (value) => (isNumber(value) ? wholeOrFigures(value) : ""),
    needed: () => cells.some((cell) => isNumber(cell.allocator_calls)) },
  { name: "failures", value: count("failures"), format: whole },
  { name: "occupancy", value: count("occupancy"), format: percent },
  { name: "metadata B/frame", value: count("metadata_bytes_per_frame"), format: figures },
  { name: "largest free", value: count("largest_free_order"), format: whole },
  { name: "status", words: statusWords, element: statusCell },
  { name: "run", words: (cell) => (cell.reference === true ? "reference" : "this"), needed: () => ownCells.length < cells.length },
  { name: "admission", words: (cell) => text(cell.admission), needed: () => admissions.length > 1 },
];
const admissions = unique(cells.map((cell) => text(cell.admission)).filter(Boolean));
const columns = allColumns.filter((column) => !column.needed || column.needed());

const sorting = { column: null, down: false };

function statusClass(status) {
  return status === "ok" ? "status" : status === "n/a" || status === "missing" ? "status quiet" : "status bad";
}

function statusCell(cell) {
  const rest = statusWords(cell).slice(cell.status.length).replace(/^[:,]?\s*/, "");
  return make("td", { className: "words status-cell" },
    make("span", { className: statusClass(cell.status), textContent: cell.status }),
    rest && make("small", { textContent: " " + rest }));
}

function compareCells(a, b) {
  const column = sorting.column;
  const sign = sorting.down ? -1 : 1;
  if (column === null) {
    return 0;
  }
  if (!column.value) {
    return sign * collator.compare(column.words(a), column.words(b));
  }
  const left = column.value(a);
  const right = column.value(b);
  if (isNumber(left) && isNumber(right)) {
    return sign * (left - right);
  }
  return (isNumber(left) ? 0 : 1) - (isNumber(right) ? 0 : 1);
}

function copyCell(cell) {
  return make("td", { className: "copy-cell" }, cellColumn.of(cell));
}

const copyHead = () => make("th", { scope: "col", className: "copy-cell" }, make("span", { textContent: "rerun" }));

function bodyCell(column, cell, place) {
  if (column.element) {
    return column.element(cell);
  }
  if (!column.value) {
    const words = column.words(cell);
    return make(place === 0 ? "th" : "td", place === 0 ? { scope: "row", textContent: words, title: words }
      : { textContent: words });
  }
  const words = column.show ? column.show(cell) : column.format(column.value(cell));
  const absent = !isNumber(column.value(cell));
  return make("td", { className: absent ? "number absent" : "number", textContent: words || "–" });
}

// A browser lays out some hundred rows at once, and thousands late: the others come when they are asked for, or printed.
const rowsAtOnce = 300;
const tableRows = new Map();

function tableRow(cell) {
  const row = make("tr", { className: isRod(cell.candidate) ? "rod" : "", tabIndex: -1 },
    ...columns.map((column, place) => bodyCell(column, cell, place)), copyCell(cell));
  if (!tableRows.has(cell.name)) {
    tableRows.set(cell.name, row);
  }
  return row;
}

function drawRows(list, until) {
  tableRows.clear();
  byId("table-body").replaceChildren(...list.slice(0, until).map(tableRow));
  byId("table-more").replaceChildren();
  if (list.length > until) {
    const button = make("button", { type: "button", textContent: "Show all " + plural(list.length, "row") + ", not only the first " + until });
    button.addEventListener("click", () => drawRows(list, list.length));
    byId("table-more").append(button);
  }
}

// Finds the row of that name, whatever the filter leaves out.
function showRow(name) {
  if (!tableRows.has(name)) {
    view.workload = "";
    byId("filter-workload").value = "";
    checkAll(true);
  }
  if (!tableRows.has(name)) {
    drawRows(shownCells().sort(compareCells), cells.length);
  }
  const row = tableRows.get(name);
  if (row) {
    row.scrollIntoView({ block: "center" });
    row.focus({ preventScroll: true });
  }
}

function drawTable() {
  const list = shownCells().sort(compareCells);
  drawRows(list, rowsAtOnce);
  const admission = admissions.length === 1 ? " Admission: " + admissions[0] + "." : "";
  byId("table-lead").textContent =
    plural(list.length, "cell") + " of " + cells.length + ". Choose a header to sort; cells without a number stay last. " +
    "Each row has the command that reruns exactly that cell." + admission;
}

function sortBy(column, header) {
  sorting.down = sorting.column === column && !sorting.down;
  sorting.column = column;
  for (const other of byId("table-head").querySelectorAll("th")) {
    other.removeAttribute("aria-sort");
  }
  header.setAttribute("aria-sort", sorting.down ? "descending" : "ascending");
  drawTable();
}

function drawTableHead() {
  const row = make("tr");
  for (const column of columns) {
    const button = make("button", { type: "button", textContent: column.name });
    const header = make("th", { scope: "col", className: column.value ? "number" : "" }, button);
    button.addEventListener("click", () => sortBy(column, header));
    row.append(header);
  }
  row.append(copyHead());
  byId("table-head").replaceChildren(row);
}

let toastTimer = 0;
function toast(words) {
  const box = byId("toast");
  box.textContent = words;
  box.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => box.classList.remove("shown"), 4000);
}

// Where a browser keeps the clipboard from a page opened as a file, the old way still works.
function copyByHand(command) {
  const area = make("textarea", { value: command, readOnly: true });
  const before = document.activeElement;
  area.style.position = "fixed";
  area.style.opacity = "0";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (before) {
    before.focus();
  }
  toast(copied ? "Copied: " + command : "Copy this: " + command);
}

function copyText(command) {
  if (!navigator.clipboard) {
    copyByHand(command);
    return;
  }
  navigator.clipboard.writeText(command).then(() => toast("Copied: " + command), () => copyByHand(command));
}
