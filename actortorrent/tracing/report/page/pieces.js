// The pieces over time at each client, and the life of one piece from its offer to the disk.

const [OFFERED, PICKED, STORED, VERIFIED, FAILED, FOUND, LOST] = [0, 1, 2, 3, 4, 5, 6];
const FACT_NAMES = ["offered by", "picked, to be fetched from", "written, blocks of", "verified: its hash is right", "failed: its hash is wrong", "on the disk already", "lost: it can no longer be read"];
const STAGES = ["offered", "picked", "stored", "verified", "failed", "verified", "failed"];
const MAP_LEFT = 116;

const maps = { canvas: null, begin: 0, end: 1 };

function openPieces(view) {
  maps.canvas = el("canvas", { class: "piece-map", style: { height: mapHeight() + "px" }, "aria-label": "Pieces over time", onclick: clickPieces, onpointermove: hoverPieces });
  maps.life = el("section", { class: "below piece-life" });
  maps.note = el("span", { class: "quiet" }, "click the map to follow one piece");
  const times = T.pieces.facts.map((fact) => fact[0]);
  maps.begin = times.length ? Math.min(times[0], ...times.slice(0, 50)) : 0;
  maps.end = times.reduce((most, time) => Math.max(most, time), maps.begin + 1000);
  const span = maps.end - maps.begin;
  maps.begin -= span * 0.02;
  maps.end += span * 0.02;
  replace(
    view,
    el("div", { class: "bar" },
      el("b", {}, "Pieces over time"),
      el("span", { class: "legend-line" }, ["offered", "picked", "stored", "verified", "failed"].map((stage) => [el("i", { class: "swatch stage-" + stage }), stage, " "])),
      maps.note,
      T.pieces.left_out > 0 && el("span", { class: "remark" }, `${counted(T.pieces.left_out, "fact")} left out`)),
    el("div", { class: "pieces" },
      el("div", { class: "map-stage" }, maps.canvas),
      maps.life),
  );
  drawPieces();
  showLife();
}

function mapHeight() {
  const room = Math.max(256, (innerHeight - 240) * 0.6); // so that its axis is seen without scrolling
  const most = Math.max(40, room / T.nodes.length - 8);
  const rows = Math.max(40, Math.min(most, T.torrent.piece_count * 6));
  return T.nodes.length * (rows + 8) + 24;
}

function drawPieces() {
  if (S.view !== "pieces") return;
  const { pen, width, height } = prepared(maps.canvas);
  const each = (height - 22) / T.nodes.length;
  T.nodes.forEach((node, number) => drawNodeMap(pen, number, number * each, each - 8, width));
  drawMapAxis(pen, width, height);
}

function mapX(micros, width) {
  return MAP_LEFT + ((micros - maps.begin) / (maps.end - maps.begin)) * (width - MAP_LEFT - 4);
}

function drawNodeMap(pen, number, top, height, width) {
  const count = Math.max(1, T.torrent.piece_count);
  const row = height / count;
  const name = T.nodes[number].name;
  pen.fillStyle = colour("stripe");
  pen.fillRect(MAP_LEFT, top, width - MAP_LEFT - 4, height);
  const facts = T.pieces.facts.filter((fact) => T.actors[fact[2]].node === number);
  const stop = mapX(Math.min(maps.end, lastTimeOf(number)), width); // of a process that was killed nothing more is known
  const rank = [1, 2, 3, 5, 0, 5, 0]; // a later stage is drawn over an earlier one
  const reached = new Map();
  for (const [time, , , what, piece] of facts) {
    for (const one of piece < 0 ? T.pieceIndexes : [piece]) {
      const before = reached.get(one) ?? 0;
      if (rank[what] > 0 && rank[what] <= before) continue;
      reached.set(one, rank[what]);
      pen.fillStyle = colour("stage-" + STAGES[what]);
      const x = mapX(time, width);
      const y = Math.round(top + one * row);
      const tall = Math.round(top + (one + 1) * row) - y - (row > 4 ? 1 : 0);
      pen.fillRect(x, y, Math.max(stop - x, 1), Math.max(tall, 1));
    }
  }
  if (S.look >= 0 && S.look < count) {
    pen.strokeStyle = colour("accent");
    pen.lineWidth = row > 4 ? 2 : 1;
    pen.strokeRect(MAP_LEFT, top + S.look * row - 1.5, width - MAP_LEFT - 5, row + 2);
  }
  pen.fillStyle = colour("node-" + (number % 8));
  pen.fillRect(0, top, 4, height);
  pen.fillStyle = colour("ink");
  pen.font = font(12, "600");
  pen.textBaseline = "top";
  pen.fillText(fitted(pen, clean(name), MAP_LEFT - 40), 10, top + 2);
  pen.font = font(10);
  pen.fillStyle = colour("soft");
  pen.textAlign = "right";
  pen.fillText("0", MAP_LEFT - 5, top);
  pen.textBaseline = "bottom";
  pen.fillText(String(count - 1), MAP_LEFT - 5, top + height);
  pen.textAlign = "left";
}

function lastTimeOf(node) {
  return T.actors.reduce((last, actor) => (actor.node === node ? Math.max(last, T.lastTime[actor.index] ?? 0) : last), 0);
}

function drawMapAxis(pen, width, height) {
  pen.font = font(11);
  pen.textBaseline = "bottom";
  pen.fillStyle = colour("soft");
  const step = niceTimeStep((maps.end - maps.begin) / 8);
  for (let time = Math.ceil(maps.begin / step) * step; time <= maps.end; time += step) {
    const x = mapX(time, width);
    pen.globalAlpha = 1;
    pen.fillText(tickText(time, step), x + 3, height);
    pen.globalAlpha = 0.25;
    pen.fillRect(x, 0, 1, height);
  }
  pen.globalAlpha = 1;
  if (S.event >= 0) {
    pen.fillStyle = colour("accent");
    pen.fillRect(mapX(T.t[S.event], width), 0, 1.5, height);
  }
}

function niceTimeStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= least);
}

function pieceAt(event) {
  const each = (maps.canvas.clientHeight - 22) / T.nodes.length;
  const within = event.offsetY % each;
  if (event.offsetX < MAP_LEFT || within > each - 8 || event.offsetY > each * T.nodes.length) return -1;
  return Math.min(T.torrent.piece_count - 1, Math.floor((within / (each - 8)) * T.torrent.piece_count));
}

function clickPieces(event) {
  const piece = pieceAt(event);
  if (piece >= 0) change({ look: piece });
}

function hoverPieces(event) {
  const piece = pieceAt(event);
  maps.note.textContent = piece < 0 ? "click the map to follow one piece" : `piece ${piece}`;
}

// --- one piece -----------------------------------------------------------------------------

function showLife() {
  const piece = S.look;
  maps.life.classList.toggle("unused", piece < 0); // leaves its room to the map
  const chooser = el("label", {}, "The life of piece ", el("input", { type: "number", min: 0, max: T.torrent.piece_count - 1, value: piece >= 0 ? piece : "", placeholder: "…", onchange: (event) => change({ look: event.target.value === "" ? -1 : Number(event.target.value) }) }));
  if (piece < 0) {
    replace(maps.life, el("h2", {}, chooser), el("p", { class: "quiet" }, "From the moment somebody offers it, over who was asked and why, to the disk: choose a piece."));
    return;
  }
  const facts = T.pieces.facts.filter((fact) => fact[4] === piece || fact[4] < 0);
  replace(
    maps.life,
    el("h2", {}, chooser, " ", button("all events that name it", () => change({ view: "story", piece: String(piece) }), { class: "link" })),
    el("div", { class: "lives" }, livesOf(facts).map((life) => nodeLife(...life))),
  );
}

// Who had to fetch the piece comes before those who had it from the beginning.
function livesOf(facts) {
  const lives = T.nodes.map((node, number) => [node, facts.filter((fact) => T.actors[fact[2]].node === number)]);
  const had = ([, ofNode]) => Number(ofNode.some((fact) => fact[3] === FOUND));
  return lives.sort((one, other) => had(one) - had(other));
}

function nodeLife(node, facts) {
  const done = facts.find((fact) => fact[3] === VERIFIED);
  const picked = facts.find((fact) => fact[3] === PICKED);
  const summary = done && picked ? `from picked to verified: ${durationText(done[0] - picked[0])}` : facts.some((fact) => fact[3] === FOUND) ? "had it from the beginning" : done ? "" : "never verified";
  return el("div", { class: "one-life" },
    el("h3", {}, node.name, " ", el("small", {}, summary)),
    el("ol", {}, facts.slice(0, 80).map(lifeStep)),
    facts.length > 80 && el("p", { class: "quiet" }, `… and ${facts.length - 80} more`));
}

function lifeStep([time, row, , what, piece, peer]) {
  const who = peer >= 0 ? ` ${T.otherSide(peer) || T.actors[peer].name}` : "";
  const rule = what === PICKED ? T.events.data[row].rule : "";
  return el("li", { class: "stage " + STAGES[what] },
    el("time", {}, timeText(time)), " ",
    eventLink(row, FACT_NAMES[what] + who + (piece < 0 ? " (with all others)" : "")),
    rule && el("em", {}, ` – ${rule}`));
}
