// How candidates grow: of each a small curve over machines (both axes logarithmic, one scale a column), with the fitted
// power of the frames; and over CPUs, where the counts are of virtual ones.

const sparkWide = 96;
const sparkHigh = 34;

function sparkDomain(points) {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const low = ys.reduce((a, b) => Math.min(a, b), Infinity);
  const high = ys.reduce((a, b) => Math.max(a, b), -Infinity);
  return { left: Math.min(...xs), right: Math.max(...xs), low, high: high > low ? high : low + 1 };
}

// `slope`: of the fitted line through the middle of the points; undefined: none.
function spark(points, domain, slope, label) {
  const x = (value) => 3 + ((value - domain.left) / Math.max(domain.right - domain.left, 1e-9)) * (sparkWide - 6);
  const y = (value) => sparkHigh - 3 - ((value - domain.low) / (domain.high - domain.low)) * (sparkHigh - 6);
  const drawing = svg("svg", { class: "spark", viewBox: "0 0 " + sparkWide + " " + sparkHigh, width: sparkWide, height: sparkHigh, role: "img", "aria-label": label });
  if (isNumber(slope)) {
    const middle = [0, 1].map((part) => points.reduce((sum, point) => sum + point[part], 0) / points.length);
    const ends = [points[0][0], points[points.length - 1][0]];
    drawing.append(svg("path", { class: "fit", d: ends.map((end, place) => (place ? "L" : "M") + x(end) + " " + y(middle[1] + slope * (end - middle[0]))).join("") }));
  }
  drawing.append(svg("path", { class: "curve", d: points.map(([px, py], place) => (place ? "L" : "M") + x(px).toFixed(1) + " " + y(py).toFixed(1)).join("") }),
    ...points.map(([px, py]) => svg("circle", { cx: x(px).toFixed(1), cy: y(py).toFixed(1), r: 1.7 })));
  return drawing;
}

const growths = [
  ["init", "init", (row) => row.init_ms],
  ["metadata touched", "metadata", (row) => row.metadata_touched_bytes],
  ["repeat", "repeat", (row) => row.repeat_ns],
  ["replace", "replace", (row) => row.replace_ns],
];
const logPoints = (rows, value) =>
  rows.filter((row) => isNumber(row.frames) && row.frames > 0 && value(row) > 0).map((row) => [Math.log10(row.frames), Math.log10(value(row))]);

function growthColumn(memory, [name, key, value]) {
  const domain = sparkDomain(logPoints(memory, value));
  return { name, of: (row) => {
    const points = logPoints(memory.filter((one) => one.candidate === row.candidate), value);
    const fit = isRecord(row[key]) ? row[key] : {};
    const fitted = isNumber(fit.exponent) ? "n^" + fit.exponent.toFixed(2).replace("-0.00", "0.00") + (isNumber(fit.points) ? " (" + fit.points + ")" : "") : "–";
    return points.length === 0 ? "" : make("span", { className: "growth" }, spark(points, domain, fit.exponent, text(row.candidate) + ", " + name + ": " + fitted), fitted);
  } };
}

const scaleColumns = [
  candidateColumn,
  { name: "machine", of: (row) => (isNumber(row.memory_bytes) ? bytes(row.memory_bytes) : "") },
  { name: "init", of: (row) => (isNumber(row.init_ms) ? timeWords(row.init_ms * 1e6) : "") },
  { name: "reserved", of: (row) => (isNumber(row.metadata_reserved_bytes) ? bytes(row.metadata_reserved_bytes) : "") },
  { name: "touched", of: (row) => (isNumber(row.metadata_touched_bytes) ? bytes(row.metadata_touched_bytes) : "") },
  { name: "repeat ns", of: (row) => figures(row.repeat_ns) },
  { name: "replace ns", of: (row) => figures(row.replace_ns) },
  { name: "order 9 ns", of: (row) => figures(row.repeat_order9_ns) },
  { name: "note", words: true, of: (row) => (row.status === "ok" ? "" : "stops here: " + text(row.reason)) },
  commandColumn((row) => "./pagelab scale " + shellWord(text(row.candidate)) + " --from " + row.memory_bytes + " --to " + row.memory_bytes + " --cpus none",
    (row) => text(row.candidate) + " on this machine"),
];

function drawMemoryScale(document) {
  const memory = list(document.memory).filter((row) => shownName(text(row.candidate)));
  const growth = list(document.growth);
  const rows = unique(memory.map((row) => row.candidate)).map((candidate) => ({ ...growth.find((one) => one.candidate === candidate), candidate }));
  const largest = (row) => {
    const sizes = memory.filter((one) => one.candidate === row.candidate && one.status === "ok" && isNumber(one.memory_bytes)).map((one) => one.memory_bytes);
    return sizes.length ? bytes(Math.max(...sizes)) : "";
  };
  const last = (row) => memory.filter((one) => one.candidate === row.candidate).at(-1);
  const columns = [candidateColumn, ...growths.map((one) => growthColumn(memory, one)),
    { name: "largest machine", of: (row) => largest(row) },
    { name: "what stops it", words: true, of: (row) => (last(row).status === "ok" ? "nothing: as far as was asked" : text(last(row).reason)) }];
  return [make("h3", { textContent: "Over memory" }), dataTable("Growth with memory", columns, rows), dataBehind("each machine", scaleColumns, () => memory)];
}

const patternOf = (pattern, key) => (row) => (isRecord(row[pattern]) ? row[pattern][key] : undefined);
const cpuCurves = [
  ["repeat: locked a call", patternOf("repeat", "locked_per_call")],
  ["failed CAS", patternOf("repeat", "cas_failed_per_call")],
  ["spins", patternOf("repeat", "spins_per_call")],
  ["bulk: locked a call", patternOf("bulk", "locked_per_call")],
  ["bulk: failed CAS", patternOf("bulk", "cas_failed_per_call")],
];
const shares = (value) => (isNumber(value) ? value.toFixed(2) : "");

function cpuCurveColumn(cpus, [name, value]) {
  const points = (rows) => rows.filter((row) => isNumber(value(row))).map((row) => [Math.log2(row.cpus), value(row)]);
  const domain = { ...sparkDomain(points(cpus)), low: 0 };
  return { name, of: (row) => {
    const own = points(cpus.filter((one) => one.candidate === row.candidate));
    const told = own.length ? shares(own[0][1]) + " → " + shares(own.at(-1)[1]) : "";
    return own.length === 0 ? "" : make("span", { className: "growth" }, spark(own, domain, undefined, text(row.candidate) + ", " + name + ": " + told), told);
  } };
}

function drawCpuScale(document) {
  const cpus = list(document.cpus).filter((row) => shownName(text(row.candidate)) && isNumber(row.cpus) && row.cpus > 0);
  const real = { name: "ns a pair on real CPUs", of: (row) =>
    cpus.filter((one) => one.candidate === row.candidate && isNumber(one.repeat_ns)).map((one) => one.cpus + ": " + figures(one.repeat_ns)).join(", ") };
  const rows = unique(cpus.map((row) => row.candidate)).map((candidate) => ({ candidate }));
  const columns = [candidateColumn, { name: "CPUs", of: (row) => shares(row.cpus).replace(".00", "") }, { name: "repeat ns", of: (row) => figures(row.repeat_ns) },
    ...cpuCurves.map(([name, value]) => ({ name, of: (row) => shares(value(row)) })),
    { name: "note", words: true, of: (row) => text(row.reason) || text(row.sim_reason) || text(row.sim_note) },
    commandColumn((row) => "./pagelab scale " + shellWord(text(row.candidate)) + " --from 64MiB --to 64MiB --cpus " + row.cpus, (row) => text(row.candidate) + " on " + plural(row.cpus, "CPU"))];
  const most = cpus.reduce((high, row) => Math.max(high, row.cpus), 1);
  return [make("h3", { textContent: "Over CPUs, up to " + most + " virtual ones that take turns at each atomic access" }),
    dataTable("Growth with CPUs", [candidateColumn, real, ...cpuCurves.map((one) => cpuCurveColumn(cpus, one))], rows),
    dataBehind("each number of CPUs", columns, () => cpus)];
}

function drawScaling() {
  byId("scaling-list").replaceChildren(...evidence("scale", "how candidates grow", (document) => [...drawMemoryScale(document), ...drawCpuScale(document)]));
}
