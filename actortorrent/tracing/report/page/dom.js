// Making elements. Texts become text nodes and nothing else: what a stranger sent stays text.

// Characters that would hide or reorder others.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

function clean(text) {
  return String(text).replace(UNSEEN, "\ufffd");
}

function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, clean(value === true ? "" : value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(clean(child)));
  }
}

function replace(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

function button(text, action, attributes = {}) {
  return el("button", { type: "button", onclick: action, ...attributes }, text);
}

// A text of ours, in which names from the trace stand between backticks.
function withCode(text) {
  return text.split("`").map((part, number) => (number % 2 ? el("code", {}, part) : part));
}

// An event's name, to click on.
function eventLink(row, text = T.words(row)) {
  const choose = (event) => {
    event.preventDefault();
    event.stopPropagation();
    select(row);
  };
  return el("a", { href: `#event=${row}`, class: "link", title: T.id(row), data: { row }, onclick: choose }, text);
}

function table(head, rows, attributes = {}) {
  return el(
    "table",
    attributes,
    el("thead", {}, el("tr", {}, head.map((text) => el("th", {}, text)))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map(cellOf)))),
  );
}

function cellOf(cell) {
  if (cell instanceof HTMLTableCellElement) return cell;
  return el("td", { class: typeof cell === "number" ? "number" : undefined }, numberText(cell));
}

function numberText(value) {
  return typeof value === "number" ? value.toLocaleString("en") : value;
}

function timeText(micros) {
  return (micros / 1e6).toFixed(4) + " s";
}

function durationText(micros) {
  if (micros < 1000) return Math.round(micros) + " µs";
  if (micros < 1e6) return (micros / 1000).toFixed(1) + " ms";
  return (micros / 1e6).toFixed(micros < 1e7 ? 2 : 1) + " s";
}

function sizeText(bytes) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit + 1 < units.length) {
    bytes /= 1024;
    unit++;
  }
  return (unit ? bytes.toFixed(1).replace(/\.0$/, "") : Math.round(bytes)) + " " + units[unit];
}

function counted(count, noun) {
  return count.toLocaleString("en") + " " + noun + (count === 1 ? "" : "s");
}

// Prepare a canvas for this screen's pixels; return what to draw with and its size.
function prepared(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

// The colours of the page, for drawing; read anew when the theme changes.
let colours = null;

function colour(name) {
  if (!colours) {
    const style = getComputedStyle(document.documentElement);
    colours = new Proxy({}, { get: (known, key) => (known[key] ??= style.getPropertyValue("--" + key).trim()) });
  }
  return colours[name];
}

// A font size fit to draw text with, in the page's own type.
function font(size, weight = "") {
  return `${weight} ${size}px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`.trim();
}
