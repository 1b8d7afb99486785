// What there is to find fault with: what went wrong and who was guilty of it, which rules
// were broken, and what took long.

function openFindings(view) {
  replace(view, el("div", { class: "page" },
    el("h1", {}, "Findings"),
    el("p", { class: "lead" }, "What actortorrent trace lint and actortorrent trace why slow say of this trace; each finding leads to its event."),
    troubleSort(),
    brokenRules(),
    el("section", {}, el("h2", {}, "Where the time went"), T.findings.slow.map(slowPart))));
}

// What went wrong, and who was found guilty of it.
function troubleSort() {
  const rows = [];
  for (let row = 0; row < T.size; row++) {
    if (T.category(row) === "trouble" || (T.category(row) === "decision" && T.label(row) === "ban_peer")) rows.push(row);
  }
  return el("section", { class: rows.length ? "" : "fine", data: { sort: "trouble" } },
    el("h2", {}, "What went wrong ", el("span", { class: "pill" }, rows.length || "none")),
    el("p", { class: "quiet" }, "Pieces whose hash was wrong, and the peers found to have sent the wrong bytes; peers that fell silent; actors that failed."),
    el("ul", { class: "found" }, rows.slice(0, 300).map((row) => el("li", {}, el("time", {}, timeText(T.t[row])), " ", eventLink(row, troubleText(row))))),
    rows.length > 300 && el("p", { class: "quiet" }, `… and ${counted(rows.length - 300, "more")}`));
}

function troubleText(row) {
  const data = T.events.data[row];
  const { node } = T.actors[T.actorOf[row]];
  const client = T.nodes[node].name;
  const named = (name) => {
    const actor = T.actors.find((one) => one.node === node && one.name === name);
    return (actor && T.otherSide(actor.index)) || name;
  };
  if (T.label(row) === "ban_peer") return `${client} bans ${named(data.chosen)}: ${data.rule}, piece ${data.piece}`;
  if (T.label(row) === "piece_failed") {
    const senders = (data.contributors ?? []).map((conn) => named(conn < 0 ? "WebSeed-" + -conn : "Peer-" + conn));
    return `${client}: the hash of piece ${data.piece} is wrong; its blocks came from ${senders.join(" and ") || "nobody known"}`;
  }
  if (T.label(row) === "peer_snubbed") return `${client}: ${named("Peer-" + data.conn)} has fallen silent`;
  return `${T.actorLabel(T.actorOf[row])}: ${T.words(row)}`;
}

function brokenRules() {
  const { rules, rule_count: known } = T.findings;
  const all = rules.reduce((sum, rule) => sum + rule.count, 0);
  return el("section", { class: rules.length ? "" : "fine", data: { sort: "rules" } },
    el("h2", {}, "Rules broken ", el("span", { class: "pill" }, all || "none")),
    el("p", { class: "quiet" }, `The trace was held to ${known} rules of the peer protocol, of our actors, and of traces.`),
    rules.map(({ rule, says, source, count, rows }) => [
      el("h3", {}, rule), el("p", {}, `${says} (${source})`),
      el("ul", { class: "found" }, rows.map(([row, actor, text]) => foundItem(row, text, actor))),
      count > rows.length && el("p", { class: "quiet" }, `… and ${(count - rows.length).toLocaleString("en")} more`)]));
}

function foundItem(row, text, about) {
  return el("li", {}, row >= 0 && [el("time", {}, timeText(T.t[row])), " "], about && el("small", {}, about, " "), row >= 0 ? eventLink(row, text) : text);
}

// Where the time of one client's fetch went: shares, and the longest single waits.
function slowPart({ node, took, is_complete: isComplete, phases, waits }) {
  return el("div", { class: "slow", data: { node } },
    el("h3", {}, node && node + ": ", took, isComplete ? " until all was there" : " until the trace ends"),
    table(["of its time", "", "in which"], phases.map(([share, spent, name]) => [
      el("td", { class: "bar-cell" }, el("i", { class: "bar-fill message", style: { width: 100 * share + "%" } }), el("span", {}, (100 * share).toFixed(1) + " %")),
      spent, T.findings.phases[name]])),
    el("p", { class: "quiet" }, waits.length ? "The longest waits, from when they began:" : "Nothing waited for long."),
    el("ul", { class: "found" }, waits.map(([row, spent, text]) => foundItem(row, text, spent))));
}
