// Who served whom over time, and for each round of slots why so and not otherwise.

const BAND_HEIGHT = 28;
const BAND_LEFT = 190;
const [AM_CHOKING, AM_INTERESTED, PEER_CHOKING, PEER_INTERESTED] = [0, 1, 2, 3];

const bands = { parts: [], round: null };

function openChokes(view) {
  bands.parts = bandParts();
  bands.round = el("section", { class: "below round" });
  const key = (name, text) => [el("i", { class: "swatch band-" + name }), text, " "];
  replace(
    view,
    el("div", { class: "bar" },
      el("b", {}, "Choking over time"),
      el("span", { class: "legend-line" }, key("served", "unchoked and interested"), key("idle", "unchoked, not interested"), key("waiting", "interested, but choked"), key("none", "neither")),
      el("span", { class: "quiet" }, "upper half: the peer serves us; lower half: we serve it; ▲ a round of slots")),
    el("div", { class: "pieces" }, el("div", { class: "map-stage" }, bands.parts.map((part) => part.canvas)), bands.round),
  );
  drawChokes();
  showRound();
}

// For each client a picture of its own, so that a page of paper can end behind each.
function bandParts() {
  const parts = [];
  T.nodes.forEach((node, number) => {
    const peers = [...T.peerOf.keys()].filter((actor) => T.actors[actor].node === number);
    if (!peers.length) return;
    const part = { node: number, rows: [{ y: 20, height: 24 }] };
    for (const actor of peers) {
      const y = 44 + (part.rows.length - 1) * BAND_HEIGHT;
      part.rows.push({ actor, y, height: BAND_HEIGHT, changes: T.chokes.changes.filter((one) => one[2] === actor), end: T.lastTime[actor] });
    }
    const tall = 50 + peers.length * BAND_HEIGHT;
    part.canvas = el("canvas", { class: "bands", "aria-label": `Choking over time: ${node.name}`, onclick: (event) => clickBands(part, event), style: { height: tall + "px" } });
    parts.push(part);
  });
  return parts;
}

function bandX(micros, width) {
  return BAND_LEFT + (micros / T.end) * (width - BAND_LEFT - 8);
}

function drawChokes() {
  if (S.view !== "chokes") return;
  for (const { node, rows, canvas } of bands.parts) {
    const { pen, width, height } = prepared(canvas);
    drawBandAxis(pen, width, height);
    for (const row of rows) {
      if (row.actor === undefined) drawBandHead(pen, node, row, width);
      else drawBand(pen, row, width);
    }
  }
}

function drawBandAxis(pen, width, height) {
  const step = niceTimeStep(T.end / 8);
  pen.font = font(11);
  pen.textBaseline = "top";
  for (let time = 0; time <= T.end; time += step) {
    pen.fillStyle = colour("line");
    pen.fillRect(bandX(time, width), 14, 1, height);
    pen.fillStyle = colour("soft");
    pen.fillText(tickText(time, step), bandX(time, width) + 3, 2);
  }
}

function drawBandHead(pen, node, row, width) {
  pen.fillStyle = colour("head");
  pen.fillRect(0, row.y, width, row.height);
  pen.fillStyle = colour("node-" + (node % 8));
  pen.fillRect(0, row.y, 4, row.height);
  pen.fillStyle = colour("ink");
  pen.font = font(12, "600");
  pen.textBaseline = "middle";
  pen.fillText(fitted(pen, clean(T.nodes[node].name), BAND_LEFT - 20), 10, row.y + row.height / 2);
  for (const [number, round] of roundsOf(node)) {
    const x = bandX(round[0], width);
    const isChosen = number === S.look;
    pen.fillStyle = colour(isChosen ? "accent" : "decision");
    const half = isChosen ? 7 : 4;
    pen.beginPath();
    pen.moveTo(x - half, row.y + row.height - 4);
    pen.lineTo(x + half, row.y + row.height - 4);
    pen.lineTo(x, row.y + row.height - 4 - 2 * half);
    pen.fill();
  }
}

function roundsOf(node) {
  return [...T.chokes.rounds.entries()].filter(([, round]) => T.actors[round[2]].node === node);
}

function drawBand(pen, row, width) {
  const middle = row.y + row.height / 2;
  pen.font = font(12);
  pen.textBaseline = "middle";
  pen.fillStyle = colour("ink");
  pen.fillText(fitted(pen, clean(`${T.actors[row.actor].name} ↔ ${T.otherSide(row.actor)}`), BAND_LEFT - 24), 14, middle);
  const spans = flagSpans(row.changes, row.end);
  const half = (row.height - 7) / 2;
  for (const { from, to, flags } of spans) {
    const x = bandX(from, width);
    const wide = Math.max(1, bandX(to, width) - x);
    pen.fillStyle = colour("band-" + served(!flags[PEER_CHOKING], flags[AM_INTERESTED]));
    pen.fillRect(x, row.y + 3, wide, half);
    pen.fillStyle = colour("band-" + served(!flags[AM_CHOKING], flags[PEER_INTERESTED]));
    pen.fillRect(x, row.y + 4 + half, wide, half);
  }
}

function served(isUnchoked, isInterested) {
  if (isUnchoked) return isInterested ? "served" : "idle";
  return isInterested ? "waiting" : "none";
}

// Stretches of time in which the four flags of a connection stay as they are.
function flagSpans(changes, end) {
  const flags = [1, 0, 1, 0];
  const spans = [];
  changes.forEach(([time, , , flag, value], number) => {
    flags[flag] = value;
    const next = changes[number + 1]?.[0] ?? end;
    if (next > time) spans.push({ from: time, to: next, flags: [...flags] });
  });
  return spans;
}

function clickBands(part, event) {
  const { offsetX: x, offsetY: y } = event;
  const width = part.canvas.clientWidth;
  const row = part.rows.find((one) => y >= one.y && y < one.y + one.height);
  if (!row) return;
  const time = ((x - BAND_LEFT) / (width - BAND_LEFT - 8)) * T.end;
  const rounds = roundsOf(part.node);
  if (row.actor === undefined && rounds.length) {
    change({ look: rounds.reduce((best, one) => (Math.abs(one[1][0] - time) < Math.abs(best[1][0] - time) ? one : best))[0] });
  } else if (row.actor !== undefined) {
    const last = row.changes.filter((one) => one[0] <= time).pop() ?? row.changes[0];
    if (last) select(last[1]);
  }
}

function stepRound(by) {
  const count = T.chokes.rounds.length;
  change({ look: Math.max(0, Math.min(count - 1, S.look + by)) });
}

function showRound() {
  const rounds = T.chokes.rounds;
  const round = rounds[S.look];
  const steps = el("span", { class: "steps" },
    button("◀ round", () => stepRound(-1), { disabled: S.look <= 0 }),
    button("round ▶", () => stepRound(1), { disabled: S.look >= rounds.length - 1 }));
  if (!round) {
    return replace(bands.round, el("h2", {}, `${counted(rounds.length, "round")} of slots `, steps),
      el("p", { class: "quiet" }, "Click a triangle, or step through the rounds: each shows who was weighed, by which figures, and why."));
  }
  const [time, row, actor, figures, verdicts] = round;
  replace(
    bands.round,
    el("h2", {}, `Round ${S.look + 1} of ${rounds.length}: ${T.nodes[T.actors[actor].node].name}, at ${timeText(time)} `, steps),
    el("p", {}, "Rule: ", el("b", {}, figures.rule ?? "?"), `, ${counted(figures.slots ?? 0, "slot")}. `, paceText(figures), eventLink(row, "the decision and its causes")),
    verdictTable(verdicts, paceOf(figures)),
  );
}

// How many times as fast as usual the slots were reviewed: a lab has no time for the real thing.
function paceOf(figures) {
  return figures.pace > 0 ? figures.pace : 1;
}

function paceText(figures) {
  const pace = paceOf(figures);
  return pace === 1 ? "" : `Slots are reviewed every ${+(10 / pace).toPrecision(3)} s here, by a real client every 10 s. `;
}

// A rate, and the bytes and seconds of which it was made; older traces lack these.
function rateCell(rate, bytes, seconds) {
  const madeOf = seconds > 0 ? ` ${sizeText(bytes ?? 0)} in ${seconds.toFixed(1)} s` : "";
  return el("td", {}, sizeText(rate ?? 0) + "/s", el("small", {}, madeOf));
}

function verdictTable(verdicts, pace) {
  const rows = verdicts.map((one) => [
    el("td", {}, T.otherSide(one.peer) || "?", " ", el("small", {}, T.actors[one.peer].name)),
    el("td", { class: one.is_unchoked ? "yes" : "no" }, one.is_unchoked ? "unchoked" : "choked"),
    one.reason ?? "",
    rateCell(one.download_rate, one.recent_downloaded_bytes, one.recent_download_seconds),
    rateCell(one.upload_rate, one.recent_uploaded_bytes, one.recent_upload_seconds),
    durationText(((one.turn_seconds ?? 0) * 1e6) / pace),
  ]);
  return table(["peer", "verdict", "because", "gives us", "gets from us", "its turn so far"], rows, { class: "figures", id: "verdicts" });
}
