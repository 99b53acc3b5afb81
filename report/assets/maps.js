// The picture of where frames lie: one pixel a cell of the map, scaled by the browser; holes let a hatching through.

const isMap = (map) => isRecord(map) && typeof map.cells === "string" && map.cells.length > 0 && map.cells.length <= 1 << 20;
const mapCells = () =>
  shownCells().filter((cell) => isMap(cell.frame_map)).sort((a, b) => placeOf(a.candidate) - placeOf(b.candidate));

function parseColour(name) {
  const digits = colour(name).replace("#", "");
  return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
}

// What a map says in numbers. '0' is a cell with no frame granted, '9' one with all; '.' is no memory.
function mapFacts(map) {
  const facts = { granted: 0, memory: 0, free: 0, mixed: 0, longest: 0 };
  let run = 0;
  for (const letter of map.cells) {
    const tenths = letter >= "0" && letter <= "9" ? Number(letter) : -1;
    run = tenths === 0 ? run + 1 : 0;
    facts.longest = Math.max(facts.longest, run);
    if (tenths >= 0) {
      facts.memory++;
      facts.granted += tenths / 9;
      facts.free += tenths === 0 ? 1 : 0;
      facts.mixed += tenths > 0 && tenths < 9 ? 1 : 0;
    }
  }
  return facts;
}

function mapWords(cell) {
  const facts = mapFacts(cell.frame_map);
  const share = (part) => percent(facts.memory ? part / facts.memory : 0);
  const words = share(facts.granted) + " granted; of the cells " + share(facts.free) + " free, " + share(facts.mixed) + " mixed";
  const frames = facts.longest * cell.frame_map.frames_per_cell;
  return isNumber(frames) ? words + "; longest free stretch " + plural(Math.round(frames), "frame") : words;
}

function paintMap(canvas, letters, columns) {
  const free = parseColour("map-free");
  const granted = parseColour("map-granted");
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, Math.ceil(letters.length / columns));
  for (let i = 0; i < letters.length; i++) {
    const letter = letters[i];
    if (letter >= "0" && letter <= "9") {
      const share = Number(letter) / 9;
      for (let part = 0; part < 3; part++) {
        image.data[i * 4 + part] = Math.round(free[part] + (granted[part] - free[part]) * share);
      }
      image.data[i * 4 + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

function drawMap(cell, columns) {
  const letters = cell.frame_map.cells;
  const words = mapWords(cell);
  const canvas = make("canvas", {
    width: columns, height: Math.ceil(letters.length / columns), role: "img",
    "aria-label": "Frame map of " + cell.candidate + " after " + cell.workload + ": " + words,
  });
  paintMap(canvas, letters, columns);
  const figure = make("figure", { className: "map" }, canvas,
    make("figcaption", null, make("strong", { textContent: cell.candidate }), words));
  figure.style.setProperty("--columns", columns);
  return figure;
}

const mapColumns = [
  candidateColumn,
  { name: "what lies where", words: true, of: mapWords },
  { name: "frames", of: (cell) => whole(cell.frame_map.frame_count) },
  { name: "largest free order", of: (cell) => whole(cell.largest_free_order) },
  cellColumn,
];

// All maps share one width in cells, and so one scale wherever a cell stands for as many frames.
function drawMaps() {
  const list = mapCells();
  const columns = Math.min(128, Math.max(32, Math.ceil(Math.sqrt(list.reduce((most, cell) => Math.max(most, cell.frame_map.cells.length), 0)))));
  const figures = grouped(list, bySetting).map((group) => {
    const map = group[0].frame_map;
    const scale = isNumber(map.frames_per_cell) ? plural(map.frames_per_cell, "frame") + " a cell" : "";
    const size = isNumber(map.frame_count) ? plural(map.frame_count, "frame") : "";
    const caption = [settingWords(group[0]), size, scale].filter(Boolean).join(" · ");
    return make("article", { className: "figure" },
      make("header", null, make("h3", { textContent: group[0].workload }), make("p", { textContent: caption }), referenceLine(group[0])),
      make("div", { className: "maps" }, ...group.map((cell) => drawMap(cell, columns))),
      dataBehind("maps of " + group[0].workload, mapColumns, () => group));
  });
  const any = cells.some((cell) => isMap(cell.frame_map));
  byId("maps").hidden = !any;
  byId("maps-link").hidden = !any;
  byId("maps-list").replaceChildren(...(figures.length ? figures
    : [make("p", { className: "empty", textContent: "No cell that the filter leaves has a frame map." })]));
}

function drawMapsLegend() {
  for (const legend of [byId("maps-legend"), byId("ageing-legend")]) {
    legend.replaceChildren(
      make("li", null, "free", make("span", { className: "swatch ramp" }), "granted"),
      make("li", null, make("span", { className: "swatch hatch" }), "hole, no memory there"));
  }
}
