// What page.py puts behind the scripts of a page, in a frame of a given width: it clicks, looks at what stands there
// then, and tells the page around the frame.

const $ = (selector, root) => [...(root || document).querySelectorAll(selector)];
const wide = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
const first = (rows) => rows.map((row) => row.querySelector("th").textContent);
const rows = () => $("#table-body tr");
const shown = () => Number(document.getElementById("table-lead").textContent.replace(/,/g, "").match(/^\d+/)[0]);
const box = (name) => $("#filter-candidates label").find((label) => label.firstChild.nextSibling.textContent === name);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function look() {
  const answer = { width: innerWidth, overflow: [wide()], theme: getComputedStyle(document.body).backgroundColor };
  for (const details of $("details")) {
    details.open = true;
  }
  scrollTo(0, document.documentElement.scrollHeight);
  await pause(300);
  answer.overflow.push(wide());
  answer.images = $("img, iframe, object, embed").length;
  answer.scripts = $("script").length;
  answer.rows = shown();
  answer.drawn = rows().length;
  answer.commands = $("#table-body button.copy").filter((button) => button.title.startsWith("./pagelab ")).length;
  answer.sections = $("main > section").map((section) => section.id);
  answer.missing = $(".missing").map((one) => one.textContent);
  answer.sources = $(".source").map((one) => one.textContent);
  answer.without_reason = rows().filter((row) => /^n\/a$/.test(row.querySelector(".status").textContent) && !row.querySelector(".status-cell small")).length;
  answer.figures_without_data = $("article.figure").filter((figure) => $("canvas, svg", figure).length > 0 && $("table", figure).length === 0).map((one) => one.textContent.slice(0, 60));
  answer.unnamed = $("button, input, select, a").filter((one) => !(one.getAttribute("aria-label") || one.textContent || one.title || (one.labels && one.labels.length))).length;
  answer.boxes_without_focus = $(".table-box").filter((one) => one.tabIndex !== 0).length;
  answer.decision_is_first = Boolean($("main > section")[0].id === "decision");
  answer.decision = document.getElementById("decision-list").textContent;
  answer.checks = $("#decision-list [aria-label='Checks that decide'] tbody tr").map((row) => row.textContent);
  answer.decision_cut = $("#decision-list .table-box").filter((box) => box.scrollHeight > box.clientHeight + 1).length;
  answer.worst_calls = $("[aria-label='Worst calls'] tbody th").map((head) => head.textContent);
  answer.conformance = $("#conformance th[scope=row]").map((one) => one.textContent);
  if (document.title === "desk") {
    return { ...answer, mistakes: window.mistakes };
  }

  // The filter: one candidate out, one workload only, nobody, everybody.
  const name = first(rows()).find((one) => box(one));
  if (name) {
    box(name).click();
    answer.filtered = { name, table: first(rows()).includes(name), conformance: $("#conformance th[scope=row]").some((one) => one.textContent === name), rows: shown() };
    box(name).click();
    answer.filtered.back = shown();
  }
  const select = document.getElementById("filter-workload");
  select.value = select.options[1].value;
  select.dispatchEvent(new Event("change"));
  answer.one_workload = [...new Set(rows().map((row) => row.children[1].textContent))];
  select.value = "";
  select.dispatchEvent(new Event("change"));
  document.getElementById("filter-none").click();
  answer.nobody = rows().length;
  document.getElementById("filter-all").click();
  answer.everybody = shown();

  // Sorting, and the row that a fact names.
  const header = $("#table-head th").find((one) => one.textContent === "ns/op");
  header.querySelector("button").click();
  answer.sorted = header.getAttribute("aria-sort");
  const link = $("#decision button.link")[0];
  if (link) {
    link.click();
    answer.shown_row = document.activeElement.tagName;
  }
  dispatchEvent(new Event("beforeprint"));
  answer.print = { theme: getComputedStyle(document.body).backgroundColor, closed: $("#decision details:not([open])").length, rows: rows().length };
  dispatchEvent(new Event("afterprint"));
  answer.mistakes = window.mistakes;
  return answer;
}

addEventListener("load", () => look().catch((mistake) => ({ died: String(mistake.stack) })).then((answer) => {
  parent.postMessage({ name: document.title, answer }, "*");
}));
