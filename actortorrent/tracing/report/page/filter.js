// Which events are wanted: by text, actor, type, piece and peer. An event must fit all.

let wantedRows = new Int32Array(0); // the rows that fit, in order
let isFiltered = false;

function refilter() {
  const tests = [textTest(), actorTest(), typeTest(), pieceTest(), peerTest()].filter(Boolean);
  isFiltered = tests.length > 0;
  const rows = [];
  for (let row = 0; row < T.size; row++) {
    if (tests.every((fits) => fits(row))) rows.push(row);
  }
  wantedRows = Int32Array.from(rows);
}

function textTest() {
  const wanted = S.text.trim().toLowerCase();
  if (!wanted) return null;
  return (row) =>
    T.words(row).toLowerCase().includes(wanted) ||
    T.label(row).toLowerCase().includes(wanted) ||
    T.id(row).toLowerCase() === wanted ||
    JSON.stringify(T.events.data[row]).toLowerCase().includes(wanted);
}

// An actor: `3` by number, or a name, which stands for those of all clients.
function actorTest() {
  if (!S.actor) return null;
  const fits = T.actors.map((one) => T.fullName(one.index) === S.actor || one.name === S.actor);
  return (row) => fits[T.actorOf[row]] || (T.fromOf[row] >= 0 && fits[T.fromOf[row]]);
}

function typeTest() {
  if (!S.type) return null;
  const [category, label] = S.type.split(":");
  const fits = T.kinds.map(([ofCategory, ofLabel]) =>
    label === undefined ? ofCategory === category : ofCategory === category && ofLabel === label,
  );
  return (row) => fits[T.kindOf[row]];
}

function pieceTest() {
  if (S.piece === "") return null;
  const wanted = Number(S.piece);
  return (row) => T.events.p[row].includes(wanted);
}

// A peer: the name of its actor, or an address.
function peerTest() {
  if (!S.peer) return null;
  const actors = T.actors.filter((one) => T.fullName(one.index) === S.peer || T.otherSide(one.index) === S.peer);
  const isOne = new Set(actors.map((one) => one.index));
  const conns = new Set(actors.map((one) => one.node + ":" + T.peerOf.get(one.index)?.conn));
  return (row) =>
    isOne.has(T.actorOf[row]) ||
    isOne.has(T.fromOf[row]) ||
    T.events.c[row].some((conn) => conns.has(T.actors[T.actorOf[row]].node + ":" + conn));
}

// --- the bar ------------------------------------------------------------------------------

const CATEGORY_NAMES = {
  message: "messages between actors",
  in: "received over the wire",
  out: "sent over the wire",
  decision: "decisions",
  state: "changes of state",
  timer: "timers",
  reply: "answers",
  fact: "facts",
  life: "starts and ends",
  trouble: "trouble",
  lost: "messages never read",
};

function buildFilters() {
  const form = document.getElementById("filters");
  const field = (name, label, input) => el("label", {}, el("span", {}, label), input);
  const listen = (name) => (event) => change({ [name]: event.target.value });
  const selectOf = (name, options) => el("select", { name, onchange: listen(name) }, options);
  form.addEventListener("submit", (event) => event.preventDefault());
  replace(
    form,
    field("text", "Find", el("input", { name: "text", type: "search", placeholder: "any text  ( / )", oninput: listen("text") })),
    field("actor", "Actor", selectOf("actor", actorOptions())),
    field("type", "Type", selectOf("type", typeOptions())),
    field("peer", "Peer", selectOf("peer", peerOptions())),
    field("piece", "Piece", el("input", { name: "piece", type: "number", min: 0, max: T.torrent.piece_count - 1, placeholder: "any", oninput: listen("piece") })),
    button("Clear", () => change({ text: "", actor: "", type: "", piece: "", peer: "" }), { id: "clear" }),
    el("output", { id: "count" }),
  );
}

function option(value, text = value) {
  return el("option", { value }, text);
}

function actorOptions() {
  const all = [option("", "all actors")];
  const names = [...new Set(T.actors.map((one) => one.name))];
  if (!T.isSwarm) return [...all, ...names.map((name) => option(name))];
  const shared = el("optgroup", { label: "of every client" }, names.filter((name) => !name.startsWith("Peer-")).map((name) => option(name)));
  const groups = T.nodes.map((node, number) =>
    el("optgroup", { label: node.name }, T.actors.filter((one) => one.node === number).sort(byPlace).map((one) => option(T.fullName(one.index), one.name))),
  );
  return [...all, shared, ...groups];
}

function typeOptions() {
  const groups = Object.entries(CATEGORY_NAMES).map(([category, name]) => {
    const labels = [...new Set(T.kinds.filter((kind) => kind[0] === category).map((kind) => kind[1]))];
    if (!labels.length) return null;
    const each = labels.sort().map((label) => option(category + ":" + label, label.replaceAll("_", " ")));
    return el("optgroup", { label: name }, option(category, "all " + name), each);
  });
  return [option("", "all types"), ...groups];
}

function peerOptions() {
  const peers = T.actors.filter((one) => T.peerOf.has(one.index)).sort((one, other) => one.node - other.node || byPlace(one, other));
  const each = peers.map((one) => option(T.fullName(one.index), T.actorLabel(one.index) + " ↔ " + T.otherSide(one.index)));
  if (!T.isSwarm) return [option("", "all peers"), ...each];
  return [
    option("", "all peers"),
    el("optgroup", { label: "everybody’s connections to" }, T.nodes.map((node) => option(node.name))),
    el("optgroup", { label: "one connection" }, each),
  ];
}

function showFilters() {
  const form = document.getElementById("filters");
  for (const name of ["text", "actor", "type", "piece", "peer"]) {
    if (form.elements[name].value !== String(S[name])) form.elements[name].value = S[name];
  }
  form.classList.toggle("active", isFiltered);
  document.getElementById("count").value = isFiltered
    ? `${wantedRows.length.toLocaleString("en")} of ${counted(T.size, "event")}`
    : counted(T.size, "event");
}
