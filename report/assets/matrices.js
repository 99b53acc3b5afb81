// What was tried to refute, and how it ended: promises of the systems, claims of the candidates.

const families = [["F", "frames: FreeBSD's vm_page_alloc"], ["L", "Linux's alloc_vm_area"], ["S", "SBP-2 ORBs"], ["B", "IOKit buffers"], ["X", "across systems"]];
const holds = (cell) => cell === "holds";
const absent = (cell) => cell === undefined || text(cell).startsWith("n/a");

const names = (matrix) => unique(Object.values(matrix).flatMap((row) => Object.keys(row))).filter(shownName);

function familyCell(matrix, family, candidate) {
  const own = Object.entries(matrix).filter(([id]) => id.startsWith(family + "-")).map(([, row]) => row[candidate]);
  const broken = own.filter((cell) => !holds(cell) && !absent(cell)).length;
  const missing = own.filter(absent).length;
  const told = own.filter(holds).length + " hold" + (missing ? ", " + missing + " n/a" : "");
  return broken ? make("span", { className: "status bad", textContent: broken + " broken, " + told }) : told;
}

function promiseCell(id, candidate, cell) {
  const title = id + ", " + candidate + ": " + (text(cell) || "not asked");
  return holds(cell) ? make("td", { className: "holds", title, textContent: "✓" })
    : absent(cell) ? make("td", { className: "quiet", title, textContent: "n/a" })
    : make("td", { className: "status bad", title, textContent: text(cell) });
}

function promiseRow(id, row, candidates, contract) {
  const command = "./pagelab check --contract " + contract + " --id " + shellWord(id) + " " + candidates.map(shellWord).join(" ");
  return make("tr", null, make("th", { scope: "row", textContent: id }), ...candidates.map((name) => promiseCell(id, name, row[name])),
    make("td", { className: "copy-cell" }, copyButton(command, id)));
}

function promiseMatrix(matrix, contract) {
  const candidates = names(matrix);
  const head = ["promise", ...candidates, "rerun"].map((name) => make("th", { scope: "col" }, make("span", { textContent: name })));
  return make("div", { className: "table-box", tabIndex: 0, role: "region", "aria-label": "Promises, contract " + contract },
    make("table", { className: "cells matrix" }, make("thead", null, make("tr", null, ...head)),
      make("tbody", null, ...Object.entries(matrix).map(([id, row]) => promiseRow(id, row, candidates, contract)))));
}

// Each reason once, with the cells that have it.
function absentRows(matrix, contract) {
  const rows = new Map();
  for (const [id, row] of Object.entries(matrix)) {
    for (const [candidate, cell] of Object.entries(row)) {
      if (!holds(cell) && shownName(candidate)) {
        const key = JSON.stringify([text(cell), candidate]);
        rows.set(key, { reason: text(cell), candidate, ids: [...(rows.get(key) ? rows.get(key).ids : []), id], contract });
      }
    }
  }
  return [...rows.values()];
}

const absentColumns = [
  candidateColumn,
  { name: "cell", words: true, of: (row) => row.reason },
  { name: "promises", words: true, of: (row) => row.ids.join(", ") },
  commandColumn((row) => row.ids.map((id) => "./pagelab check --contract " + row.contract + " --id " + shellWord(id) + " " + shellWord(row.candidate)).join("; "),
    (row) => row.candidate + ", " + row.ids.join(", ")),
];

function checkMatrix(matrix) {
  if (!isRecord(matrix) || !Object.values(matrix).every(isRecord)) {
    throw new Error("an object of promises expected");
  }
}

function drawContract(contract) {
  return evidence("conformance_" + contract, "what the candidates keep under the contract '" + contract + "'", (matrix) => {
    checkMatrix(matrix);
    const rows = names(matrix).map((candidate) => ({ candidate }));
    const columns = [candidateColumn, ...families.map(([family, of]) => ({ name: family + ": " + of, of: (row) => familyCell(matrix, family, row.candidate) })),
      commandColumn((row) => "./pagelab check --contract " + contract + " " + shellWord(row.candidate), (row) => row.candidate)];
    return [dataTable("Promises kept, contract " + contract, columns, rows),
      lazy("Every promise on every candidate", () => [promiseMatrix(matrix, contract)]),
      lazy("What is not held, and why", () => [dataTable("Not held", absentColumns, absentRows(matrix, contract))])];
  });
}

const claimSigns = { tested: "tested", claimed: "claimed only", refuted: "REFUTED", stated: "stated" };

function drawClaims(document) {
  const claims = list(document).filter((claim) => shownName(text(claim.candidate)));
  const capabilities = unique(claims.map((claim) => text(claim.capability)));
  const rows = unique(claims.map((claim) => text(claim.candidate))).map((candidate) => ({ candidate }));
  const find = (row, capability) => claims.find((claim) => claim.candidate === row.candidate && claim.capability === capability);
  const columns = capabilities.map((capability) => ({ name: capability, words: true,
    of: (row) => {
      const claim = find(row, capability);
      return claim ? make("span", { className: claim.state === "refuted" ? "status bad" : claim.state === "tested" ? "" : "soft",
        textContent: claimSigns[text(claim.state)] || text(claim.state) }) : "";
    },
    title: (row) => {
      const claim = find(row, capability);
      return claim ? [words(claim.by).join(", "), text(claim.seen)].filter(Boolean).join(": ") : "not claimed";
    } }));
  return [dataTable("Capabilities", [candidateColumn, ...columns,
    commandColumn((row) => "./pagelab check --claims " + shellWord(row.candidate), (row) => "the claims of " + row.candidate)], rows)];
}

function drawConformance() {
  byId("conformance-list").replaceChildren(
    make("h3", { textContent: "Under the documented contract" }), ...drawContract("doc"),
    make("h3", { textContent: "Under the real contract" }), ...drawContract("real"),
    make("h3", { textContent: "Capabilities, tested" }), ...evidence("claims", "which capabilities a check tested", drawClaims));
}
