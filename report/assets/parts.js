// Parts that the sections share: tables, what a section's data is of, a button that copies a command.

const shownName = (name) => !view.hidden.has(name);
const list = (value) => (Array.isArray(value) ? value.filter(isRecord) : []);

// A name as a shell reads it.
const shellWord = (name) => (/^[\w+,.:=\/-]+$/.test(name) ? name : "'" + name.replaceAll("'", "'\\''") + "'");

function copyButton(command, of) {
  const button = make("button", { type: "button", className: "copy", textContent: "copy", title: command,
    "aria-label": "Copy the command that reruns " + of });
  button.addEventListener("click", () => copyText(command));
  return button;
}

// A column is { name, of(row): words, an element or nothing, words: true where it is no number, title(row) }.
function tableCell(column, row, place) {
  const content = column.of(row);
  if (place === 0) {
    return make("th", { scope: "row", title: typeof content === "string" ? content : "" }, content);
  }
  return make("td", { className: column.words ? "words" : "number", "data-label": column.name, title: column.title ? column.title(row) : "" }, content || "–");
}

function dataTable(label, columns, rows, rowClass) {
  const head = columns.map((column, place) =>
    make("th", { scope: "col", className: column.words || place === 0 ? "" : "number" }, make("span", { textContent: column.name })));
  const lines = rows.map((row) =>
    make("tr", { className: rowClass ? rowClass(row) : "" }, ...columns.map((column, place) => tableCell(column, row, place))));
  return make("div", { className: "table-box", tabIndex: 0, role: "region", "aria-label": label },
    make("table", { className: "cells ageing" }, make("thead", null, make("tr", null, ...head)), make("tbody", null, ...lines)));
}

const rodClass = (row) => (isRod(row.candidate) ? "rod" : "");
const candidateColumn = { name: "candidate", of: (row) => text(row.candidate) };
const commandColumn = (command, of) => ({ name: "rerun", of: (row) => (command(row) ? copyButton(command(row), of(row)) : "") });
const cellColumn = commandColumn((cell) => text(cell.command), (cell) => cell.candidate + ", " + cell.workload + " " + settingWords(cell));

// Lists of cells that belong together, in the order of the first of each.
function grouped(all, key) {
  const groups = new Map();
  for (const cell of all) {
    groups.set(key(cell), [...(groups.get(key(cell)) || []), cell]);
  }
  return [...groups.values()];
}
const bySetting = (cell) => JSON.stringify([cell.workload, settingWords(cell)]);

// The data of a figure, made when somebody asks for it.
function lazy(summary, parts) {
  const box = make("details", { className: "data" }, make("summary", { textContent: summary }));
  box.addEventListener("toggle", () => {
    if (box.open && box.children.length === 1) {
      box.append(...parts());
    }
  });
  return box;
}
const dataBehind = (label, columns, rows) => lazy("Data: " + label, () => [dataTable(label, columns, rows())]);

// --- where data is from ---

function originWords(origin) {
  const commit = text(origin.commit);
  return [dateWords(text(origin.date)) || "no date recorded", commit && commit !== "unknown" ? "commit " + commit : "no commit recorded",
    text(origin.machine) || "no machine recorded"].join(", ");
}

const sourceLine = (words, own) => make("p", { className: "source" }, make("strong", { textContent: own ? "Beside this run: " : "Not of this run: " }), words);
const referenceLine = (cell) =>
  cell.reference === true && isRecord(data.reference) ? sourceLine("results/reference/result.json, " + originWords(data.reference)) : null;

function evidenceOf(key) {
  const one = isRecord(data.evidence) ? data.evidence[key] : null;
  return isRecord(one) ? one : { missing: "the page was made without a folder of stored results", file: "", command: "" };
}

const evidenceFile = (one) => (one.own === true ? "" : "results/reference/") + text(one.file);

function missingBox(what, one) {
  return make("div", { className: "missing" }, make("p", null, make("strong", { textContent: "Missing: " }), what + "; " + text(one.missing) + "."),
    text(one.command) && make("p", null, make("code", { textContent: one.command }), " ", copyButton(one.command, what)));
}

// One stored document as the children of a section: what draws it, below where it is from; or that it is missing.
// A document of another shape is said to be so, and harms no other section.
function evidence(key, what, draw) {
  const one = evidenceOf(key);
  if (one.document === undefined) {
    return [missingBox(what, one)];
  }
  try {
    return [sourceLine(evidenceFile(one) + ", " + originWords(one), one.own === true), ...draw(one.document)];
  } catch (mistake) {
    return [missingBox(what, { missing: "the stored file has another shape (" + mistake.message + ")", command: one.command })];
  }
}

// An element of a drawing. Its colours are classes, so that screen, night and paper each have their own.
function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}
