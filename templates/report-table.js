// The table of trials: one row a trial, made once; sorting moves rows and selecting hides them.

function showTable(root) {
  const body = root.querySelector(".trials tbody");
  body.replaceChildren();
  const rows = new Map(data.trials.map((trial) => [trial, drawRow(body, trial)]));
  const heads = [...root.querySelectorAll(".trials thead button")].map((it) => it.parentElement);
  heads.forEach((head, column) => {
    head.classList.toggle("number", data.columns[column] === "number");
    head.firstElementChild.onclick = () => {
      const { sort } = state;
      state.sort = { column, descending: sort.column === column && !sort.descending };
      sortRows(body, rows, heads);
    };
  });
  sortRows(body, rows, heads);
  const region = root.querySelector(".scroll.trials");
  region.onscroll = () => markCut(root, region);
  new ResizeObserver(region.onscroll).observe(region);
  return (selected) => {
    for (const [trial, row] of rows) row.hidden = !selected.has(trial);
  };
}

// Say where columns are out of sight: not every browser shows a bar to scroll with.
function markCut(root, region) {
  const hidden = region.scrollWidth - region.clientWidth;
  region.classList.toggle("cut", hidden - region.scrollLeft > 2);
  root.querySelector(".wider").hidden = hidden <= 2;
}

function drawRow(body, trial) {
  const row = add(body, "tr");
  const cells = trial.cells[state.language];
  if (trial.number === data.best) row.className = "winner";
  const box = add(add(row, "td"), "input", {
    type: "checkbox",
    "aria-label": word("showCurves", { n: cells[0] }),
  });
  box.checked = state.ticked.has(trial.number);
  box.addEventListener("change", () => {
    state.ticked[box.checked ? "add" : "delete"](trial.number);
  });
  cells.forEach((text, column) => {
    const kind = data.columns[column];
    const cell = column ? add(row, "td") : add(row, "th", { scope: "row" });
    if (kind === "number") cell.className = "number";
    if (kind === "code") add(cell, "code", {}, text);
    else cell.textContent = text;
  });
  row.addEventListener("pointerenter", () => markLine(trial, true));
  row.addEventListener("pointerleave", () => markLine(trial, false));
  return row;
}

// What a column of numbers or values is sorted by.
function sortKey(trial, column) {
  const { number, at, objective, bestEpoch, epochs, costs } = trial;
  const seconds = costs.seconds || null;
  const results = [objective, bestEpoch, epochs, costs.parameters, seconds, null];
  return [number, null, ...at.slice(0, -1), ...results][column];
}

function markLine(trial, isHot) {
  page().querySelector(`[data-trial="${trial.number}"]`).classList.toggle("hot", isHot);
}

function sortRows(body, rows, heads) {
  const { column, descending } = state.sort;
  const order = new Intl.Collator(data.languages[state.language], { numeric: true });
  const isText = data.columns[column] === "text";
  const key = (trial) =>
    isText ? trial.cells[state.language][column] || null : sortKey(trial, column);
  const compare = (one, other) => {
    const [a, b] = [key(one), key(other)];
    // What has no value comes last, whichever way the others are sorted.
    if (a === null || b === null) return (a === null) - (b === null);
    return (descending ? -1 : 1) * (isText ? order.compare(a, b) : a - b);
  };
  for (const trial of [...data.trials].sort(compare)) body.append(rows.get(trial));
  heads.forEach((head, i) => {
    const direction = descending ? "descending" : "ascending";
    head.setAttribute("aria-sort", i === column ? direction : "none");
  });
}
