// The story: every event in its order, one line each; what was brought about by something
// stands further to the right. Repeats are one line that says what it stands for.

const LINE_HEIGHT = 23;
const REPEATS_WITHIN = 8; // lines: how far apart repeats may stand and still be one
const FEWEST_REPEATS = 3;
const MOST_PRINTED = 400; // lines, from the first one in sight
const NEVER_COLLAPSED = new Set(["decision", "trouble", "lost", "life"]);
const SIGNS = { message: "→", in: "⇐", out: "⇒", decision: "◆", state: "○", timer: "◷", reply: "↩", fact: "·", life: "·", trouble: "✗", lost: "✗" };

const story = { lines: [], opened: new Set(), list: null, inner: null, isPrinting: false };

// Lines: {row} or {row, repeats: [rows]}, where `row` is the first of them.
function storyLines() {
  if (!S.collapse) return Array.from(wantedRows, (row) => ({ row }));
  const lines = [];
  const open = new Map(); // the last line of each sort of event, and where it stands
  for (const row of wantedRows) {
    const key = T.kindOf[row] + ":" + T.actorOf[row] + ":" + T.fromOf[row];
    const last = open.get(key);
    if (last !== undefined && lines.length - last <= REPEATS_WITHIN && !NEVER_COLLAPSED.has(T.category(row))) {
      lines[last].repeats.push(row);
    } else {
      open.set(key, lines.length);
      lines.push({ row, repeats: [row] });
    }
  }
  return lines.flatMap(unfolded).sort((one, other) => one.place - other.place || one.within - other.within);
}

// A line as it is shown: one for all its repeats, or each of them if they are few or wanted.
function unfolded(line) {
  const { row, repeats } = line;
  if (repeats.length < FEWEST_REPEATS) return repeats.map((one) => ({ row: one, place: one, within: 0 }));
  const head = { ...line, place: row, within: 0 };
  if (!story.opened.has(row)) return [head];
  return [head, ...repeats.map((one, number) => ({ row: one, place: row, within: number + 1, isInside: true }))];
}

function openStory(view) {
  story.inner = el("div", { class: "lines" });
  story.list = el("div", { class: "story", tabindex: "0", onscroll: drawStory }, story.inner);
  replace(
    view,
    el("div", { class: "bar" },
      el("label", {}, el("input", { type: "checkbox", checked: S.collapse, onchange: (event) => change({ collapse: event.target.checked }) }), " one line for repeats"),
      el("span", { id: "collapsed", class: "quiet" })),
    story.list,
  );
  fillStory();
}

function fillStory() {
  story.lines = storyLines();
  const hidden = story.lines.reduce((sum, line) => sum + (line.repeats && !story.opened.has(line.row) ? line.repeats.length - 1 : 0), 0);
  document.getElementById("collapsed").textContent = hidden ? `${counted(hidden, "repeat")} collapsed: click a line with × to see each` : "";
  story.inner.style.height = story.lines.length * LINE_HEIGHT + "px";
  scrollToChosen();
  drawStory();
}

function scrollToChosen() {
  if (S.event < 0 || !story.list) return;
  const number = story.lines.findIndex((line) => line.row === S.event || line.repeats?.includes(S.event));
  if (number < 0) return;
  const top = number * LINE_HEIGHT;
  const { scrollTop, clientHeight } = story.list;
  if (top < scrollTop || top > scrollTop + clientHeight - 2 * LINE_HEIGHT) story.list.scrollTop = top - clientHeight / 3;
}

function drawStory() {
  const { scrollTop, clientHeight } = story.list;
  const first = Math.max(0, Math.floor(scrollTop / LINE_HEIGHT) - 5);
  const seen = story.isPrinting ? MOST_PRINTED : Math.ceil((scrollTop + clientHeight) / LINE_HEIGHT) + 5 - first;
  const last = Math.min(story.lines.length, first + seen);
  replace(story.inner, story.lines.slice(first, last).map((line, index) => storyLine(line, first + index)));
  if (!story.lines.length) replace(story.inner, el("p", { class: "nothing" }, "No event fits these filters."));
}

function storyLine(line, number) {
  const { row } = line;
  const repeats = line.repeats && !line.isInside ? line.repeats : null;
  const category = T.category(row);
  const isChosen = row === S.event || repeats?.includes(S.event);
  const isLit = S.event >= 0 && (lit.rows.has(row) || repeats?.some((one) => lit.rows.has(one)));
  const act = repeats ? () => toggleRepeats(row) : () => select(row);
  return el(
    "div",
    {
      class: ["line", category, isChosen && "chosen", isLit && "lit", S.event >= 0 && !isLit && "dim", line.isInside && "inside"].filter(Boolean).join(" "),
      style: { top: number * LINE_HEIGHT + "px" },
      data: { row },
      onclick: act,
    },
    el("time", {}, (T.t[row] / 1e6).toFixed(4)),
    T.isSwarm && el("b", { class: "node node-" + (T.actors[T.actorOf[row]].node % 8) }, T.nodes[T.actors[T.actorOf[row]].node].name),
    el("b", { class: "actor" }, T.actors[T.fromOf[row] >= 0 ? T.fromOf[row] : T.actorOf[row]].name),
    el("span", { class: "words", style: { paddingLeft: T.depth[row] * 14 + "px" } },
      el("i", { class: "sign" }, SIGNS[category]), " ", T.fromOf[row] >= 0 && el("b", {}, T.actors[T.actorOf[row]].name, " "),
      repeats ? repeatsText(repeats) : T.words(row)),
  );
}

function repeatsText(repeats) {
  const last = repeats[repeats.length - 1];
  const pieces = [...new Set(repeats.flatMap((row) => T.events.p[row]))].sort((one, other) => one - other);
  const named = pieces.length ? `, ${pieces.length === 1 ? "piece" : "pieces"} ${pieces.slice(0, 12).join(", ")}${pieces.length > 12 ? " …" : ""}` : "";
  const mark = story.opened.has(repeats[0]) ? "▾" : "▸";
  return [el("em", {}, `${mark} ${repeats.length} × ${T.label(repeats[0]).replaceAll("_", " ")}`), `${named}, until ${timeText(T.t[last])}`];
}

function toggleRepeats(row) {
  if (!story.opened.delete(row)) story.opened.add(row);
  fillStory();
}
