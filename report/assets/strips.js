// A strip a candidate: from the median to the worst of its single operations, on one logarithmic axis for all.

const stripMarks = [["p50", "p50_ns"], ["p99", "p99_ns"], ["p99.9", "p99_9_ns"], ["p99.99", "p99_99_ns"], ["worst", "worst_ns"]];

function stripAxis(rows) {
  const values = rows.flatMap((row) => row.values.map(([, value]) => value));
  const low = Math.floor(Math.log10(values.reduce((a, b) => Math.min(a, b))));
  const high = Math.max(low + 1, Math.ceil(Math.log10(values.reduce((a, b) => Math.max(a, b)))));
  return { low, high, at: (value) => ((Math.log10(value) - low) / (high - low)) * 100 + "%" };
}

function stripMark(axis, [name, value], place) {
  const mark = make("span", { className: "mark mark-" + place, title: name + ": " + timeWords(value) });
  mark.style.left = axis.at(value);
  return mark;
}

function stripRow(axis, row) {
  const line = make("span", { className: "line" });
  const first = row.values[0][1];
  const last = row.values[row.values.length - 1][1];
  line.style.left = axis.at(first);
  line.style.width = "calc(" + axis.at(last) + " - " + axis.at(first) + ")";
  const told = row.values.map(([name, value]) => name + " " + timeWords(value)).join(", ");
  return make("li", { className: row.rod ? "rod" : "" }, make("span", { className: "name", textContent: row.name, title: row.name }),
    make("span", { className: "track", role: "img", "aria-label": row.name + ": " + told },
      line, ...row.values.map((value, place) => stripMark(axis, value, place))));
}

function stripScale(axis) {
  const ticks = [];
  for (let power = axis.low; power <= axis.high; power++) {
    const tick = make("span", { className: "tick", textContent: timeWords(10 ** power).replace(/\.0+ /, " ").replace("1,000 ns", "1 µs") });
    tick.style.left = axis.at(10 ** power);
    ticks.push(tick);
  }
  return make("li", { className: "scale", "aria-hidden": "true" }, make("span", { className: "name" }), make("span", { className: "track" }, ...ticks));
}

const withValues = (rows) =>
  rows.map((row) => ({ ...row, values: row.values.filter(([, value]) => isNumber(value) && value > 0) })).filter((row) => row.values.length > 0);

// `rows`: { name, rod, values: [[name, ns], ...] }, least first. `beside`: rows of other strips that share the axis.
function strips(rows, beside = []) {
  const drawn = withValues(rows);
  if (drawn.length === 0) {
    return null;
  }
  const axis = stripAxis([...drawn, ...withValues(beside)]);
  return make("ul", { className: "strips" }, ...drawn.map((row) => stripRow(axis, row)), stripScale(axis));
}
