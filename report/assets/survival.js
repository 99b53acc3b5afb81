// How long planted bugs live: a step down at each mutant's median time; what is left at the right edge survived.

const curveWide = 660;
const curveHigh = 260;
const curveLeft = 46;
const curveRight = 18;
const decades = [-2, 2];
const curveX = (seconds) => curveLeft + ((Math.min(decades[1], Math.log10(Math.max(seconds, 10 ** decades[0]))) - decades[0]) / (decades[1] - decades[0])) * (curveWide - curveLeft - curveRight);
const curveY = (share) => 10 + (1 - share) * (curveHigh - 44);

function survivalAxes() {
  const parts = [];
  for (let power = decades[0]; power <= decades[1]; power++) {
    const x = curveX(10 ** power);
    parts.push(svg("path", { class: "grid", d: "M" + x + " " + curveY(1) + "V" + curveY(0) }), svg("text", { x, y: curveY(0) + 16, "text-anchor": "middle" }, String(10 ** power)));
  }
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(svg("path", { class: "grid", d: "M" + curveLeft + " " + curveY(share) + "H" + (curveWide - curveRight) }),
      svg("text", { x: curveLeft - 6, y: curveY(share) + 4, "text-anchor": "end" }, share * 100 + " %"));
  }
  parts.push(svg("text", { x: (curveLeft + curveWide) / 2, y: curveHigh - 2, "text-anchor": "middle" }, "seconds of one core"));
  return parts;
}

function survivalCurve(mutants, dead, time, name) {
  const times = mutants.filter(dead).map(time).filter(isNumber).sort((a, b) => a - b);
  const path = times.map((seconds, place) => "H" + curveX(seconds).toFixed(1) + "V" + curveY(1 - (place + 1) / mutants.length).toFixed(1)).join("");
  return svg("path", { class: "life " + name, d: "M" + curveLeft + " " + curveY(1) + path + "H" + (curveWide - curveRight) });
}

const mutantColumns = [
  { name: "mutant", of: (row) => text(row.mutant) },
  { name: "kind", words: true, of: (row) => text(row.kind) },
  { name: "in", words: true, of: (row) => text(row.backend) },
  { name: "target", words: true, of: (row) => text(row.target) },
  { name: "ended", words: true, of: (row) => (row.detected === true ? "found by " + text(row.by) : make("span", { className: "status bad", textContent: row.triggered === true ? "survived, though triggered" : "survived" })) },
  { name: "seconds", of: (row) => figures(row.seconds) },
  { name: "executions", of: (row) => whole(row.executions) },
  { name: "threads", words: true, of: (row) => (row.tsan === true ? "found by " + text(row.tsan_by) : row.tsan === false ? "no" : "") },
  { name: "plain target", words: true, of: (row) => (row.plain === true ? "found" : row.plain === false ? "no" : "") },
  commandColumn((row) => "./pagelab score --mutant " + shellWord(text(row.mutant)), (row) => text(row.mutant)),
];

function drawMutants(document) {
  const mutants = list(Array.isArray(document) ? document : document.rows);
  if (mutants.length === 0) {
    throw new Error("a list of mutants expected");
  }
  const tried = mutants.filter((row) => typeof row.tsan === "boolean");
  const found = mutants.filter((row) => row.detected === true).length;
  const label = found + " of " + mutants.length + " planted bugs were found" +
    (tried.length ? "; by real threads under ThreadSanitizer " + tried.filter((row) => row.tsan).length + " of the " + tried.length + " tried that way" : "");
  return [make("p", { textContent: label + "." }),
    make("ul", { className: "legend" }, make("li", null, make("span", { className: "swatch life-ours" }), "our targets"),
      tried.length > 0 && make("li", null, make("span", { className: "swatch life-threads" }), "real threads (of those tried)")),
    make("figure", { className: "figure" }, svg("svg", { class: "survival", viewBox: "0 0 " + curveWide + " " + curveHigh, role: "img", "aria-label": "Survival: " + label },
      ...survivalAxes(), ...(tried.length ? [survivalCurve(tried, (row) => row.tsan, (row) => row.tsan_seconds, "threads")] : []),
      survivalCurve(mutants, (row) => row.detected === true, (row) => row.seconds, "ours"))),
    dataBehind("each mutant", mutantColumns, () => mutants)];
}

function drawSurvival() {
  byId("survival-list").replaceChildren(...evidence("score", "how long planted bugs live", drawMutants));
}
