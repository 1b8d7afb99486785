// What is looked at: one plain object, kept in the fragment of the address, so that any
// view can be passed on as a link and the browser's back button works.

const DEFAULTS = {
  view: "lanes",
  event: -1, // the chosen one
  axis: "time", // of the lanes: "time", or "order" with equal steps
  from: null, // what the lanes show, along that axis
  to: null,
  text: "",
  actor: "",
  type: "",
  piece: "",
  peer: "",
  shut: "", // nodes whose lanes are folded into one, by number
  collapse: true, // repeats in the story
  look: -1, // the piece, round or question that a view shows
};

const S = { ...DEFAULTS };
const listeners = [];

function onChange(listener) {
  listeners.push(listener);
}

// Change what is looked at; everything redraws what depends on it.
function change(changes, options = {}) {
  const before = { ...S };
  Object.assign(S, changes);
  const changed = Object.keys(changes).filter((key) => before[key] !== S[key]);
  if (!changed.length && !options.force) return;
  if (!options.quiet) saveFragment(changed.includes("view"));
  for (const listener of listeners) listener(new Set(changed));
}

function select(row, options) {
  change({ event: row }, options);
}

function fragment() {
  const parts = new URLSearchParams();
  for (const [key, value] of Object.entries(S)) {
    if (value === DEFAULTS[key] || value === null) continue;
    parts.set(key, typeof value === "number" && !Number.isInteger(value) ? value.toFixed(2) : String(value));
  }
  return "#" + parts.toString();
}

let savingSoon = 0;

function saveFragment(isStep) {
  clearTimeout(savingSoon);
  const save = () => history[isStep ? "pushState" : "replaceState"](null, "", fragment());
  if (isStep) save();
  else savingSoon = setTimeout(save, 120); // a drag changes it many times a second
}

function readFragment() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const read = { ...DEFAULTS };
  for (const [key, initial] of Object.entries(DEFAULTS)) {
    if (!parts.has(key)) continue;
    const text = parts.get(key);
    if (typeof initial === "boolean") read[key] = text === "true";
    else if (typeof initial === "number" || initial === null) {
      const number = Number(text);
      read[key] = Number.isFinite(number) ? number : initial;
    } else read[key] = text.slice(0, 200);
  }
  if (!Number.isInteger(read.event) || read.event >= T.size) read.event = -1;
  if (!Number.isInteger(read.look)) read.look = -1;
  if (!(read.from < read.to)) read.from = read.to = null;
  if (!Object.hasOwn(VIEWS, read.view)) read.view = DEFAULTS.view;
  if (read.axis !== "order") read.axis = "time";
  return read;
}
