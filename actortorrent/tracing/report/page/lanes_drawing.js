// Drawing the lanes, and what the mouse does there.

function openLanes(view) {
  lanes.canvas = el("canvas", { class: "lanes", tabindex: "0", "aria-label": "Lanes of actors. Left and right arrow step through the events." });
  lanes.tip = el("div", { class: "tip", hidden: true });
  replace(
    view,
    el("div", { class: "bar" },
      el("div", { class: "choice", role: "group", "aria-label": "Axis" },
        button("by time", () => setAxis("time"), { data: { axis: "time" }, title: "Distance is time" }),
        button("in order", () => setAxis("order"), { data: { axis: "order" }, title: "One step an event: nothing is hidden by a burst" })),
      button("−", () => zoom(1.6), { title: "Zoom out (-)", "aria-label": "Zoom out" }),
      button("+", () => zoom(1 / 1.6), { title: "Zoom in (+)", "aria-label": "Zoom in" }),
      button("fit", () => change({ from: null, to: null }), { title: "Show all (0)" }),
      T.nodes.length > 1 && button("fold clients", () => change({ shut: S.shut ? "" : T.nodes.map((_, number) => number).join(".") }), { title: "One lane a client, or one an actor" }),
      el("span", { id: "range", class: "quiet" })),
    el("div", { class: "stage" }, lanes.canvas, lanes.tip),
  );
  const canvas = lanes.canvas;
  canvas.addEventListener("wheel", wheelOnLanes, { passive: false });
  canvas.addEventListener("pointerdown", dragLanes);
  canvas.addEventListener("pointermove", hoverLanes);
  canvas.addEventListener("pointerleave", () => hover(-1));
  indexOrder();
  drawLanes();
}

function drawLanes() {
  if (S.view !== "lanes" || !lanes.canvas?.isConnected) return;
  for (const one of document.querySelectorAll("[data-axis]")) one.setAttribute("aria-pressed", one.dataset.axis === S.axis);
  const { pen, width, height } = prepared(lanes.canvas);
  layOutLanes(height);
  drawBackground(pen, width, height);
  drawRuler(pen, width, height);
  const rows = visibleRows(width);
  lanes.marks = [];
  for (const row of rows) {
    const mark = markOf(row, width);
    if (mark) lanes.marks.push(mark);
  }
  pen.save();
  pen.beginPath();
  pen.rect(LABELS_WIDTH, RULER_HEIGHT, width - LABELS_WIDTH, height);
  pen.clip();
  drawMarks(pen, width);
  if (S.event >= 0) drawLit(pen, width);
  pen.restore();
  drawNames(pen, width, height);
  drawScrollMark(pen, width, height);
  showRangeText();
}

function showRangeText() {
  const [from, to] = shownRange();
  const text = S.axis === "time"
    ? `${timeText(Math.max(0, from))} to ${timeText(to)}`
    : `events ${Math.max(1, Math.round(from) + 1).toLocaleString("en")} to ${Math.round(to).toLocaleString("en")}`;
  document.getElementById("range").textContent = text;
}

function drawBackground(pen, width) {
  lanes.list.forEach((one, number) => {
    const y = one.y - lanes.scroll;
    pen.fillStyle = one.isHeader && !one.isShut ? colour("head") : number % 2 ? colour("stripe") : colour("paper");
    pen.fillRect(0, y, width, one.height);
  });
}

function drawNames(pen, width, height) {
  pen.textBaseline = "middle";
  for (const one of lanes.list) {
    const y = one.y - lanes.scroll;
    if (y + one.height < RULER_HEIGHT || y > height) continue;
    pen.fillStyle = one.isHeader ? colour("head") : colour("paper");
    pen.fillRect(0, y, LABELS_WIDTH, one.height);
    if (one.node >= 0) {
      pen.fillStyle = colour("node-" + (one.node % 8));
      pen.fillRect(0, y, 4, one.height);
    }
    pen.fillStyle = colour(one.isHeader ? "ink" : "soft");
    pen.font = font(one.isHeader ? 12 : Math.min(12, lanes.step - 2), one.isHeader ? "600" : "");
    const mark = one.isHeader && one.node >= 0 ? (one.isShut ? "▸ " : "▾ ") : "";
    const name = one.other ? `${one.name} ↔ ${one.other}` : one.name;
    pen.fillText(fitted(pen, mark + clean(name), LABELS_WIDTH - 16), one.isHeader ? 8 : 14, y + one.height / 2 + 0.5);
  }
  pen.fillStyle = colour("line");
  pen.fillRect(LABELS_WIDTH - 1, 0, 1, height);
  pen.fillStyle = colour("paper");
  pen.fillRect(0, 0, LABELS_WIDTH - 1, RULER_HEIGHT);
}

// How much of the lanes is in sight, where not all are: drag to see the others.
function drawScrollMark(pen, width, height) {
  if (lanes.total <= height + 4) return;
  pen.fillStyle = colour("soft");
  pen.globalAlpha = 0.5;
  pen.fillRect(width - 5, (lanes.scroll / lanes.total) * height, 4, (height / lanes.total) * height);
  pen.globalAlpha = 1;
}

function fitted(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && pen.measureText(text.slice(0, length) + "…").width > width) length--;
  return text.slice(0, length) + "…";
}

function drawRuler(pen, width, height) {
  const [from, to] = shownRange();
  const step = niceStep((to - from) / Math.max(3, (width - LABELS_WIDTH) / 110));
  pen.font = font(11);
  pen.textBaseline = "middle";
  for (let place = Math.ceil(Math.max(0, from) / step) * step; place <= to; place += step) {
    const x = xOf(place, width);
    pen.fillStyle = colour("line");
    pen.fillRect(Math.round(x), RULER_HEIGHT - 5, 1, height);
    pen.fillStyle = colour("soft");
    pen.fillText(S.axis === "time" ? tickText(place, step) : "#" + (place + 1).toLocaleString("en"), x + 4, RULER_HEIGHT / 2);
  }
}

function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, S.axis === "order" ? 1 : 1e-3)));
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= least) ?? 10 * power;
}

function tickText(micros, step) {
  if (step >= 1e6) return (micros / 1e6).toFixed(0) + " s";
  const digits = Math.max(1, Math.min(6, 6 - Math.floor(Math.log10(step))));
  return (micros / 1e6).toFixed(digits) + " s";
}

function drawMarks(pen, width) {
  const density = Math.min(1, 900 / Math.max(1, lanes.marks.length));
  const faint = S.event >= 0 ? 0.22 : 1;
  pen.lineWidth = 1;
  for (const category of Object.keys(CATEGORY_NAMES)) {
    const mine = lanes.marks.filter((mark) => mark.category === category);
    pen.strokeStyle = pen.fillStyle = colour(category);
    pen.globalAlpha = faint * Math.max(0.07, density * 0.6);
    pen.beginPath();
    for (const mark of mine) {
      if (!mark.isArrow) continue;
      pen.moveTo(mark.x0, mark.y0);
      pen.lineTo(mark.x, mark.y);
    }
    pen.stroke();
    pen.globalAlpha = faint * Math.max(0.5, density);
    for (const mark of mine) drawMark(pen, mark, width);
    if (lanes.marks.length < 700) for (const mark of mine) drawHead(pen, mark);
  }
  pen.globalAlpha = faint;
  if (lanes.marks.length < 1500 && S.event < 0) drawLabels(pen, width);
  pen.globalAlpha = 1;
  if (lanes.hover >= 0) ring(pen, lanes.marks.find((mark) => mark.row === lanes.hover), 6);
}

function drawMark(pen, mark, width) {
  const size = Math.max(2.2, Math.min(4.5, lanes.step / 4));
  const bar = barWidth(mark.row, width);
  if (bar >= 1) pen.fillRect(mark.x, mark.y - size * 0.8, bar, size * 1.6);
  pen.beginPath();
  if (mark.category === "decision") {
    const half = size + 1.5;
    pen.moveTo(mark.x, mark.y - half);
    pen.lineTo(mark.x + half, mark.y);
    pen.lineTo(mark.x, mark.y + half);
    pen.lineTo(mark.x - half, mark.y);
  } else if (mark.category === "trouble" || mark.category === "lost") {
    pen.rect(mark.x - size, mark.y - size, 2 * size, 2 * size);
  } else {
    pen.arc(mark.x, mark.y, mark.category === "state" ? size * 0.7 : size * 0.9, 0, 7);
  }
  pen.fill();
}

function drawHead(pen, mark) {
  if (!mark.isArrow) return;
  const [fromX, fromY, toX, toY] = mark.isOutward ? [mark.x, mark.y, mark.x0, mark.y0] : [mark.x0, mark.y0, mark.x, mark.y];
  const angle = Math.atan2(toY - fromY, toX - fromX);
  pen.beginPath();
  pen.moveTo(toX, toY);
  pen.lineTo(toX - 8 * Math.cos(angle - 0.35), toY - 8 * Math.sin(angle - 0.35));
  pen.lineTo(toX - 8 * Math.cos(angle + 0.35), toY - 8 * Math.sin(angle + 0.35));
  pen.fill();
}

// A label behind each mark that has room until the next one in its lane.
function drawLabels(pen, width, marks = lanes.marks) {
  pen.font = font(Math.min(11, lanes.step - 2));
  pen.textBaseline = "middle";
  const next = new Map();
  for (let number = marks.length - 1; number >= 0; number--) {
    const mark = marks[number];
    const begin = Math.max(mark.x + 7, mark.x + Math.min(120, barWidth(mark.row, width)) + 4);
    const room = (next.get(mark.lane) ?? begin + 250) - begin - 5;
    next.set(mark.lane, mark.x);
    if (room < 34) continue;
    pen.fillStyle = colour("ink");
    pen.fillText(fitted(pen, clean(T.words(mark.row)).slice(0, 60), Math.min(room, 240)), begin, mark.y);
  }
}

function drawLit(pen, width) {
  const marks = [];
  for (const row of [...lit.back, ...lit.effects.slice(0, 4000)]) {
    const mark = markOf(row, width);
    if (mark) marks.push(mark);
  }
  pen.lineWidth = 1.6;
  for (const mark of marks) {
    pen.strokeStyle = pen.fillStyle = colour(mark.category);
    pen.globalAlpha = 0.9;
    joinToCause(pen, mark, width);
    pen.beginPath();
    if (mark.isArrow) {
      pen.moveTo(mark.x0, mark.y0);
      pen.lineTo(mark.x, mark.y);
      pen.stroke();
      drawHead(pen, mark);
    }
    drawMark(pen, mark, width);
  }
  pen.globalAlpha = 1;
  const seen = marks.filter((mark) => mark.x >= LABELS_WIDTH - 200 && mark.x <= width);
  if (seen.length < 600) drawLabels(pen, width, seen.sort((one, other) => one.x - other.x));
  ring(pen, marks.find((mark) => mark.row === S.event), 8);
}

// A thin line along the lane, from what caused an event to where it begins.
function joinToCause(pen, mark, width) {
  const cause = T.cause[mark.row];
  if (cause < 0) return;
  const lane = lanes.laneOf[T.actorOf[cause]];
  if (lane < 0) return;
  const begin = mark.isArrow && !mark.isOutward ? { x: mark.x0, y: mark.y0 } : mark;
  if (Math.abs(yOf(lane) - begin.y) > 0.5) return;
  pen.save();
  pen.setLineDash([2, 2]);
  pen.beginPath();
  pen.moveTo(xOf(placeOf(cause), width), yOf(lane));
  pen.lineTo(begin.x, begin.y);
  pen.stroke();
  pen.restore();
}

function ring(pen, mark, radius) {
  if (!mark) return;
  pen.strokeStyle = colour("accent");
  pen.lineWidth = 2;
  pen.beginPath();
  pen.arc(mark.x, mark.y, radius, 0, 7);
  pen.stroke();
}

// --- the mouse ----------------------------------------------------------------------------------

function wheelOnLanes(event) {
  event.preventDefault();
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) return pan((event.deltaX || event.deltaY) / 900);
  zoom(Math.exp(event.deltaY / 500), placeAt(event.offsetX, lanes.canvas.clientWidth));
}

function dragLanes(event) {
  const canvas = lanes.canvas;
  const [from, to] = shownRange();
  const scroll = lanes.scroll;
  const start = { x: event.clientX, y: event.clientY };
  const scale = (to - from) / (canvas.clientWidth - LABELS_WIDTH);
  let hasMoved = false;
  const move = (now) => {
    if (!hasMoved && Math.hypot(now.clientX - start.x, now.clientY - start.y) < 4) return;
    hasMoved = true;
    hover(-1);
    lanes.scroll = scroll - (now.clientY - start.y);
    if (S.from !== null) showRange(from - (now.clientX - start.x) * scale, to - (now.clientX - start.x) * scale);
    drawLanes();
  };
  const end = (last) => {
    canvas.removeEventListener("pointermove", move);
    canvas.removeEventListener("pointerup", end);
    if (!hasMoved) clickLanes(last);
  };
  canvas.setPointerCapture(event.pointerId);
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", end);
}

function clickLanes(event) {
  if (event.offsetX < LABELS_WIDTH) return clickName(event.offsetY);
  select(nearest(event.offsetX, event.offsetY));
}

function clickName(y) {
  const one = lanes.list.find((lane) => y + lanes.scroll >= lane.y && y + lanes.scroll < lane.y + lane.height);
  if (!one || one.node < 0) return;
  if (!one.isHeader) return change({ actor: S.actor === T.fullName(one.actor) ? "" : T.fullName(one.actor) });
  const shut = shutNodes();
  if (!shut.delete(one.node)) shut.add(one.node);
  change({ shut: [...shut].join(".") });
}

function nearest(x, y) {
  let best = -1;
  let least = HIT_PIXELS;
  for (const mark of lanes.marks) {
    const distance = Math.min(Math.hypot(mark.x - x, mark.y - y), mark.isArrow ? 2 + toSegment(mark, x, y) : Infinity);
    if (distance < least) {
      least = distance;
      best = mark.row;
    }
  }
  return best;
}

function toSegment(mark, x, y) {
  const [dx, dy] = [mark.x - mark.x0, mark.y - mark.y0];
  const share = Math.max(0, Math.min(1, ((x - mark.x0) * dx + (y - mark.y0) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(mark.x0 + share * dx - x, mark.y0 + share * dy - y);
}

function hoverLanes(event) {
  if (event.buttons) return;
  hover(event.offsetX < LABELS_WIDTH ? -1 : nearest(event.offsetX, event.offsetY), event);
}

function hover(row, event) {
  const tip = lanes.tip;
  tip.hidden = row < 0;
  if (row >= 0) {
    replace(tip, el("b", {}, whoText(row)), el("span", {}, T.words(row)));
    const width = lanes.canvas.clientWidth;
    tip.style.left = Math.max(4, Math.min(event.offsetX + 14, width - tip.offsetWidth - 6)) + "px";
    const below = event.offsetY + 18;
    tip.style.top = (below + tip.offsetHeight > lanes.canvas.clientHeight ? event.offsetY - tip.offsetHeight - 10 : below) + "px";
  }
  if (row !== lanes.hover) {
    lanes.hover = row;
    drawLanes();
  }
}
