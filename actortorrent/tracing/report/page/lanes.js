// The lanes: one for each actor of each client, time to the right, an arrow for each message.

const LABELS_WIDTH = 148;
const RULER_HEIGHT = 22;
const NODE_HEIGHT = 20;
const LANE_HEIGHTS = [13, 28]; // the least and the most
const ACTOR_ORDER = ["MainThread", "Reporter", "Tracker", "Swarm", "Seeder", "PieceManager", "Storage"];
const HIT_PIXELS = 9;

const lanes = {
  canvas: null, list: [], laneOf: [], remoteOf: new Map(), order: null, times: null,
  marks: [], hover: -1, scroll: 0, total: 0, step: 20,
};

// --- which lanes there are ------------------------------------------------------------------

function shutNodes() {
  return new Set(S.shut.split(".").filter(Boolean).map(Number));
}

// Where the lanes of all clients would be too many to see, only one client's are open at first.
function foldedAtFirst() {
  const most = (innerHeight - 240) / LANE_HEIGHTS[0];
  if (T.nodes.length < 2 || T.actors.length + T.nodes.length * 2 <= most) return "";
  const open = Math.max(0, T.nodes.findIndex((_, number) => T.pieces.facts.some((fact) => fact[3] === VERIFIED && T.actors[fact[2]].node === number)));
  return T.nodes.map((_, number) => number).filter((number) => number !== open).join(".");
}

function layOutLanes(height) {
  const shut = shutNodes();
  lanes.list = [];
  lanes.laneOf = new Array(T.actors.length).fill(-1);
  lanes.remoteOf.clear();
  T.nodes.forEach((node, number) => addNode(node, number, shut.has(number)));
  addRemotes();
  const headers = lanes.list.filter((one) => one.isHeader && !one.isShut).length;
  const room = height - RULER_HEIGHT - headers * NODE_HEIGHT;
  const step = room / Math.max(1, lanes.list.length - headers);
  const isAllShut = lanes.list.every((one) => one.isShut || one.node < 0);
  lanes.step = Math.max(LANE_HEIGHTS[0], Math.min(LANE_HEIGHTS[1], step));
  const shutHeight = Math.max(NODE_HEIGHT, Math.min(isAllShut ? 110 : 44, step));
  let y = RULER_HEIGHT;
  for (const one of lanes.list) {
    one.y = y;
    one.height = one.isShut ? shutHeight : one.isHeader ? NODE_HEIGHT : lanes.step;
    y += one.height;
  }
  lanes.total = y;
  lanes.scroll = Math.max(0, Math.min(lanes.scroll, lanes.total - height));
}

function addNode(node, number, isShut) {
  const mine = T.actors.filter((one) => one.node === number && one.name !== "trace").sort(byPlace);
  const pieces = isShut ? ` (${mine.length})` : "";
  lanes.list.push({ isHeader: true, node: number, name: node.name + pieces, isShut });
  if (isShut) {
    for (const one of mine) lanes.laneOf[one.index] = lanes.list.length - 1;
    return;
  }
  for (const one of mine) {
    lanes.laneOf[one.index] = lanes.list.length;
    const other = T.otherSide(one.index);
    lanes.list.push({ node: number, name: one.name, other, actor: one.index });
  }
}

function byPlace(one, other) {
  const place = ({ name, index }) => {
    const known = ACTOR_ORDER.indexOf(name);
    return known >= 0 ? known : name.startsWith("Peer-") ? 1000 + Number(name.slice(5) || 0) : 500 + index / 1000;
  };
  return place(one) - place(other);
}

// Peers whose trace we do not have get a lane each, for the arrows to lead to.
function addRemotes() {
  const unknown = [...T.peerOf].filter(([actor, peer]) => peer.node < 0 && lanes.laneOf[actor] >= 0);
  if (!unknown.length || unknown.length > 40) return;
  lanes.list.push({ isHeader: true, node: -1, name: "other peers" });
  for (const [actor] of unknown) {
    lanes.remoteOf.set(actor, lanes.list.length);
    lanes.list.push({ node: -1, name: T.otherSide(actor) || "a peer", actor: -1 });
  }
}

// --- from events to places ------------------------------------------------------------------

function indexOrder() {
  lanes.order = new Int32Array(T.size).fill(-1);
  lanes.times = new Float64Array(wantedRows.length);
  wantedRows.forEach((row, number) => {
    lanes.order[row] = number;
    lanes.times[number] = T.t[row];
  });
}

function placeOfTime(micros) {
  return S.axis === "time" ? micros : lowerBound(lanes.times, micros) - 0.5;
}

function placeOf(row) {
  if (S.axis === "time") return T.t[row];
  return lanes.order[row] >= 0 ? lanes.order[row] : lowerBound(lanes.times, T.t[row]) - 0.5;
}

function wholeRange() {
  const end = S.axis === "time" ? T.end : Math.max(1, wantedRows.length);
  return [-end * 0.01, end * 1.02];
}

function shownRange() {
  return S.from === null ? wholeRange() : [S.from, S.to];
}

function xOf(place, width) {
  const [from, to] = shownRange();
  return LABELS_WIDTH + ((place - from) / (to - from)) * (width - LABELS_WIDTH);
}

function placeAt(x, width) {
  const [from, to] = shownRange();
  return from + ((x - LABELS_WIDTH) / (width - LABELS_WIDTH)) * (to - from);
}

function yOf(lane) {
  const one = lanes.list[lane];
  return one.y + one.height / 2 - lanes.scroll;
}

// Where an event is drawn: its mark, and where its arrow begins, if it has one.
function markOf(row, width) {
  const lane = lanes.laneOf[T.actorOf[row]];
  if (lane < 0) return null;
  const place = placeOf(row);
  const mark = { row, lane, category: T.category(row), x: xOf(place, width), y: yOf(lane), x0: 0, y0: 0, isArrow: false };
  const begin = arrowBegin(row, mark, width);
  if (begin && begin.y !== mark.y) Object.assign(mark, { x0: begin.x, y0: begin.y, isArrow: true });
  return mark;
}

function arrowBegin(row, mark, width) {
  if (T.fromOf[row] >= 0 && T.fromOf[row] !== T.actorOf[row]) {
    const lane = lanes.laneOf[T.fromOf[row]];
    return lane < 0 ? null : { x: xOf(placeOfTime(T.t[row] - T.waitOf[row]), width), y: yOf(lane) };
  }
  const cause = T.cause[row];
  if (mark.category === "in" && cause >= 0 && T.category(cause) === "out") {
    const lane = lanes.laneOf[T.actorOf[cause]];
    return lane < 0 ? null : { x: xOf(placeOf(cause), width), y: yOf(lane) };
  }
  const remote = lanes.remoteOf.get(T.actorOf[row]);
  if (remote === undefined || (mark.category !== "in" && mark.category !== "out")) return null;
  const slope = S.axis === "order" ? xOf(0.7, width) - xOf(0, width) : 0;
  if (mark.category === "in") return { x: mark.x - slope, y: yOf(remote) };
  mark.isOutward = true; // the arrow's head is at the far end
  return { x: mark.x + slope, y: yOf(remote) };
}

function barWidth(row, width) {
  const dur = T.durOf[row];
  if (!dur) return 0;
  if (S.axis === "order") return (xOf(0.5, width) - xOf(0, width));
  return xOf(dur, width) - xOf(0, width);
}

function visibleRows(width) {
  const [from, to] = shownRange();
  const first = S.axis === "time" ? lowerBound(lanes.times, from) : Math.max(0, Math.floor(from));
  const last = S.axis === "time" ? lowerBound(lanes.times, to) : Math.min(wantedRows.length, Math.ceil(to) + 1);
  return wantedRows.subarray(Math.max(0, first - 100), Math.min(wantedRows.length, last + 100));
}

// --- moving ------------------------------------------------------------------------------------

function showRange(from, to) {
  const [least, most] = wholeRange();
  const smallest = S.axis === "time" ? 20 : 4;
  const span = Math.min(most - least, Math.max(smallest, to - from));
  const middle = (from + to) / 2;
  const begin = Math.max(least, Math.min(most - span, middle - span / 2));
  if (span >= most - least) change({ from: null, to: null });
  else change({ from: begin, to: begin + span });
}

function zoom(factor, place) {
  const [from, to] = shownRange();
  const fixed = place ?? (S.event >= 0 ? placeOf(S.event) : (from + to) / 2);
  const at = fixed >= from && fixed <= to ? fixed : (from + to) / 2;
  showRange(at - (at - from) * factor, at + (to - at) * factor);
}

function pan(share) {
  const [from, to] = shownRange();
  const by = (to - from) * share;
  showRange(from + by, to + by);
}

// Bring the chosen event into sight; `closely` also makes it large enough to follow.
function showChosen(closely) {
  if (S.event < 0) return;
  const place = placeOf(S.event);
  const [from, to] = shownRange();
  const span = to - from;
  const number = lowerBound(lanes.times, T.t[S.event]);
  const near = [Math.max(0, number - 20), Math.min(lanes.times.length - 1, number + 20)];
  const close = S.axis === "order" ? 40 : Math.max(200, (lanes.times[near[1]] - lanes.times[near[0]]) || 1000);
  if (closely && span > close * 4) showRange(place - close / 2, place + close / 2);
  else if (place < from + span * 0.05 || place > to - span * 0.1) showRange(place - span * 0.4, place + span * 0.6);
}

function setAxis(axis) {
  const [from, to] = shownRange();
  const toTime = (place) => lanes.times[Math.max(0, Math.min(lanes.times.length - 1, Math.round(place)))] ?? 0;
  const wasWhole = S.from === null;
  const ends = axis === "time" ? [toTime(from), toTime(to)] : [lowerBound(lanes.times, from), lowerBound(lanes.times, to)];
  change({ axis, from: null, to: null });
  if (!wasWhole) showRange(...ends);
}
