// Parallel coordinates. Axes stand side by side where there is room for them, else they lie one
// below the other; a place on an axis is a number between its floor and 1.

const LEAST_GAP = 96;
const MANY = 60;
const CHARACTER = 7.3; // pixels

function layOut(width) {
  const n = data.axes.length;
  const isTall = width < 168 + LEAST_GAP * (n - 1);
  const [left, right] = isTall ? [28, 28] : [64, 104];
  const [start, gap] = isTall ? [40, 84] : [34, (width - left - right) / Math.max(1, n - 1)];
  const length = isTall ? width - left - right : 300;
  const floor = Math.min(...FLOORS);
  const share = (at) => (at - floor) / (1 - floor);
  return {
    isTall,
    gap,
    length,
    height: isTall ? start + gap * (n - 1) + 44 : length + start + 34,
    point: (axis, at) =>
      isTall
        ? [left + length * share(at), start + gap * axis]
        : [left + gap * axis, start + length * (1 - share(at))],
    // The inverse of `point` along an axis, for a place in the drawing.
    at: (axis, x, y) => {
      const along = isTall ? (x - left) / length : 1 - (y - start) / length;
      return Math.max(FLOORS[axis], Math.min(1, floor + along * (1 - floor)));
    },
  };
}

function showParallel(root) {
  const parent = root.querySelector(".parallel");
  parent.replaceChildren();
  const frame = layOut(widthOf(parent));
  const svg = addChart(parent, widthOf(parent), frame.height);
  svg.classList.add(frame.isTall ? "tall" : "wide", data.trials.length > MANY ? "many" : "few");
  svg.setAttribute("aria-labelledby", `${state.language}-parallel`);
  const lines = drawLines(svg, frame);
  const refreshAxes = data.axes.map((axis, i) => drawAxis(svg, frame, axis, i));
  return (selected) => {
    for (const [trial, line] of lines) {
      line.setAttribute("class", lineClass(trial, selected.has(trial)));
    }
    for (const refreshAxis of refreshAxes) refreshAxis();
  };
}

function lineClass(trial, isSelected) {
  const winner = trial.number === data.best ? " winner" : "";
  return `trial ${isSelected ? shadeOf(trial) : "passed-over"}${winner}`;
}

// The best trials are drawn last, above the others.
function drawLines(svg, frame) {
  const sign = data.direction === "max" ? 1 : -1;
  const rank = (trial) => (trial.at.at(-1) === null ? -2 : sign * trial.at.at(-1));
  const lines = new Map();
  for (const trial of [...data.trials].sort((one, other) => rank(one) - rank(other))) {
    const points = trial.at.map((at, i) => frame.point(i, at ?? ABSENT).map(Math.round).join());
    const line = add(svg, "polyline", { points: points.join(" "), "data-trial": trial.number });
    add(line, "title", {}, describe(trial));
    lines.set(trial, line);
  }
  return lines;
}

function describe(trial) {
  const cells = trial.cells[state.language];
  const values = data.axes.map((axis, i) => `${axis.name} ${cells[i + 2]}`);
  return [`${word("trial", { n: cells[0] })} (${cells[1]})`, ...values].join("\n");
}

function drawAxis(svg, frame, axis, i) {
  const group = add(svg, "g", { role: "group", "aria-label": axis.name, "data-axis": i });
  const [x0, y0] = frame.point(i, 0);
  const [x1, y1] = frame.point(i, 1);
  add(group, "line", { class: "axis", x1: x0, y1: y0, x2: x1, y2: y1 });
  const at = frame.isTall ? { x: x0, y: y0 - 20 } : { x: x1, y: 14, "text-anchor": "middle" };
  const name = add(group, "text", { ...at, class: "code strong" });
  name.textContent = shorten(axis.name, (frame.isTall ? frame.length : frame.gap) - CHARACTER);
  add(name, "title", {}, axis.name);
  const ticks = axisTicks(axis, frame, i);
  const isCrowded =
    frame.isTall && ticks.some((it) => it.text.length * CHARACTER > it.width * frame.length - 6);
  ticks.forEach((tick, k) => drawTick(group, frame, i, tick, isCrowded ? k % 2 : null));
  return drawBrush(group, frame, axis, i);
}

function axisTicks(axis, frame, i) {
  const name = axis.is_objective && !frame.isTall ? word("noResult") : "—";
  const absent = FLOORS[i] ? [{ at: ABSENT, text: name }] : [];
  if (axis.categories.length) {
    const n = axis.categories.length;
    const every = Math.ceil(n / (frame.isTall ? Math.max(2, frame.length / 60) : 15));
    const ticks = axis.categories.map((text, k) => ({ at: (k + 0.5) / n, text, width: 1 / n }));
    return [...absent, ...ticks.filter((_, k) => k % every === 0)];
  }
  const about = frame.isTall ? Math.max(2, Math.floor(frame.length / 70)) : 6;
  const { low, high } = axis;
  const numbers = axis.is_log ? logTicks(low, high) : niceTicks(low, high, about);
  const values = low === high ? [low] : numbers;
  const shown = values.filter((value) => !axis.is_whole || value % 1 === 0);
  return [...absent, ...shown.map((v) => ({ at: placeOn(axis, v), text: writeOn(axis, v) }))];
}

function placeOn(axis, value) {
  if (axis.low === axis.high) return 0.5;
  const scale = axis.is_log ? Math.log : Number;
  return (scale(value) - scale(axis.low)) / (scale(axis.high) - scale(axis.low));
}

// Hyperparameters are written as in a spec, results as the language writes numbers.
function writeOn(axis, value) {
  return axis.is_objective ? writeNumber(value) : String(Number(value.toPrecision(4)));
}

// Labels that have no room side by side stand in two rows.
function drawTick(group, frame, i, { at, text, width }, row) {
  const [x, y] = frame.point(i, at);
  const across = width ? width * frame.length * (row === null ? 1 : 2) - 6 : 56;
  const place = frame.isTall
    ? { x, y: y + 24 + 13 * (row ?? 0), "text-anchor": "middle" }
    : { x: x + 15, y: y + 4 };
  const end = frame.isTall ? { x2: x, y2: y + 5 } : { x2: x + 5, y2: y };
  add(group, "line", { class: "axis", x1: x, y1: y, ...end });
  const isLast = i === data.axes.length - 1;
  const shown = shorten(text, frame.isTall ? across : isLast ? 90 : frame.gap - 20);
  // Lines of trials would strike the label through.
  const room = shown.length * CHARACTER + 4;
  const left = place.x - (frame.isTall ? room / 2 : 2);
  const back = { class: "back", x: left, y: place.y - 12, width: room, height: 16, rx: 3 };
  add(group, "rect", back);
  const label = add(group, "text", { ...place, class: isLast ? "quiet" : "quiet code" });
  label.textContent = shown;
  add(label, "title", {}, text);
}

function drawBrush(group, frame, axis, i) {
  const [x, y] = frame.point(i, 1);
  const [fx, fy] = frame.point(i, FLOORS[i]);
  // Beyond the handles one can begin outside, too.
  const box = frame.isTall
    ? { x: fx - 14, y: y - 14, width: x - fx + 28, height: 28 }
    : { x: x - 14, y: y - 14, width: 28, height: fy - y + 28 };
  const reach = add(group, "rect", { class: "reach", ...box });
  const brush = add(group, "rect", { class: "brush" });
  const handles = ["lower", "upper"].map((end, k) => drawHandle(group, frame, axis, i, end, k));
  drag(reach, group, frame, i, (from, to) => {
    const isClick = Math.abs(to - from) < 0.02;
    setBrush(i, isClick ? null : [Math.min(from, to), Math.max(from, to)]);
  });
  return () => {
    const ends = state.brushes[i] ?? [FLOORS[i], 1];
    const [[ax, ay], [bx, by]] = ends.map((at) => frame.point(i, at));
    const size = frame.isTall
      ? { x: ax, y: ay - 7, width: bx - ax, height: 14 }
      : { x: bx - 7, y: by, width: 14, height: ay - by };
    for (const [key, value] of Object.entries(size)) brush.setAttribute(key, value);
    brush.setAttribute("visibility", state.brushes[i] ? "visible" : "hidden");
    handles.forEach((refreshHandle, k) => refreshHandle(ends[k]));
  };
}

function drawHandle(group, frame, axis, i, end, k) {
  const label = word(end, { name: axis.name });
  const handle = add(group, "g", {
    class: "handle", tabindex: 0, role: "slider", "aria-label": label, "aria-valuemin": 0,
    "aria-valuemax": 100, "aria-orientation": frame.isTall ? "horizontal" : "vertical",
  });
  const [width, height] = frame.isTall ? [8, 22] : [22, 8];
  const size = { x: -width / 2, y: -height / 2, width, height };
  add(handle, "rect", { class: "end", rx: 3, ...size });
  handle.addEventListener("keydown", (event) => {
    const moved = moveByKey(event.key, axis, i, k);
    if (moved === undefined) return;
    event.preventDefault();
    setBrush(i, moved);
  });
  drag(handle, group, frame, i, (_, to) => setBrush(i, moveEnd(i, k, to)));
  return (at) => {
    handle.setAttribute("transform", `translate(${frame.point(i, at)})`);
    handle.setAttribute("aria-valuenow", Math.round((100 * (at - FLOORS[i])) / (1 - FLOORS[i])));
    handle.setAttribute("aria-valuetext", writePlace(axis, at, k));
  };
}

// What a key makes of the brush of an axis: undefined where it means nothing here.
function moveByKey(key, axis, i, k) {
  const step = 1 / (axis.categories.length || 50);
  const arrows = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 };
  const steps = { ...arrows, PageUp: 5, PageDown: -5 };
  const at = (state.brushes[i] ?? [FLOORS[i], 1])[k];
  if (key === "Escape") return null;
  if (key === "Home") return moveEnd(i, k, FLOORS[i]);
  if (key === "End") return moveEnd(i, k, 1);
  if (!(key in steps)) return undefined;
  // Between the axis and what does not exist lies nothing.
  const to = Math.max(0, at) + steps[key] * step;
  return moveEnd(i, k, at < 0 && steps[key] > 0 ? to - step : to < -1e-9 ? FLOORS[i] : to);
}

function moveEnd(i, k, to) {
  const brush = [...(state.brushes[i] ?? [FLOORS[i], 1])];
  const within = Math.max(FLOORS[i], Math.min(1, Math.round(to * 1e6) / 1e6));
  brush[k] = k ? Math.max(within, brush[0]) : Math.min(within, brush[1]);
  return brush;
}

function setBrush(i, brush) {
  state.brushes[i] = brush && (brush[0] > FLOORS[i] || brush[1] < 1) ? brush : null;
  refresh();
}

function writePlace(axis, at, k) {
  if (at < 0) return axis.is_objective ? word("noResult") : word("absent");
  const n = axis.categories.length;
  if (n) {
    const index = k ? Math.ceil(at * n - 0.5) - 1 : Math.ceil(at * n - 0.5);
    return axis.categories[Math.max(0, Math.min(n - 1, index))];
  }
  const { low, high } = axis;
  return writeOn(axis, axis.is_log ? low * (high / low) ** at : low + (high - low) * at);
}

// Tell from where to where a pointer is drawn, as places on the axis.
function drag(node, group, frame, i, follow) {
  const place = (event) => {
    const matrix = group.ownerSVGElement.getScreenCTM().inverse();
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
    return frame.at(i, point.x, point.y);
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const from = place(event);
    node.setPointerCapture(event.pointerId);
    node.onpointermove = (later) => follow(from, place(later));
    node.onpointerup = node.onpointercancel = () => {
      node.onpointermove = node.onpointerup = null;
    };
    if (node.matches(".reach")) follow(from, from);
  });
}
