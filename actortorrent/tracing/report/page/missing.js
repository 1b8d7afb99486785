// What did not happen: what was asked for and never came.

const SORTS = {
  lost: {
    title: "Messages never read",
    about: "Sent to an actor that had gone, or that stopped before it came to them. While a session stops that is no error: the sender could not know.",
    words: (about) => ({ dead: "the actor had gone", dropped: "the actor stopped before", undelivered: "the actor hangs" })[about.status],
  },
  requests: {
    title: "Requests never answered",
    about: "Blocks that were asked for and never came, until the connection or the trace ended. A choke takes requests back (BEP 3), so these are not among them.",
    words: (about) => `piece ${about.piece}, offset ${about.offset}, of ${T.actorLabel(about.peer)}`,
  },
  sums: {
    title: "Requests without a block, summed up",
    about: "How many more blocks were asked for than came or were cancelled. A choke takes requests back, so where there was one this is no fault. This level of trace does not say which they are; --trace-level block does.",
    words: (about) => about.choked_away
      ? `${counted(about.choked_away, "request")} of ${T.actorLabel(about.peer)} taken back by a choke`
      : `${T.actorLabel(about.peer)} ↔ ${T.otherSide(about.peer)}: ${about.asked} asked for, ${about.came} came, ${about.cancelled} cancelled; it choked us ${counted(about.chokes, "time")}`,
  },
  interest: {
    title: "Interest never met",
    about: "A side that wanted something and was never unchoked on this connection.",
    words: (about) => about.whose === "ours"
      ? `we wanted pieces of ${T.otherSide(about.peer)} (${T.actorLabel(about.peer)}), which never unchoked us`
      : `${T.otherSide(about.peer)} (${T.actorLabel(about.peer)}) wanted pieces of ours, and we never unchoked it`,
  },
  announces: {
    title: "Trackers that did not answer",
    about: "Announces without an answer or a failure until the trace ended.",
    words: (about, row) => T.words(row),
  },
};

function openMissing(view) {
  replace(view, el("div", { class: "page" },
    el("h1", {}, "What is missing"),
    el("p", { class: "lead" }, "A trace shows what happened. These are the things that should have, and did not."),
    T.missing.map(missingSort),
    el("section", {}, el("h2", {}, "Pieces never verified"), unverified())));
}

function missingSort({ sort, count, rows }) {
  const { title, about, words } = SORTS[sort];
  return el("section", { class: count ? "" : "fine", data: { sort } },
    el("h2", {}, title, " ", el("span", { class: "pill" }, count || "none")),
    el("p", { class: "quiet" }, about),
    el("ul", { class: "found" }, rows.map(([row, more]) =>
      el("li", {}, el("time", {}, timeText(T.t[row])), " ", eventLink(row, sort === "lost" ? lostText(row) : words(more, row)), sort === "lost" && " – " + words(more)))),
    count > rows.length && el("p", { class: "quiet" }, `… and ${counted(count - rows.length, "more")}`));
}

function lostText(row) {
  return `${T.actorLabel(T.fromOf[row])} → ${T.actorLabel(T.actorOf[row])} ${T.words(row)}`;
}

function unverified() {
  const lines = T.nodes.map((node, number) => {
    const had = new Set();
    let hasAll = false;
    for (const [, , actor, what, piece] of T.pieces.facts) {
      if (T.actors[actor].node !== number || (what !== VERIFIED && what !== FOUND)) continue;
      if (piece < 0) hasAll = true;
      else had.add(piece);
    }
    const lacking = hasAll ? 0 : T.torrent.piece_count - had.size;
    return el("li", {}, el("b", {}, node.name), lacking ? `: ${counted(lacking, "piece")} of ${T.torrent.piece_count}` : ": none, all are there");
  });
  return el("ul", { class: "found" }, lines);
}
