// The run's data and how it is worded. Everything in it is hostile text: it reaches the page only as text.

const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const data = JSON.parse(document.getElementById("data").textContent);
const lab = data.context.pagelab;
const cells = data.cells;
const rods = isRecord(lab.rods) ? lab.rods : { valid: false, measured: false, words: "they were not measured in this run" };

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const text = (value) => (typeof value === "string" ? value : isNumber(value) ? String(value) : "");
const isOk = (cell) => cell.status === "ok";
const unique = (list) => [...new Set(list)];

// What ran, in the order of the record; a candidate that only a row names comes last.
const recorded = (one) => (isRecord(one) && Array.isArray(one.candidates) ? one.candidates : []).filter(isRecord);
const candidates = recorded(lab);
const known = [...recorded(data.reference), ...candidates];
const kinds = new Map(known.map((candidate) => [text(candidate.name), text(candidate.kind)]));
const models = new Map(known.map((candidate) => [text(candidate.name), text(candidate.model_of)]));
const places = new Map(unique([...candidates, ...known].map((candidate) => text(candidate.name))).map((name, place) => [name, place]));
const candidateNames = unique([...cells.map((cell) => cell.candidate)]).sort(
  (a, b) => placeOf(a) - placeOf(b)
);
const ownCells = cells.filter((cell) => cell.reference !== true);
const workloads = unique(cells.map((cell) => cell.workload));
const isRod = (name) => kinds.get(name) === "floor";

function placeOf(name) {
  return places.has(name) ? places.get(name) : places.size;
}

// What the filter leaves. Everything that draws asks here.
const view = { hidden: new Set(), workload: "" };
const shownCells = () =>
  cells.filter(
    (cell) => !view.hidden.has(cell.candidate) && (view.workload === "" || cell.workload === view.workload)
  );

const workloadWords = {
  repeat: "Allocate and free at once, again and again: the hot path and nothing else.",
  bulk: "Allocate many, then free them all.",
  replace: "On a machine nine tenths full, free one at random and allocate another.",
  age: "A long life of mixed orders, lifetimes and owners between 50 and 95 % of the machine; a pair is an allocation and a free.",
  "calibrate-cas": "One uncontended locked compare-and-swap: what the check of the rods needs to know.",
  "calibrate-clock": "Nothing between two stamps of the clock, on the schedule of the tail.",
  "calibrate-clock-antagonist": "The same, beside the antagonist.",
  "calibrate-mask": "Masking and unmasking interrupts, over an empty loop.",
  "calibrate-point": "An interrupt raised at a labelled point, over a call of its handler.",
  "irq-idle": "Interrupt level: allocate and free, nothing interrupted.",
  "irq-preempt": "Interrupt level: allocate and free inside an unfinished allocation of the same CPU, at a labelled point.",
  "nosleep-plenty": "No sleep, memory plentiful: allocate and free.",
  "nosleep-floor": "No sleep at the floor: the last frame above it, one more that is refused, and free.",
  "nosleep-exhausted": "No sleep, nothing left: what it costs to say no.",
  "masked-time": "How long calls hold interrupts off while both CPUs are at it; at most, from the last instant known unmasked.",
  "irq-latency": "From an interrupt's arrival to its handler while both CPUs are at it.",
  "worst-masked": "The stored program's longest masked section.",
  "worst-call": "The stored program's call with most accesses.",
  "worst-locked": "The stored program's call with most locked operations.",
  "calibrate-calls": "Direct calls of an empty function: what the harness costs is measured against them.",
  remote: "Allocate on one CPU, free on the other, and back, in bursts.",
  "vm-alloc-normal": "FreeBSD: vm_page_alloc for an object and vm_page_free, class NORMAL.",
  "vm-alloc-system": "FreeBSD: the same, class SYSTEM.",
  "vm-alloc-interrupt": "FreeBSD: the same, class INTERRUPT.",
  "vm-noobj-normal": "FreeBSD: vm_page_alloc_noobj and vm_page_free, class NORMAL.",
  "vm-noobj-system": "FreeBSD: the same, class SYSTEM.",
  "vm-noobj-interrupt": "FreeBSD: the same, class INTERRUPT.",
  "area-alloc": "Linux: alloc_vm_area with its ptes, and free_vm_area.",
  "area-map": "Linux: map and unmap one page through its preallocated pte.",
  "orb-fixed": "SBP-2: setCommandBuffers into a table of fixed size, allocated beforehand; scattered pages.",
  "orb-growing": "SBP-2: the same with a table that is allocated each time.",
  "buffer-small": "IOKit: create and release a wired buffer of 256 bytes.",
  "buffer-wired": "IOKit: create and release a wired buffer.",
  "buffer-contiguous": "IOKit: create and release a physically contiguous buffer.",
  "buffer-pageable": "IOKit: create and release a pageable buffer, no page touched.",
  "buffer-prepared": "IOKit: the same with prepare and complete between.",
  "buffer-segments": "IOKit: walk over all physical segments of a wired buffer of scattered pages.",
};

function workloadDescription(name) {
  if (Object.hasOwn(workloadWords, name)) {
    return workloadWords[name];
  }
  if (name.endsWith("-antagonist")) {
    return "The same beside an antagonist on CPU 1, which allocates, frees and writes to memory all the time.";
  }
  if (name.startsWith("age-")) {
    return "A recording lived through again and again, with survivors; a pair is an allocation and a free.";
  }
  return name.startsWith("replay-") ? "What a real kernel asked for, replayed from its trace." : "";
}

// Making a number format costs more than using one a hundred times.
const decimalFormats = [0, 1, 2].map(
  (digits) => new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })
);
const wholeFormat = new Intl.NumberFormat("en");
const collator = new Intl.Collator("en", { numeric: true });

// Three significant figures, thousands apart.
function figures(value) {
  if (!isNumber(value)) {
    return "";
  }
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e9 || size < 0.005)) {
    return value.toExponential(1);
  }
  const decimals = size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : 2;
  return decimalFormats[decimals].format(value);
}

const percent = (value) => (isNumber(value) ? (value * 100).toFixed(value < 0.1 && value > 0 ? 1 : 0) + " %" : "");
const plural = (count, one, many) => wholeFormat.format(count) + " " + (count === 1 ? one : many || one + "s");

function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return (unit === 0 ? String(value) : value.toPrecision(value >= 1000 ? 4 : 3)) + " " + units[unit];
}

// A variant is "key:value key:value"; the values alone read well enough.
const variantWords = (cell) => (cell.variant ? cell.variant.split(" ").map((part) => part.replace(/^[^:]*:/, "")).join(", ") : "");
const cpuWords = (cell) => (isNumber(cell.cpus) && cell.cpus >= 0 ? plural(cell.cpus, "CPU") : "");
const orderWords = (cell) => (isNumber(cell.order) && cell.order >= 0 ? "order " + cell.order : "");
const settingWords = (cell) => [orderWords(cell), cpuWords(cell), variantWords(cell)].filter(Boolean).join(", ");
const statusWords = (cell) =>
  cell.reason.startsWith(cell.status) ? cell.reason : [cell.status, cell.reason].filter(Boolean).join(": ");
const shorten = (words, length) => (words.length > length ? words.slice(0, length - 1) + "…" : words);

// A variable of the style sheet. Charts ask for thousands; they are read once for each colour scheme.
const colours = new Map();
function colour(name) {
  if (!colours.has(name)) {
    colours.set(name, getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim());
  }
  return colours.get(name);
}

// An element with properties and children; strings become text nodes, never markup.
function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties || {})) {
    if (key.includes("-") || key === "role" || key === "scope") {
      element.setAttribute(key, value);
    } else {
      element[key] = value;
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
}

const byId = (id) => document.getElementById(id);
