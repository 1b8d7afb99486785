// The figures: who gave whom how much and when, and how busy each actor was.

function openFigures(view) {
  replace(view, el("div", { class: "page" },
    el("h1", {}, "Figures"),
    el("div", { class: "tiles" }, tiles()),
    el("section", {}, el("h2", {}, "Who gave whom how much"), transferTable(), curves()),
    el("section", {}, el("h2", {}, "How busy the actors were"),
      el("p", { class: "quiet" }, "An actor handles one message at a time. A long wait means that its mailbox was not empty, or that its thread did not get the processor."),
      actorTable()),
    el("section", {}, el("h2", {}, "What there was most of"), kindTable())));
}

function tiles() {
  const received = sumOf("received");
  const messages = T.tallies.kinds.filter((kind) => kind[0] === "message").reduce((sum, kind) => sum + kind[2], 0);
  const verified = T.pieces.facts.filter((fact) => fact[3] === VERIFIED).length;
  const tile = (value, name) => el("div", { class: "tile" }, el("b", {}, value), el("span", {}, name));
  return [
    tile(durationText(T.end), "from first to last event"),
    tile(T.total.toLocaleString("en"), "events"),
    tile(messages.toLocaleString("en"), "messages between actors"),
    tile(sizeText(received), "of blocks received"),
    tile(verified.toLocaleString("en"), "pieces verified"),
  ];
}

function sumOf(direction) {
  return T.tallies.transfers.filter((one) => one.direction === direction).reduce((sum, one) => sum + one.bytes, 0);
}

// One row a connection of each client: what came from it, what went to it.
function transferTable() {
  const byPeer = new Map();
  for (const one of T.tallies.transfers) {
    const both = byPeer.get(one.peer) ?? {};
    both[one.direction] = one;
    byPeer.set(one.peer, both);
  }
  if (!byPeer.size) return el("p", { class: "nothing" }, "No blocks went either way.");
  const most = Math.max(1, ...T.tallies.transfers.map((one) => one.bytes));
  const places = [...byPeer].sort((one, other) => T.actors[one[0]].node - T.actors[other[0]].node || one[0] - other[0]);
  const rows = places.map(([peer, both]) => [
    T.nodes[T.actors[peer].node].name,
    el("td", {}, T.otherSide(peer), " ", el("small", {}, T.actors[peer].name)),
    barCell(both.received, most, "in"),
    barCell(both.sent, most, "out"),
  ]);
  return table(["client", "and its peer", "got from it", "gave to it"], rows, { id: "transfers" });
}

function barCell(one, most, category) {
  const bytes = one?.bytes ?? 0;
  return el("td", { class: "bar-cell", title: one ? `${bytes.toLocaleString("en")} bytes in ${counted(one.blocks, "block")}` : undefined },
    el("i", { class: "bar-fill " + category, style: { width: (100 * bytes) / most + "%" } }), el("span", {}, bytes ? sizeText(bytes) : "–"));
}

function curves() {
  return el("div", { class: "curves" }, T.nodes.map((node, number) => {
    const mine = T.tallies.transfers.filter((one) => T.actors[one.peer].node === number);
    if (!mine.length) return null;
    return el("figure", {}, el("figcaption", {}, el("b", {}, node.name), " ",
      el("i", { class: "swatch in" }), " received ", el("i", { class: "swatch out" }), " sent, a second"), curve(mine));
  }));
}

function curve(transfers) {
  const step = T.tallies.step_micros;
  const width = 400;
  const height = 70;
  const steps = Math.max(1, Math.ceil(T.end / step));
  const sums = { received: new Float64Array(steps + 1), sent: new Float64Array(steps + 1) };
  for (const one of transfers) for (const [at, bytes] of one.curve) sums[one.direction][Math.min(at, steps)] += bytes;
  const most = Math.max(1, ...sums.received, ...sums.sent);
  const path = (values) => "M0," + height + Array.from(values, (value, at) => `L${((at / steps) * width).toFixed(1)},${(height - 2 - (value / most) * (height - 12)).toFixed(1)}`).join("") + `L${width},${height}Z`;
  return svg("svg", { viewBox: `0 0 ${width} ${height + 14}`, role: "img", "aria-label": "bytes a second over time" },
    svg("path", { d: path(sums.received), class: "curve in" }),
    svg("path", { d: path(sums.sent), class: "curve out" }),
    svg("text", { x: 2, y: 9 }, `most: ${sizeText((most / step) * 1e6)}/s`),
    svg("text", { x: 0, y: height + 11 }, "0 s"),
    svg("text", { x: width, y: height + 11, "text-anchor": "end" }, durationText(T.end)));
}

function actorTable() {
  const rows = [...T.tallies.actors].sort((one, other) => other[2] - one[2]).slice(0, 60)
    .map(([actor, count, work, wait, depth]) => [T.actorLabel(actor), count, durationText(work), durationText(wait), depth]);
  return table(["actor", "messages handled", "busy for", "longest wait of a message", "fullest mailbox"], rows, { class: "figures" });
}

function kindTable() {
  const rows = T.tallies.kinds.slice(0, 25).map(([category, label, count]) => [
    el("td", {}, el("i", { class: "swatch " + category }), " ", button(label.replaceAll("_", " "), () => change({ view: "story", type: category + ":" + label }), { class: "link" })),
    CATEGORY_NAMES[category],
    count,
  ]);
  return table(["kind", "", "how many"], rows, { class: "figures" });
}
