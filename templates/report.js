"use strict";
// A report's script: what is shared by its views, and the order in which they come and change.
// Each view is a function that fills its part of a page in one language, and gives a function that
// brings it up to date with the selected trials. Words and numbers come written in the data.

const data = JSON.parse(document.getElementById("data").textContent);
// A value that does not exist lies below the axis.
const ABSENT = -0.14;
const FLOORS = data.axes.map((_, i) => (data.trials.some(({ at }) => at[i] === null) ? ABSENT : 0));

const state = {
  language: Object.keys(data.languages)[0],
  brushes: data.axes.map(() => null), // [low, high] between the floor and 1, or null: all
  text: "",
  status: "",
  sort: { column: 0, descending: false },
  ticked: new Set([data.best]),
  cost: "parameters",
};
let refreshViews = [];

function add(parent, name, attributes = {}, text = "") {
  // The namespace of the parent makes it HTML or SVG.
  const node = document.createElementNS(parent.namespaceURI, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  return parent.appendChild(node);
}

function addChart(parent, width, height, label) {
  parent.insertAdjacentHTML("beforeend", "<svg></svg>");
  const svg = parent.lastElementChild;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("role", label ? "img" : "group");
  if (label) svg.setAttribute("aria-label", label);
  return svg;
}

// The room for a chart; a window that nobody has seen yet may have none.
function widthOf(parent) {
  return Math.max(240, parent.clientWidth);
}

function word(key, places = {}) {
  return data.words[state.language][key].replace(/%\((\w+)\)s/g, (_, name) => places[name]);
}

function writeNumber(value) {
  const options = { maximumSignificantDigits: 4 };
  return new Intl.NumberFormat(data.languages[state.language], options).format(value);
}

function shorten(text, width) {
  const most = Math.max(2, Math.floor(width / 7.3));
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function passes(trial) {
  const isWithin = (at, [low, high]) => low <= at && at <= high;
  const text = state.text.trim().toLowerCase();
  const cells = trial.cells[state.language];
  return (
    state.brushes.every((brush, i) => !brush || isWithin(trial.at[i] ?? ABSENT, brush)) &&
    (!state.status || trial.status === state.status) &&
    (!text || cells.join("\n").toLowerCase().includes(text))
  );
}

function shadeOf(trial) {
  const at = trial.at.at(-1);
  if (at === null) return "q-none";
  const goodness = data.direction === "max" ? at : 1 - at;
  return `q${Math.min(8, Math.floor(goodness * 9))}`;
}

// Evenly spaced round numbers between two values: steps of 1, 2 or 5 times a power of ten.
function niceTicks(low, high, about) {
  const rough = (high - low) / about || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((each) => each >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

// 1, 2 and 5 times the powers of ten between two values, the powers alone where those are many.
function logTicks(low, high) {
  const powers = [];
  for (let n = Math.floor(Math.log10(low)); n <= Math.log10(high); n += 1) powers.push(10 ** n);
  const fine = powers.flatMap((power) => [power, 2 * power, 5 * power]);
  const isShown = (value) => low * 0.999 <= value && value <= high * 1.001;
  return (powers.length > 3 ? powers : fine).filter(isShown);
}

function refresh() {
  const selected = new Set(data.trials.filter(passes));
  for (const refreshView of refreshViews) refreshView(selected);
  const places = { n: writeNumber(selected.size), all: writeNumber(data.trials.length) };
  page().querySelector(".selected").textContent = word("selected", places);
}

function page() {
  return document.getElementById(state.language);
}

function show() {
  for (const main of document.querySelectorAll("main")) main.hidden = main !== page();
  for (const button of document.querySelectorAll("#languages button")) {
    button.setAttribute("aria-pressed", button.dataset.language === state.language);
  }
  document.documentElement.lang = data.languages[state.language];
  document.title = page().querySelector("h1").textContent;
  page().querySelector(".text").value = state.text;
  page().querySelector(".status").value = state.status;
  page().querySelector(`[value="${state.cost}"]`).checked = true;
  for (const picture of page().querySelectorAll("[data-picture]")) {
    picture.src = data.pictures[picture.dataset.picture];
  }
  refreshViews = [showParallel, showTable, showCurves, showScatter].map((view) => view(page()));
  refresh();
}

function listen() {
  for (const button of document.querySelectorAll("#languages button")) {
    button.addEventListener("click", () => {
      state.language = button.dataset.language;
      show();
    });
  }
  for (const main of document.querySelectorAll("main")) {
    main.addEventListener("input", (event) => {
      if (event.target.matches(".text")) state.text = event.target.value;
      if (event.target.matches(".status")) state.status = event.target.value;
      if (event.target.matches("[type=radio]")) state.cost = event.target.value;
      refresh();
    });
    main.querySelector(".clear").addEventListener("click", () => {
      Object.assign(state, { brushes: data.axes.map(() => null), text: "", status: "" });
      main.querySelector(".text").value = main.querySelector(".status").value = "";
      refresh();
    });
  }
}

// Draw, and draw anew whenever the width changes: charts are made for the room that there is.
function followWidth() {
  let width = 0;
  new ResizeObserver(() => {
    if (width === document.body.clientWidth) return;
    width = document.body.clientWidth;
    show();
  }).observe(document.body);
}

// The views are defined by the scripts that follow this one.
document.addEventListener("DOMContentLoaded", () => {
  listen();
  followWidth();
});
