// The frame: head, tabs, keys, playing, and who redraws when something changes.

const VIEWS = {
  lanes: { name: "Lanes", open: openLanes, hint: "actors, and the messages between them" },
  story: { name: "Story", open: openStory, hint: "every event, in words" },
  pieces: { name: "Pieces", open: openPieces, hint: "from offer to disk" },
  chokes: { name: "Choking", open: openChokes, hint: "who serves whom, and why" },
  figures: { name: "Figures", open: openFigures, hint: "who gave whom how much" },
  missing: { name: "Missing", open: openMissing, hint: "what never came" },
  findings: { name: "Findings", open: openFindings, hint: "what went wrong, what broke a rule, what took long" },
  quiz: { name: "Quiz", open: openQuiz, hint: "what comes next?" },
};
const FILTER_KEYS = ["text", "actor", "type", "piece", "peer"];
const WITH_EVENTS = new Set(["lanes", "story"]);
const SPEEDS = [1, 3, 10, 30];

const player = { timer: 0, speed: 3 };

function buildHead() {
  const { torrent } = T;
  const who = T.isSwarm ? `${T.nodes.length} clients` : `client ${T.nodes[0].name}`;
  document.title = `actortorrent: ${who}`;
  replace(
    document.getElementById("head"),
    el("div", { class: "brand" }, el("b", {}, "actortorrent"), el("span", {}, "report")),
    el("div", { class: "about" },
      el("span", {}, who), el("span", {}, `${sizeText(torrent.total_length)} in ${counted(torrent.piece_count, "piece")}`),
      el("span", {}, counted(T.total, "event"), T.total > T.size ? `, ${T.size.toLocaleString("en")} shown` : ""),
      el("span", {}, durationText(T.end)), el("span", { title: "info-hash" }, el("code", {}, torrent.info_hash.slice(0, 12))),
      el("span", { title: "when the trace began" }, T.begun.slice(0, 19).replace("T", " "))),
    el("div", { class: "tools" },
      button("Link", copyLink, { title: "Copy a link to exactly this view" }),
      button("◐", nextTheme, { id: "theme", title: "Light, dark, or as the system has it (t)", "aria-label": "Theme" }),
      button("?", showHelp, { title: "Keys (?)", "aria-label": "Help" })),
  );
  replace(document.getElementById("tabs"), Object.entries(VIEWS).map(([view, { name, hint }], number) =>
    button(name, () => openView(view), { role: "tab", title: `${hint} (${number + 1})`, data: { view } })));
}

function openView(view) {
  if (view !== S.view) change({ view, look: -1 });
}

async function copyLink() {
  saveFragment(true);
  const tool = document.querySelector(".tools button");
  try {
    await navigator.clipboard.writeText(location.href);
    tool.textContent = "Copied";
  } catch {
    tool.textContent = "See the address bar";
  }
  setTimeout(() => { tool.textContent = "Link"; }, 1500);
}

// --- theme ----------------------------------------------------------------------------------------

const THEMES = ["", "light", "dark"];

function nextTheme() {
  const root = document.documentElement;
  const now = THEMES.indexOf(root.dataset.theme ?? "");
  root.dataset.theme = THEMES[(now + 1) % THEMES.length];
  themeChanged();
}

function themeChanged() {
  colours = null;
  redraw();
}

// Paper is white, and shows more lines than a window.
function beforePrint() {
  const root = document.documentElement;
  root.dataset.before = root.dataset.theme ?? "";
  root.dataset.theme = "light";
  story.isPrinting = true;
  themeChanged();
}

function afterPrint() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.before;
  story.isPrinting = false;
  themeChanged();
}

// --- stepping and playing ----------------------------------------------------------------------

function buildTransport() {
  const canvas = el("canvas", { id: "density", "aria-label": "All of the trace; click to go there", onpointerdown: seek });
  replace(
    document.getElementById("transport"),
    button("|◀", () => goTo(0), { title: "To the first event (Home)", "aria-label": "First" }),
    button("◀", () => step(-1), { title: "Step back (←)", "aria-label": "Step back" }),
    button("▶", togglePlay, { id: "play", title: "Play (space)", "aria-label": "Play" }),
    button("▶|", () => step(1), { title: "Step forward (→)", "aria-label": "Step forward" }),
    el("select", { title: "Events a second", "aria-label": "Speed", onchange: (event) => { player.speed = Number(event.target.value); if (player.timer) { togglePlay(); togglePlay(); } } },
      SPEEDS.map((speed) => el("option", { value: speed, selected: speed === player.speed }, `${speed}/s`))),
    canvas,
    el("output", { id: "now" }),
  );
}

// Which of the wanted events comes `by` places behind the chosen one.
function step(by) {
  if (!wantedRows.length) return;
  const at = lowerBound(wantedRows, S.event);
  const isOne = wantedRows[at] === S.event;
  goTo(S.event < 0 ? 0 : by > 0 && !isOne ? at : at + by);
}

function goTo(number) {
  if (!wantedRows.length) return;
  select(wantedRows[Math.max(0, Math.min(wantedRows.length - 1, number))]);
  if (S.view === "lanes") showChosen(Boolean(player.timer));
}

function togglePlay() {
  const isPlaying = Boolean(player.timer);
  clearInterval(player.timer);
  player.timer = isPlaying ? 0 : setInterval(playOn, 1000 / player.speed);
  document.getElementById("play").textContent = isPlaying ? "▶" : "❚❚";
}

function playOn() {
  const before = S.event;
  step(1);
  if (S.event === before) togglePlay();
}

function seek(event) {
  const move = (now) => {
    const share = (now.clientX - event.target.getBoundingClientRect().left) / event.target.clientWidth;
    const at = wantedRows.length ? lowerBound(wantedRows, T.rowAt(share * T.end)) : 0;
    goTo(at);
  };
  const end = () => {
    event.target.removeEventListener("pointermove", move);
    event.target.removeEventListener("pointerup", end);
  };
  event.target.setPointerCapture(event.pointerId);
  event.target.addEventListener("pointermove", move);
  event.target.addEventListener("pointerup", end);
  move(event);
}

function drawDensity() {
  const { pen, width, height } = prepared(document.getElementById("density"));
  const columns = new Float64Array(Math.max(1, Math.ceil(width / 2)));
  for (const row of wantedRows) columns[Math.min(columns.length - 1, Math.floor((T.t[row] / (T.end || 1)) * columns.length))]++;
  const most = Math.log1p(columns.reduce((one, other) => Math.max(one, other), 1));
  pen.fillStyle = colour("soft");
  pen.globalAlpha = 0.55;
  columns.forEach((count, number) => {
    const tall = (Math.log1p(count) / most) * (height - 6);
    pen.fillRect(number * 2, height - 3 - tall, 1.5, tall);
  });
  if (S.view === "lanes" && S.axis === "time" && S.from !== null) {
    pen.globalAlpha = 0.18;
    pen.fillStyle = colour("accent");
    pen.fillRect((S.from / T.end) * width, 0, Math.max(2, ((S.to - S.from) / T.end) * width), height);
  }
  pen.globalAlpha = 1;
  if (S.event >= 0) {
    pen.fillStyle = colour("accent");
    pen.fillRect((T.t[S.event] / (T.end || 1)) * width - 1, 0, 2, height);
  }
  document.getElementById("now").value = S.event >= 0 ? timeText(T.t[S.event]) : "";
}

// --- keys -------------------------------------------------------------------------------------

const KEYS = [
  ["← →", "step back, step forward", ["ArrowLeft", "ArrowRight"]],
  ["↑ ↓", "to the cause, to the first effect", ["ArrowUp", "ArrowDown"]],
  ["space", "play, pause"],
  ["+ −", "zoom in, zoom out"],
  ["shift ← →", "move the lanes sideways"],
  ["0", "show all"],
  ["o", "lanes: by time, or in order"],
  ["/", "find"],
  ["1 … 8", "the views"],
  ["t", "light or dark"],
  ["Esc", "choose nothing"],
];

const ACTIONS = {
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  ArrowUp: () => S.event >= 0 && T.cause[S.event] >= 0 && follow(T.cause[S.event]),
  ArrowDown: () => S.event >= 0 && T.effectsOf(S.event).length && follow(T.effectsOf(S.event)[0]),
  Home: () => goTo(0),
  End: () => goTo(wantedRows.length - 1),
  " ": togglePlay,
  "+": () => zoom(1 / 1.6),
  "=": () => zoom(1 / 1.6),
  "-": () => zoom(1.6),
  0: () => change({ from: null, to: null }),
  o: () => setAxis(S.axis === "time" ? "order" : "time"),
  "/": () => document.getElementById("filters").elements.text.focus(),
  t: nextTheme,
  "?": showHelp,
  Escape: () => select(-1),
};

function follow(row) {
  select(row);
  if (S.view === "lanes") showChosen(false);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.getElementById("help").open) return;
  if (event.target.matches("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === " " && event.target.matches("button")) return;
  const view = Object.keys(VIEWS)[Number(event.key) - 1];
  const act = event.shiftKey && event.key === "ArrowLeft" ? () => pan(-0.2)
    : event.shiftKey && event.key === "ArrowRight" ? () => pan(0.2)
    : view ? () => openView(view) : Object.hasOwn(ACTIONS, event.key) ? ACTIONS[event.key] : null;
  if (!act) return;
  event.preventDefault();
  act();
}

function showHelp() {
  const help = document.getElementById("help");
  replace(help, el("h2", {}, "Keys"), el("dl", { class: "keys" }, KEYS.map(([keys, what]) => [el("dt", {}, keys), el("dd", {}, what)])),
    el("p", { class: "quiet" }, "Scroll to zoom and drag to move in the lanes; click a client’s name to fold its lanes. The address always leads to exactly what is shown."),
    el("form", { method: "dialog" }, el("button", { class: "primary" }, "Close")));
  help.showModal();
}

// --- who redraws when --------------------------------------------------------------------------

function redraw() {
  if (S.view === "lanes") drawLanes();
  else if (S.view === "story") drawStory();
  else if (S.view === "pieces") drawPieces();
  else if (S.view === "chokes") drawChokes();
  drawDensity();
}

function onStateChange(changed) {
  if (FILTER_KEYS.some((key) => changed.has(key))) {
    refilter();
    indexOrder();
    if (S.axis === "order" && !changed.has("from")) Object.assign(S, { from: null, to: null });
    showFilters();
    if (S.view === "story") fillStory();
  }
  if (changed.has("event")) {
    light(S.event);
    showCard();
    if (S.view === "story") scrollToChosen();
  }
  if (changed.has("view")) openCurrentView();
  else if (changed.has("look")) lookChanged();
  if (changed.has("collapse") && S.view === "story") fillStory();
  redraw();
}

function lookChanged() {
  if (S.view === "pieces") showLife();
  else if (S.view === "chokes") showRound();
  else if (S.view === "quiz" && quiz.questions) showQuestion();
}

function openCurrentView() {
  for (const tab of document.querySelectorAll("#tabs button")) tab.setAttribute("aria-selected", tab.dataset.view === S.view);
  document.querySelector("#tabs [aria-selected=true]").scrollIntoView({ block: "nearest", inline: "nearest" });
  const app = document.getElementById("app");
  app.dataset.view = S.view;
  app.classList.toggle("with-events", WITH_EVENTS.has(S.view));
  VIEWS[S.view].open(document.getElementById("view"));
}

function restore() {
  Object.assign(S, readFragment());
  refilter();
  indexOrder();
  light(S.event);
  showFilters();
  openCurrentView();
  showCard();
  redraw();
}

async function start() {
  const began = performance.now();
  await unpackTrace();
  T.pieceIndexes = Array.from({ length: T.torrent.piece_count }, (_, index) => index);
  document.getElementById("wait").remove();
  document.getElementById("app").hidden = false;
  buildHead();
  buildFilters();
  buildTransport();
  DEFAULTS.shut = foldedAtFirst();
  onChange(onStateChange);
  restore();
  addEventListener("hashchange", restore);
  addEventListener("popstate", restore);
  addEventListener("resize", redraw);
  addEventListener("keydown", onKey);
  addEventListener("beforeprint", beforePrint);
  addEventListener("afterprint", afterPrint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themeChanged);
  document.documentElement.dataset.opened = String(Math.round(performance.now() - began));
}

start().catch((error) => {
  const wait = document.getElementById("wait") ?? document.body.appendChild(document.createElement("p"));
  wait.textContent = `This report could not be shown: ${error.message}`;
  throw error;
});
