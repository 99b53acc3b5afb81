// What is left after a long life: of each workload a table, and below, for each candidate, pictures of the machine: young
// and old with as much granted in both, and between them two small ones.

const ageColumns = 256;
const betweenColumns = 64;
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
  candidateColumn,
  { name: "held", of: (cell) => exactPercent(cell.held_old) },
  { name: "usable at order 9", of: (cell) => exactPercent(cell.usable_order_9) },
  { name: "young", of: (cell) => exactPercent(cell.usable_order_9_young) },
  { name: "undrained", of: (cell) => exactPercent(cell.usable_order_9_undrained) },
  { name: "usable at order 4", of: (cell) => exactPercent(cell.usable_order_4) },
  { name: "young", of: (cell) => exactPercent(cell.usable_order_4_young) },
  { name: "order 9", of: (cell) => probeWords(cell, "order_9") },
  { name: "run of 64", of: (cell) => probeWords(cell, "run_64") },
  { name: "run of 512", of: (cell) => probeWords(cell, "run_512") },
  { name: "run of 4096", of: (cell) => probeWords(cell, "run_4096") },
  { name: "failed", of: (cell) => shareOf(cell.failures, cell.requests) },
  { name: "failed, order 9", of: (cell) => shareOf(cell.failures_order_9, cell.requests_order_9) },
  { name: "ns a pair", of: (cell) => (isOk(cell) ? figures(cell.ns) : cell.status) },
  { name: "metadata B/frame", of: (cell) => figures(cell.metadata_bytes_per_frame_peak) },
  cellColumn,
];

function agePicture(cell, map, when, columns = ageColumns) {
  const words = mapWords({ frame_map: map });
  const canvas = make("canvas", {
    width: columns, height: Math.ceil(map.cells.length / columns), role: "img",
    "aria-label": "Frame map of " + cell.candidate + ", " + cell.workload + ", " + when + ": " + words,
  });
  paintMap(canvas, map.cells, columns);
  return make("figure", { className: columns === ageColumns ? "map" : "map between" }, canvas, make("figcaption", null, when + ": " + words));
}

function agePictures(cell) {
  const maps = isRecord(cell.age_maps) ? cell.age_maps : {};
  const looks = (Array.isArray(maps.between) ? maps.between : []).filter((map) => isMap(map) && isNumber(map.operations))
    .slice(0, 8).map((map) => ["after " + plural(map.operations, "operation"), map, betweenColumns]);
  const pictures = [["young", maps.young], ...looks, ["old", maps.old]].filter(([, map]) => isMap(map));
  return pictures.length === 0 ? null
    : make("div", { className: "ages" },
      make("h4", null, cell.candidate, make("small", { textContent: "usable at order 9: " +
        exactPercent(cell.usable_order_9_young) + " young, " + exactPercent(cell.usable_order_9) + " old" })),
      make("div", { className: "maps" }, ...pictures.map(([when, map, columns]) => agePicture(cell, map, when, columns))));
}

// What was free in blocks of order 9 at each look, from the young machine to the old one: small curves, one scale.
const agePoints = (cell) =>
  (isRecord(cell.age_maps) && Array.isArray(cell.age_maps.over_time) ? cell.age_maps.over_time : [])
    .filter((look) => Array.isArray(look) && look.length >= 3 && look.every(isNumber));
const lookColumns = [
  candidateColumn,
  { name: "operations", of: (row) => whole(row.look[0]) },
  { name: "usable at order 9", of: (row) => exactPercent(row.look[1]) },
  { name: "held", of: (row) => exactPercent(row.look[2]) },
];

function ageCurves(list) {
  const aged = list.filter((cell) => agePoints(cell).length > 1);
  if (aged.length === 0) {
    return make("p", { className: "soft", textContent: "Between young and old nobody looked in this run." });
  }
  const domain = { ...sparkDomain(aged.flatMap((cell) => agePoints(cell).map(([x]) => [x, 0]))), low: 0, high: 1 };
  const curve = (cell) => {
    const label = cell.candidate + ", usable at order 9 over its life: " + exactPercent(agePoints(cell)[0][1]) + " to " + exactPercent(agePoints(cell).at(-1)[1]);
    return make("figure", { className: "lifetime" }, spark(agePoints(cell), domain, undefined, label), make("figcaption", { textContent: cell.candidate }));
  };
  return make("div", null, make("p", { className: "soft", textContent: "Usable at order 9 over its life, 0 to 100 %:" }),
    make("div", { className: "lifetimes" }, ...aged.map(curve)),
    dataBehind("each look", lookColumns, () => aged.flatMap((cell) => agePoints(cell).map((look) => ({ candidate: cell.candidate, look })))));
}

function ageFigure(list) {
  const first = list[0];
  const map = isRecord(first.age_maps) && isMap(first.age_maps.old) ? first.age_maps.old : null;
  const caption = [settingWords(first), isNumber(first.operations) ? plural(first.operations, "operation") : "",
    map && isNumber(map.frame_count) ? plural(map.frame_count, "frame") : "",
    map && isNumber(map.frames_per_cell) ? plural(map.frames_per_cell, "frame") + " a cell" : ""];
  const best = [...list].sort((a, b) => b.usable_order_9 - a.usable_order_9);
  return make("article", { className: "figure" },
    make("header", null, make("h3", { textContent: first.workload }), make("p", { textContent: caption.filter(Boolean).join(" · ") }), referenceLine(first)),
    ageCurves(list),
    dataTable("Ageing, " + first.workload, ageTable, best, rodClass),
    ...best.map(agePictures));
}

function drawAgeing() {
  const none = !cells.some(hasAge);
  byId("ageing").hidden = none;
  byId("ageing-link").hidden = none;
  const groups = grouped(shownCells().filter(hasAge), bySetting);
  byId("ageing-list").replaceChildren(...(groups.length ? groups.map(ageFigure)
    : [make("p", { className: "empty", textContent: "No cell that the filter leaves has aged." })]));
}
