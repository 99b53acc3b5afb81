// One figure a workload, in it a bar chart for each order, in that a bar for each candidate and number of CPUs.
// Chart.js scales and draws; the plug-in below adds spreads and, where there is no bar, the reason.

const charts = [];
const seriesOf = (cell) => [cpuWords(cell), variantWords(cell)].filter(Boolean).join(", ") || "all";
const allSeries = unique([...cells].sort((a, b) => (a.cpus || 0) - (b.cpus || 0)).map(seriesOf));

// "2 CPUs" and "2 CPUs, serial" read as one and share a colour, unless they meet in one workload.
const seriesPlaces = (() => {
  const together = workloads.map((workload) => cells.filter((cell) => cell.workload === workload).map(seriesOf)).map(unique);
  const bases = unique(allSeries.map((name) => name.split(", ")[0]));
  const places = new Map();
  let next = bases.length;
  for (const name of allSeries) {
    const own = bases.indexOf(name.split(", ")[0]);
    const taken = [...places].some(([other, place]) => place === own && together.some((list) => list.includes(name) && list.includes(other)));
    places.set(name, taken ? next++ : own);
  }
  return places;
})();

const seriesColour = (series, rod) =>
  rod ? colour("rod-" + (seriesPlaces.get(series) % 2)) : colour("series-" + (seriesPlaces.get(series) % 4));

function fitText(context, words, width) {
  let length = words.length;
  while (length > 1 && context.measureText(shorten(words, length)).width > width) {
    length--;
  }
  return shorten(words, length);
}

// Text on a rim of the background, so that grid lines do not cross it.
function drawWords(context, words, x, y) {
  context.save();
  context.lineWidth = 4;
  context.lineJoin = "round";
  context.strokeStyle = colour("sheet");
  context.strokeText(words, x, y);
  context.restore();
  context.fillText(words, x, y);
}

// "10k", "4.22M": long numbers meet their neighbours on a phone.
function shortFigures(value) {
  const steps = [[1e9, "G"], [1e6, "M"], [1e3, "k"]];
  const step = steps.find(([size]) => value >= size * 0.999);
  return step ? Number((value / step[0]).toPrecision(3)) + step[1] : String(Number(value.toPrecision(3)));
}

function drawSpread(chart, bar, cell) {
  const context = chart.ctx;
  if (isNumber(cell.ci_low) && isNumber(cell.ci_high) && cell.ci_low > 0) {
    const from = chart.scales.x.getPixelForValue(cell.ci_low);
    const to = chart.scales.x.getPixelForValue(cell.ci_high);
    context.save();
    context.globalAlpha = 0.45;
    context.fillStyle = colour("whisker");
    context.fillRect(Math.min(from, to - 2), bar.y - bar.height / 4, Math.max(2, to - from), bar.height / 2);
    context.restore();
  }
  const least = chart.scales.x.getPixelForValue(Math.min(cell.ns, ...cell.samples));
  const most = chart.scales.x.getPixelForValue(Math.max(cell.ns, ...cell.samples));
  if (most - least > 3) {
    const end = Math.min(3, bar.height / 4);
    context.beginPath();
    context.moveTo(least, bar.y);
    context.lineTo(most, bar.y);
    for (const x of [least, most]) {
      context.moveTo(x, bar.y - end);
      context.lineTo(x, bar.y + end);
    }
    context.stroke();
  }
  const number = cell.ns >= 1e5 ? shortFigures(cell.ns) : figures(cell.ns);
  const words = cell.bimodal === true ? number + " ⋔" : number;
  drawWords(context, words, Math.min(Math.max(most, bar.x) + 6, chart.width - context.measureText(words).width - 2), bar.y);
}

const marks = {
  id: "marks",
  afterDatasetsDraw(chart) {
    const context = chart.ctx;
    context.save();
    context.font = "12px " + Chart.defaults.font.family;
    context.textBaseline = "middle";
    context.strokeStyle = colour("whisker");
    context.lineWidth = 1.25;
    chart.data.datasets.forEach((dataset, place) => {
      const bars = chart.getDatasetMeta(place).data;
      dataset.cells.forEach((cell, index) => {
        context.fillStyle = colour("soft");
        if (cell && isOk(cell)) {
          drawSpread(chart, bars[index], cell);
        } else if (cell) {
          const left = chart.chartArea.left + 5;
          drawWords(context, fitText(context, statusWords(cell), chart.width - left - 2), left, bars[index].y);
        }
      });
    });
    context.restore();
  },
};

function noiseWords(cell) {
  return [isNumber(cell.ci_low) && isNumber(cell.ci_high) ? "interval of the median " + figures(cell.ci_low) + " to " + figures(cell.ci_high) + " ns" : "",
    isNumber(cell.noise) ? "differences below " + percent(cell.noise) + " are noise" : "",
    cell.bimodal === true ? "two peaks: the median stands for neither" : ""].filter(Boolean);
}

function tooltipLines(cell) {
  const lines = [settingWords(cell) + ": " + (isOk(cell) ? figures(cell.ns) + " ns" : statusWords(cell))];
  if (isOk(cell) && cell.samples.length > 1) {
    lines.push(
      plural(cell.samples.length, "repetition") + ", " + figures(Math.min(...cell.samples)) + " to " +
        figures(Math.max(...cell.samples)) + " ns"
    );
  }
  lines.push(...noiseWords(cell));
  if (isNumber(cell.ratio_to_magazine)) {
    lines.push(figures(cell.ratio_to_floor) + " × floor, " + figures(cell.ratio_to_magazine) + " × magazine");
  }
  return lines;
}

// A stack such as percpu+buddy breaks behind a plus where it is long: a phone leaves little room for names.
// The blank of no width keeps a name such as "constructor" from being one that every object of Chart.js has.
function labelLines(name) {
  const at = name.length > 17 ? name.indexOf("+") + 1 : 0;
  const lines = at > 0 ? [name.slice(0, at), name.slice(at)] : [name];
  return lines.map((line) => shorten(line, 18) + "\u200b");
}

// The axis of all charts of one workload, so that they compare.
function axisRange(list) {
  const times = list.filter(isOk).flatMap((cell) => [cell.ns, ...cell.samples]);
  if (times.length === 0) {
    return { min: 1, max: 1000 };
  }
  const least = times.reduce((a, b) => Math.min(a, b));
  const most = times.reduce((a, b) => Math.max(a, b));
  const min = 10 ** Math.floor(Math.log10(least * 0.8));
  return { min, max: Math.max(most * 1.1, min * 10) };
}

function tickLabel(value, range) {
  const power = Math.log10(value);
  const lead = value / 10 ** Math.floor(power + 1e-9);
  const near = (number) => Math.abs(lead - number) < 1e-6;
  const short = range.max / range.min < 300;
  return near(1) || (short && (near(2) || near(5))) ? shortFigures(value) : "";
}

function chartOptions(range, names) {
  const fade = colour("soft");
  return {
    indexAxis: "y",
    animation: false,
    maintainAspectRatio: false,
    layout: { padding: { right: 44 } },
    scales: {
      x: {
        type: "logarithmic",
        min: range.min,
        max: range.max,
        grid: { color: (tick) => (tick.tick && tick.tick.label ? colour("line") : "transparent"), drawTicks: false },
        ticks: { color: fade, maxRotation: 0, autoSkip: false, padding: 4, callback: (value) => tickLabel(value, range) },
        border: { display: false },
        title: { display: true, text: "ns an operation", color: fade },
      },
      y: {
        grid: { display: false, drawBorder: false },
        ticks: {
          autoSkip: false,
          color: (tick) => (isRod(names[tick.index]) ? fade : colour("ink")),
          callback: (_, index) => labelLines(names[index]),
        },
      },
    },
    plugins: {
      legend: { display: false },
      tooltip: {
        displayColors: false,
        filter: (item) => Boolean(item.dataset.cells[item.dataIndex]),
        callbacks: {
          title: (items) => (items.length ? shorten(names[items[0].dataIndex], 60) : ""),
          label: (item) => tooltipLines(item.dataset.cells[item.dataIndex]),
        },
      },
    },
  };
}

// Fastest first by the first series that has a time; what has none comes last, in the order of the record.
function chartNames(list, series) {
  const key = (name) => {
    const times = series.map((one) => list.find((cell) => cell.candidate === name && seriesOf(cell) === one));
    const found = times.find((cell) => cell && isOk(cell));
    return found ? found.ns : Infinity;
  };
  const keys = new Map(unique(list.map((cell) => cell.candidate)).map((name) => [name, key(name)]));
  return [...keys.keys()].sort((a, b) => (keys.get(a) === keys.get(b) ? placeOf(a) - placeOf(b) : keys.get(a) - keys.get(b)));
}

function chartAlternative(list, caption) {
  const ok = list.filter(isOk).sort((a, b) => a.ns - b.ns);
  const words = ok.map((cell) => cell.candidate + " (" + seriesOf(cell) + ") " + figures(cell.ns) + " ns");
  return "Bar chart, " + caption + ": " + (words.join(", ") || "no cell was measured") + ". All data is in the table below.";
}

function drawFacet(list, range, caption) {
  const series = allSeries.filter((name) => list.some((cell) => seriesOf(cell) === name));
  const names = chartNames(list, series);
  const canvas = make("canvas", { role: "img", "aria-label": chartAlternative(list, caption) });
  const plot = make("div", { className: "plot" }, canvas);
  plot.style.height = Math.max(2, names.length) * (series.length * 16 + (series.length > 1 ? 10 : 14)) + 52 + "px";
  const datasets = series.map((name) => {
    const row = names.map((candidate) => list.find((cell) => cell.candidate === candidate && seriesOf(cell) === name));
    return {
      label: name,
      cells: row,
      data: row.map((cell) => (cell && isOk(cell) ? cell.ns : null)),
      backgroundColor: names.map((candidate) => seriesColour(name, isRod(candidate))),
      borderRadius: 2,
      minBarLength: 2,
      maxBarThickness: 15,
      barPercentage: 0.9,
      categoryPercentage: 0.82,
    };
  });
  return { plot, start: () => charts.push(new Chart(canvas, {
    type: "bar", data: { labels: names.map(labelLines), datasets }, options: chartOptions(range, names), plugins: [marks],
  })) };
}

// What chance does between equals, as the twins of this run showed it.
function noiseLine(list) {
  const noise = list.map((cell) => cell.noise).filter(isNumber);
  if (noise.length === 0) {
    return null;
  }
  const range = unique([Math.min(...noise), Math.max(...noise)].map(percent)).join(" to ");
  return make("p", { textContent: "Two cells that differ by less than " + range + " were not told apart (twins)." });
}

const chartColumns = [
  candidateColumn,
  { name: "setting", words: true, of: settingWords },
  { name: "ns/op", of: (cell) => (isOk(cell) ? figures(cell.ns) : "") },
  { name: "repetitions", of: spreadWords },
  { name: "interval", of: (cell) => (isNumber(cell.ci_low) && isNumber(cell.ci_high) ? figures(cell.ci_low) + " – " + figures(cell.ci_high) : "") },
  { name: "noise", of: (cell) => percent(cell.noise) },
  { name: "status", words: true, of: (cell) => (cell.bimodal === true ? "ok, two peaks" : statusWords(cell)) },
  cellColumn,
];

function drawWorkload(name, list) {
  const orders = unique(list.map((cell) => orderWords(cell)));
  const range = axisRange(list);
  const facets = make("div", { className: orders.length > 1 ? "facets many" : "facets" });
  const starts = [];
  for (const order of orders) {
    const here = list.filter((cell) => orderWords(cell) === order);
    const facet = drawFacet(here, range, [name, order].filter(Boolean).join(", "));
    const settings = order || unique(here.map(settingWords)).join("; ");
    facets.append(make("figure", { className: "facet" }, make("figcaption", { textContent: settings }), facet.plot));
    starts.push(facet.start);
  }
  const figure = make("article", { className: orders.length > 1 ? "figure wide" : "figure" },
    make("header", null, make("h3", { textContent: name }), make("p", { textContent: workloadDescription(name) }), noiseLine(list), referenceLine(list[0])), facets,
    dataBehind(name, chartColumns, () => [...list].sort((a, b) => (isOk(a) ? a.ns : Infinity) - (isOk(b) ? b.ns : Infinity))));
  return { figure, start: () => starts.forEach((start) => start()) };
}

function drawLegend(list) {
  const shown = allSeries.filter((name) => list.some((cell) => seriesOf(cell) === name));
  const items = new Map(shown.map((name) => [seriesColour(name, false), []]));
  shown.forEach((name) => items.get(seriesColour(name, false)).push(name));
  const shortName = (names) => (names.length > 1 ? names[0].split(", ")[0] : names[0]);
  const entries = [...items].map(([paint, names]) => [paint, shortName(names)]);
  const lines = entries.map(([paint, words]) => {
    const swatch = make("span", { className: "swatch" });
    swatch.style.background = paint;
    return make("li", null, swatch, words);
  });
  if (list.some((cell) => isRod(cell.candidate))) {
    const swatch = make("span", { className: "swatch" });
    swatch.style.background = colour("rod-0");
    lines.push(make("li", null, swatch, "measuring rods"));
  }
  lines.push(make("li", null, make("span", { className: "swatch line" }), "fastest to slowest repetition"));
  if (list.some((cell) => isNumber(cell.ci_low))) {
    lines.push(make("li", null, make("span", { className: "swatch band" }), "interval of the median"));
  }
  if (list.some((cell) => cell.bimodal === true)) {
    lines.push(make("li", null, "⋔ two peaks"));
  }
  byId("charts-legend").replaceChildren(...lines);
}

// A chart is made when it comes near the window: a page may hold hundreds.
const waiting = new Map();
const nearby = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => startFigure(entry.target)),
  { rootMargin: "600px" }
);

function startFigure(figure) {
  const start = waiting.get(figure);
  waiting.delete(figure);
  nearby.unobserve(figure);
  if (start) {
    start();
  }
}

const startAllFigures = () => [...waiting.keys()].forEach(startFigure);

function drawCharts() {
  const list = shownCells();
  nearby.disconnect();
  waiting.clear();
  charts.splice(0).forEach((chart) => chart.destroy());
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 12;
  drawLegend(list.filter((cell) => sectionOf(cell) === "frames"));
  const frames = list.filter((cell) => sectionOf(cell) === "frames" && !cell.workload.startsWith("calibrate-"));
  const figures = grouped(frames, (cell) => JSON.stringify([cell.workload, cell.reference === true]))
    .map((here) => drawWorkload(here[0].workload, here));
  const box = make("div", { className: "pairs" }, ...figures.map((one) => one.figure));
  byId("charts-list").replaceChildren(figures.length ? box : make("p", { className: "empty", textContent: "The filter leaves nothing to draw." }));
  for (const { figure, start } of figures) {
    waiting.set(figure, start);
    nearby.observe(figure);
  }
}
