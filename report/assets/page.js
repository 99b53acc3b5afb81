// The wiring: the filter drives charts, table and maps; a change of colour scheme redraws what has colours of its own.

function drawFiltered() {
  drawFilterSummary();
  drawDecision();
  drawCharts();
  drawSystems();
  drawTable();
  drawTail();
  drawWorst();
  drawContexts();
  drawScaling();
  drawAgeing();
  drawMaps();
  drawConformance();
  drawNosleep();
  drawSurvival();
  drawCost();
}

function drawFilterSummary() {
  const shown = candidateNames.filter((name) => !view.hidden.has(name)).length;
  const who = shown === candidateNames.length ? "all " + plural(shown, "candidate") : shown + " of " + plural(candidateNames.length, "candidate");
  byId("filter-summary").textContent = who + ", " + (view.workload || "all workloads");
}

function checkAll(checked) {
  for (const box of byId("filter-candidates").querySelectorAll("input")) {
    box.checked = checked;
  }
  view.hidden = new Set(checked ? [] : candidateNames);
  drawFiltered();
}

function drawFilter() {
  byId("filter-candidates").replaceChildren(
    ...candidateNames.map((name) => {
      const box = make("input", { type: "checkbox", checked: true });
      box.addEventListener("change", () => {
        view.hidden[box.checked ? "delete" : "add"](name);
        drawFiltered();
      });
      return make("label", { className: isRod(name) ? "choice rod" : "choice" }, box, name, isRod(name) && make("small", { textContent: "rod" }));
    })
  );
  byId("filter-workload").append(...workloads.map((name) => make("option", { value: name, textContent: name })));
  byId("filter-workload").addEventListener("change", (event) => {
    view.workload = event.target.value;
    drawFiltered();
  });
  byId("filter-all").addEventListener("click", () => checkAll(true));
  byId("filter-none").addEventListener("click", () => checkAll(false));
  byId("filter-form").addEventListener("submit", (event) => event.preventDefault());
  byId("filter").open = matchMedia("(min-width: 900px)").matches;
}

// The filter stays in sight on a large screen; what a link leads to must not come to lie behind it.
function keepClearOfFilter() {
  const sticks = getComputedStyle(byId("filter")).position === "sticky";
  document.documentElement.style.setProperty("--filter-height", sticks ? byId("filter").offsetHeight + "px" : "0px");
}

function redrawColours() {
  colours.clear();
  drawCharts();
  drawAgeing();
  drawMaps();
}

// Paper is white: print in the light colours whatever the screen wears.
function printing(on) {
  if (on) {
    document.documentElement.dataset.theme = "light";
    byId("notices").querySelectorAll("details").forEach((details) => (details.open = true));
    byId("decision-list").querySelectorAll("details").forEach((details) => (details.open = true));
  } else {
    delete document.documentElement.dataset.theme;
  }
  redrawColours();
  drawRows(shownCells().sort(compareCells), on ? cells.length : rowsAtOnce);
  if (on) {
    startAllFigures();
  }
}

drawHeader();
new ResizeObserver(keepClearOfFilter).observe(byId("filter"));
drawNotices();
drawFilter();
drawTableHead();
drawMapsLegend();
drawCandidates();
drawEnvironment();
drawFiltered();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawColours);
addEventListener("beforeprint", () => printing(true));
addEventListener("afterprint", () => printing(false));
