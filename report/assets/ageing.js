// What is left after a long life: of each workload a table, and below, for each candidate, two pictures of the machine
// with as much granted in both: young, and old.

const ageColumns = 256;
const hasAge = (cell) => counted(cell) && isNumber(cell.usable_order_9);
const exactPercent = (share) => (isNumber(share) ? (share * 100).toFixed(1) + " %" : "–");
const shareOf = (part, whole) => (isNumber(part) && isNumber(whole) && whole > 0 ? Number(((part / whole) * 100).toPrecision(3)) + " %" : "–");

// "40/43 (12)": granted, of what there was to be had, and how many before the caches were drained.
function probeWords(cell, probe) {
  const granted = cell[probe + "_granted"];
  const before = cell[probe + "_granted_undrained"];
  if (!isNumber(granted) || !isNumber(cell[probe + "_exist"])) {
    return "n/a";
  }
  return granted + "/" + cell[probe + "_exist"] + (isNumber(before) && before !== granted ? " (" + before + ")" : "");
}

const ageTable = [
  ["held", (cell) => exactPercent(cell.held_old)],
  ["usable at order 9", (cell) => exactPercent(cell.usable_order_9)],
  ["young", (cell) => exactPercent(cell.usable_order_9_young)],
  ["undrained", (cell) => exactPercent(cell.usable_order_9_undrained)],
  ["usable at order 4", (cell) => exactPercent(cell.usable_order_4)],
  ["young", (cell) => exactPercent(cell.usable_order_4_young)],
  ["order 9", (cell) => probeWords(cell, "order_9")],
  ["run of 64", (cell) => probeWords(cell, "run_64")],
  ["run of 512", (cell) => probeWords(cell, "run_512")],
  ["run of 4096", (cell) => probeWords(cell, "run_4096")],
  ["failed", (cell) => shareOf(cell.failures, cell.requests)],
  ["failed, order 9", (cell) => shareOf(cell.failures_order_9, cell.requests_order_9)],
  ["ns a pair", (cell) => (isOk(cell) ? figures(cell.ns) : cell.status)],
  ["metadata B/frame", (cell) => figures(cell.metadata_bytes_per_frame_peak) || "–"],
];

function ageRow(cell) {
  return make("tr", { className: isRod(cell.candidate) ? "rod" : "" },
    make("th", { scope: "row", textContent: cell.candidate, title: cell.candidate }),
    ...ageTable.map(([, words]) => make("td", { className: "number", textContent: words(cell) })));
}

function agePicture(cell, map, when) {
  const words = mapWords({ frame_map: map });
  const canvas = make("canvas", {
    width: ageColumns, height: Math.ceil(map.cells.length / ageColumns), role: "img",
    "aria-label": "Frame map of " + cell.candidate + ", " + cell.workload + ", " + when + ": " + words,
  });
  paintMap(canvas, map.cells, ageColumns);
  return make("figure", { className: "map" }, canvas, make("figcaption", null, when + ": " + words));
}

function agePictures(cell) {
  const maps = isRecord(cell.age_maps) ? cell.age_maps : {};
  const pictures = [["young", maps.young], ["old", maps.old]].filter(([, map]) => isMap(map));
  return pictures.length === 0 ? null
    : make("div", { className: "ages" },
      make("h4", null, cell.candidate, make("small", { textContent: "usable at order 9: " +
        exactPercent(cell.usable_order_9_young) + " young, " + exactPercent(cell.usable_order_9) + " old" })),
      make("div", { className: "maps" }, ...pictures.map(([when, map]) => agePicture(cell, map, when))));
}

function ageFigure(list) {
  const first = list[0];
  const map = isRecord(first.age_maps) && isMap(first.age_maps.old) ? first.age_maps.old : null;
  const caption = [settingWords(first), isNumber(first.operations) ? plural(first.operations, "operation") : "",
    map && isNumber(map.frame_count) ? plural(map.frame_count, "frame") : "",
    map && isNumber(map.frames_per_cell) ? plural(map.frames_per_cell, "frame") + " a cell" : ""];
  const best = [...list].sort((a, b) => b.usable_order_9 - a.usable_order_9);
  return make("article", { className: "figure" },
    make("header", null, make("h3", { textContent: first.workload }), make("p", { textContent: caption.filter(Boolean).join(" · ") })),
    make("div", { className: "table-box", tabIndex: 0, role: "region", "aria-label": "Ageing, " + first.workload },
      make("table", { className: "cells ageing" },
        make("thead", null, make("tr", null, make("th", { scope: "col" }, make("span", { textContent: "candidate" })),
          ...ageTable.map(([name]) => make("th", { scope: "col", className: "number" }, make("span", { textContent: name }))))),
        make("tbody", null, ...best.map(ageRow)))),
    ...best.map(agePictures));
}

function drawAgeing() {
  const none = !cells.some(hasAge);
  byId("ageing").hidden = none;
  byId("ageing-link").hidden = none;
  const groups = new Map();
  for (const cell of shownCells().filter(hasAge)) {
    const key = JSON.stringify([cell.workload, settingWords(cell)]);
    groups.set(key, [...(groups.get(key) || []), cell]);
  }
  byId("ageing-list").replaceChildren(...(groups.size ? [...groups.values()].map(ageFigure)
    : [make("p", { className: "empty", textContent: "No cell that the filter leaves has aged." })]));
}
