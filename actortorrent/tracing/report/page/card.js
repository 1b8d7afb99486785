// The card of the chosen event: what it is, byte by byte where it travelled, what it asks of
// its receiver, where that is written, and what led to it and followed from it.

const MOST_LISTED = 60;

function showCard() {
  const card = document.getElementById("card");
  const row = S.event;
  if (row < 0) return replace(card, emptyCard());
  const [category, label] = T.kind(row);
  const explained = T.explanation(row);
  replace(
    card,
    el("div", { class: "card-head" },
      el("span", { class: "badge " + category }, CATEGORY_NAMES[category]),
      button("×", () => select(-1), { class: "close", title: "Choose nothing (Esc)", "aria-label": "Close" })),
    el("h2", {}, label.replaceAll("_", " ")),
    el("p", { class: "who" }, whoText(row)),
    el("p", { class: "said" }, T.words(row)),
    foldedText(row),
    explained && explanationPart(explained),
    bytesPart(row, explained),
    factsPart(row),
    chainPart(row),
    effectsPart(row),
  );
  card.scrollTop = 0;
}

function emptyCard() {
  return [
    el("h2", {}, "Choose an event"),
    el("p", {}, "Click anything that happened: a card here says what it means, what its receiver has to do and where that is written, and its causes and effects light up in every view."),
    el("ul", { class: "legend" }, Object.entries(CATEGORY_NAMES)
      .filter(([category]) => T.kinds.some((kind) => kind[0] === category))
      .map(([category, name]) => el("li", {}, el("i", { class: "swatch " + category }), name))),
    el("p", { class: "quiet" }, "Drag to move, scroll to zoom, ? for the keys."),
    T.remarks.map((remark) => el("p", { class: "remark" }, remark)),
  ];
}

function whoText(row) {
  const at = timeText(T.t[row]);
  const to = T.actorLabel(T.actorOf[row]);
  if (T.fromOf[row] >= 0) return `${T.actorLabel(T.fromOf[row])} → ${to}, at ${at}`;
  const other = T.otherSide(T.actorOf[row]);
  const category = T.category(row);
  if (category === "in") return `${to} ⇐ ${other || "its peer"}, at ${at}`;
  if (category === "out") return `${to} ⇒ ${other || "its peer"}, at ${at}`;
  return `${to}, at ${at}`;
}

function foldedText(row) {
  const folded = T.folded.get(row);
  if (!folded) return null;
  return el("p", { class: "remark" }, `Stands for ${counted(folded.count, "event")} like it, until ${timeText(folded.until)}: the trace is too long to show each.`);
}

function explanationPart(explained) {
  const line = (name, text) => text && [el("dt", {}, name), el("dd", {}, typeof text === "string" ? withCode(text) : text)];
  return el("dl", { class: "explained" },
    line("It means", explained.meaning),
    line("What is to be done", explained.duty),
    line("Written in", explained.source),
    line("Our handler", explained.handler && el("code", {}, explained.handler)));
}

// The fields of a wire message, each with where its bytes are: in the message, and in the
// stream of this direction of the connection.
function bytesPart(row, explained) {
  const data = T.events.data[row];
  if (!explained?.fields || typeof data.length !== "number") return null;
  const length = data.length;
  let begin = 0;
  const rows = explained.fields.map(([name, size, meaning]) => {
    const bytes = size || Math.max(0, length - begin);
    const cells = [byteRange(begin, bytes), el("td", { title: meaning }, name), fieldValue(name, data, T.label(row))];
    begin += bytes;
    return cells;
  });
  return [
    el("h3", {}, "Its bytes"),
    byteBar(explained.fields, length),
    table(["bytes", "field", "value"], rows, { class: "bytes" }),
    typeof data.offset === "number" &&
      el("p", { class: "quiet" }, `Bytes ${data.offset.toLocaleString("en")} to ${(data.offset + length - 1).toLocaleString("en")} of this direction of the connection: both sides' traces name the message so.`),
  ];
}

function byteRange(begin, bytes) {
  if (!bytes) return "–";
  return bytes === 1 ? String(begin) : `${begin}–${begin + bytes - 1}`;
}

function byteBar(fields, length) {
  let begin = 0;
  const parts = fields.map(([name, size]) => {
    const bytes = size || Math.max(0, length - begin);
    begin += bytes;
    return el("span", { title: `${name}: ${counted(bytes, "byte")}`, style: { flexGrow: String(Math.max(1, Math.min(bytes, 24))) } }, name.replaceAll("_", " "));
  });
  return el("div", { class: "byte-bar", "aria-hidden": "true" }, parts);
}

const KINDS_ON_WIRE = { choke: 0, unchoke: 1, interested: 2, "not interested": 3, have: 4, bitfield: 5, request: 6, piece: 7, cancel: 8, port: 9, extended: 20 };

function fieldValue(name, data, type) {
  if (name === "length prefix") return String(data.length - 4);
  if (name === "id") return String(KINDS_ON_WIRE[type] ?? "");
  if (name === "protocol length") return "19";
  if (name === "protocol name") return "BitTorrent protocol";
  const value = data.fields?.[name];
  if (name === "bits" && typeof value === "string") return drawnBits(value);
  if (value !== undefined) return typeof value === "object" ? JSON.stringify(value) : String(value);
  if (name === "block") return sizeText(data.fields?.length ?? 0);
  return "";
}

// A bitfield as it is drawn in this project: one character a piece, # for one that is there.
function drawnBits(bits) {
  if (!/^[A-Za-z0-9+/]+=*$/.test(bits)) return bits; // too long to be in the trace
  const most = Math.min(T.torrent.piece_count, 256);
  const bytes = atob(bits);
  let drawn = "";
  for (let piece = 0; piece < most; piece++) drawn += (bytes.charCodeAt(piece >> 3) >> (7 - (piece & 7))) & 1 ? "#" : ".";
  return drawn + (T.torrent.piece_count > most ? " …" : "");
}

function factsPart(row) {
  const data = T.events.data[row];
  const times = [];
  if (T.waitOf[row]) times.push(["waited in the mailbox", durationText(T.waitOf[row])]);
  if (T.durOf[row]) times.push(["handling took", durationText(T.durOf[row])]);
  const shown = Object.entries(data).filter(([key]) => !["fields", "candidates", "id"].includes(key));
  return [
    el("h3", {}, "What the trace says"),
    el("dl", { class: "facts" },
      el("dt", {}, "id"), el("dd", {}, el("code", { class: "id" }, T.id(row))),
      times.map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]),
      shown.map(([key, value]) => [el("dt", {}, key.replaceAll("_", " ")), el("dd", {}, valueTree(value))])),
    Array.isArray(data.candidates) && candidatesTable(data.candidates),
  ];
}

function valueTree(value, depth = 0) {
  if (value === null || typeof value !== "object") return clean(value === null ? "none" : value);
  if (Array.isArray(value)) {
    if (value.every((one) => typeof one !== "object")) return clean(value.join(", ") || "nothing");
    return el("ul", {}, value.slice(0, 20).map((one) => el("li", {}, valueTree(one, depth + 1))));
  }
  if (typeof value.$ === "string" && depth) return el("span", { title: JSON.stringify(value) }, value.$);
  return el("ul", {}, Object.entries(value).map(([key, one]) => el("li", {}, el("b", {}, key.replaceAll("_", " ") + " "), valueTree(one, depth + 1))));
}

function candidatesTable(candidates) {
  const rows = candidates.filter((one) => one && typeof one === "object");
  if (!rows.length) return null;
  const keys = Object.keys(rows[0]);
  const shown = (key, value) => (key.endsWith("rate") ? sizeText(Number(value)) + "/s" : value === true ? "yes" : value === false ? "no" : String(value));
  return [
    el("h3", {}, "Weighed against each other"),
    el("div", { class: "wide" }, table(keys.map((key) => key.replaceAll("_", " ")), rows.map((one) => keys.map((key) => shown(key, one[key]))))),
  ];
}

function chainPart(row) {
  const chain = lit.back;
  const first = Math.max(0, chain.length - MOST_LISTED);
  return [
    el("h3", {}, chain.length > 1 ? `Brought about by (${chain.length - 1})` : "Brought about by"),
    chain.length === 1 && el("p", { class: "quiet" }, noCauseText(row)),
    first > 0 && el("p", { class: "quiet" }, `${counted(first, "earlier cause")} not listed`),
    el("ol", { id: "causes", class: "chain" }, chain.slice(first).map((one) => chainItem(one, one === row))),
  ];
}

function noCauseText(row) {
  return T.category(row) === "in"
    ? "Nothing in this trace: what brought it about is in the other side's."
    : "Nothing that an actor did: the program, or time.";
}

function effectsPart(row) {
  const effects = lit.effects;
  return [
    el("h3", {}, effects.length ? `Brought about (${effects.length.toLocaleString("en")})` : "Brought about"),
    !effects.length && el("p", { class: "quiet" }, "Nothing further."),
    el("ol", { id: "effects", class: "chain" }, effects.slice(0, MOST_LISTED).map((one) => chainItem(one, false, stepsBelow(row, one)))),
    effects.length > MOST_LISTED && el("p", { class: "quiet" }, `… and ${counted(effects.length - MOST_LISTED, "more")}, lit in the lanes`),
  ];
}

function chainItem(row, isChosen, steps = 0) {
  return el("li", { class: (isChosen ? "chosen " : "") + T.category(row), data: { id: T.id(row) }, style: { marginLeft: Math.min(steps, 6) * 8 + "px" } },
    el("small", {}, T.actorLabel(T.actorOf[row])), " ", eventLink(row));
}
