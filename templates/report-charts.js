// Learning curves of the ticked trials, and accuracy against cost.

const MARKS = [
  "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0", "M-4,-4h8v8h-8z", "M0,-5l5,9h-10z", "M0,-6l5,6l-5,6l-5,-6z",
];
const N_COLOURS = 8;

// A frame with ticks; gives functions from values to places in the drawing.
function drawFrame(svg, width, height, x, y) {
  const [left, right, top, bottom] = [52, 34, 12, height - 40];
  const toX = (value) => left + (width - left - right) * x.share(value);
  const toY = (value) => bottom - (bottom - top) * y.share(value);
  for (const tick of y.ticks) {
    add(svg, "line", { class: "grid", x1: left, x2: width - right, y1: toY(tick), y2: toY(tick) });
    const at = { x: left - 6, y: toY(tick) + 4, "text-anchor": "end", class: "quiet" };
    add(svg, "text", at, writeNumber(tick));
  }
  for (const tick of x.ticks) {
    add(svg, "line", { class: "grid", x1: toX(tick), x2: toX(tick), y1: bottom, y2: bottom + 5 });
    const at = { x: toX(tick), y: bottom + 18, "text-anchor": "middle", class: "quiet" };
    add(svg, "text", at, writeNumber(tick));
  }
  add(svg, "line", { class: "axis", x1: left, x2: width - right, y1: bottom, y2: bottom });
  const middle = { x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle" };
  add(svg, "text", middle, x.name);
  return [toX, toY];
}

function makeScale(name, values, about, { isLog = false, margin = 0, isWhole = false } = {}) {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (isLog) {
    [low, high] = [low / (1 + margin), high * (1 + margin)];
    const share = (value) => Math.log(value / low) / Math.log(high / low);
    return { name, share, ticks: logTicks(low, high) };
  }
  const widen = (high - low || Math.abs(high) || 1) * margin;
  [low, high] = [low - widen, high + widen];
  const ticks = niceTicks(low, high, about).filter((tick) => !isWhole || tick % 1 === 0);
  return { name, share: (value) => (value - low) / (high - low || 1), ticks };
}

function showCurves(root) {
  const parent = root.querySelector(".curves");
  const draw = () => {
    parent.replaceChildren();
    const trials = data.trials.filter(({ number }) => state.ticked.has(number));
    const shown = ["loss", "accuracy", "f1"].filter((name) =>
      trials.some((trial) => trial.curves[`val_${name}`]?.length),
    );
    const charts = shown.map((name) => [name, add(parent, "div", { class: "chart" })]);
    for (const [name, chart] of charts) drawCurves(chart, name, trials);
    if (!shown.length) add(parent, "p", {}, word("noCurves"));
  };
  root.querySelector(".trials tbody").onchange = draw;
  draw();
  return () => {};
}

function drawCurves(chart, name, trials) {
  add(chart, "strong", {}, word(name));
  const [width, height] = [widthOf(chart), 260];
  const numbers = trials.map((trial) => trial.cells[state.language][0]).join(", ");
  const label = `${word(name)}: ${word("showCurves", { n: numbers })}`;
  const svg = addChart(chart, width, height, label);
  const series = trials.flatMap((trial) => [trial.curves[name], trial.curves[`val_${name}`]]);
  const epochs = trials.flatMap((trial) => trial.curves.epochs);
  const y = makeScale(word(name), series.flatMap((values) => values ?? []), 5, { margin: 0.04 });
  const x = makeScale(word("epoch"), [1, ...epochs], 6, { isWhole: true });
  const [toX, toY] = drawFrame(svg, width, height, x, y);
  const labels = trials.map((trial, i) => drawCurve(svg, name, trial, i, toX, toY));
  placeLabels(svg, labels.filter(Boolean), height - 40);
}

function drawCurve(svg, name, trial, i, toX, toY) {
  const { epochs } = trial.curves;
  const colour = `c${i % N_COLOURS}`;
  const join = (values) => values.map((v, k) => `${toX(epochs[k])},${toY(v)}`).join(" ");
  const [train, val] = [trial.curves[name] ?? [], trial.curves[`val_${name}`] ?? []];
  if (!val.length) return null;
  const title = word("trial", { n: trial.cells[state.language][0] });
  for (const [values, kind, part] of [[train, "train", "training"], [val, "val", "validation"]]) {
    const attributes = { class: `curve ${kind} ${colour}`, points: join(values) };
    add(add(svg, "polyline", attributes), "title", {}, `${title}, ${word(part)}`);
  }
  const chosen = epochs.indexOf(trial.bestEpoch);
  if (0 <= chosen && chosen < val.length) {
    const place = `translate(${toX(epochs[chosen])},${toY(val[chosen])})`;
    const mark = { class: `mark ${colour}`, d: MARKS[i % MARKS.length], transform: place };
    const text = word("chosenEpoch", { epoch: writeNumber(trial.bestEpoch) });
    add(add(svg, "path", mark), "title", {}, `${title}, ${text}`);
  }
  const text = `#${trial.cells[state.language][0]}`;
  return { x: toX(epochs[val.length - 1]) + 7, y: toY(val.at(-1)), text };
}

// Numbers of trials where their curves end, pushed apart where they would overlap.
function placeLabels(svg, labels, bottom) {
  labels.sort((one, other) => other.y - one.y);
  let lowest = bottom;
  for (const { x, y, text } of labels) {
    lowest = Math.min(y + 4, lowest);
    add(svg, "text", { x, y: lowest, class: "strong" }, text);
    lowest -= 13;
  }
}

function showScatter(root) {
  const parent = root.querySelector(".scatter");
  let drawn = null;
  let points = new Map();
  return (selected) => {
    if (drawn !== state.cost) points = drawScatter(parent, root.querySelector(".front"));
    drawn = state.cost;
    for (const [trial, point] of points) {
      point.classList.toggle("passed-over", !selected.has(trial));
    }
  };
}

function drawScatter(parent, caption) {
  parent.replaceChildren();
  const cost = (trial) => trial.costs[state.cost];
  const trials = data.trials.filter((trial) => trial.accuracy !== null && cost(trial) > 0);
  const front = data.fronts[state.cost];
  caption.textContent = word("front", { numbers: front.map(writeNumber).join(", ") });
  if (!trials.length) return new Map();
  const [width, height] = [widthOf(parent), 320];
  const label = `${word("valAccuracy")}, ${word(state.cost)}. ${caption.textContent}`;
  const svg = addChart(parent, width, height, label);
  const costs = trials.map(cost);
  const isLog = Math.max(...costs) > 20 * Math.min(...costs);
  const x = makeScale(word(state.cost), costs, width / 110, { isLog, margin: 0.05 });
  const accuracies = trials.map((trial) => trial.accuracy);
  const y = makeScale(word("valAccuracy"), accuracies, 6, { margin: 0.05 });
  const [toX, toY] = drawFrame(svg, width, height, x, y);
  const place = (trial) => [toX(cost(trial)), toY(trial.accuracy)];
  drawStairs(svg, front.map((number) => trials.find((trial) => trial.number === number)), place);
  return new Map(trials.map((trial) => [trial, drawPoint(svg, trial, place(trial))]));
}

function drawStairs(svg, front, place) {
  const points = front.filter(Boolean).map(place);
  const path = points.map(([px, py], i) => (i ? `H${px}V${py}` : `M${px},${py}`)).join("");
  add(svg, "path", { class: "stairs", d: path });
}

function drawPoint(svg, trial, [px, py]) {
  const isWinner = trial.number === data.best;
  const kind = isWinner ? "winner" : trial.status === "completed" ? "" : "hollow";
  const d = isWinner ? "M0,-9l9,9l-9,9l-9,-9z" : MARKS[0];
  const place = { d, transform: `translate(${px},${py})` };
  const point = add(svg, "path", { class: `point ${shadeOf(trial)} ${kind}`, ...place });
  add(point, "title", {}, describe(trial));
  if (isWinner) add(svg, "text", { x: px + 12, y: py + 4, class: "strong" }, `#${trial.number}`);
  return point;
}
