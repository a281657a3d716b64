// Lets one look around in a picture of lineage: what is up- and downstream of a node, its size, and
// from node to node along the edges. The address keeps the size, so that a fresh region has it too.

const LEAST = 25; // percent, as the server takes it
const MOST = 300;
const STEP = 1.25;
const WHEEL = 1.0015; // for each unit that the wheel turns
const SETTLED_MS = 250; // after the last change of the size, it goes into the address

const svg = () => document.querySelector("svg.lineage");
const find = (what) => document.querySelector(`[data-lineage] ${what}`);
const node = (id) => (id ? document.getElementById(id) : null);
const edges = () =>
  [...svg().querySelectorAll(".edge")].map((path) => [path.dataset.from, path.dataset.to, path]);
const asked = () => new URL(location.href).searchParams;

// what is marked

let hovered = "";
let focused = "";

function reached(ways, start) {
  const found = new Set([start]);
  for (const each of found) for (const [a, b] of ways) if (a === each) found.add(b);
  found.delete(start);
  return found;
}

function mark() {
  const picture = svg();
  if (!picture) return;
  const chosen = node(hovered) ?? node(focused);
  const at = chosen ? chosen.dataset.place : picture.dataset.at;
  const all = edges();
  const up = reached(all.map(([a, b]) => [b, a]), at);
  const down = reached(all, at);
  const upwards = new Set([...up, at]);
  const downwards = new Set([...down, at]);
  picture.classList.toggle("marked", at !== undefined);
  for (const [a, b, path] of all) {
    const on = (up.has(a) && upwards.has(b)) || (downwards.has(a) && down.has(b));
    path.classList.toggle("on", on);
  }
  for (const each of picture.querySelectorAll(".node")) {
    const { place } = each.dataset;
    // In a cycle a node is on both sides; the server names the one downstream too.
    const side = down.has(place) ? "downstream" : up.has(place) ? "upstream" : "";
    each.classList.toggle("at", place === at);
    each.classList.toggle("upstream", side === "upstream");
    each.classList.toggle("downstream", side === "downstream");
    each.querySelector(".side").textContent = side && ` · ${side}`;
  }
  const name = at && picture.querySelector(`[data-place="${at}"]`).dataset.name;
  const said = name ? `${name}: ${up.size} upstream, ${down.size} downstream.` : "";
  if (find("[data-said]").textContent !== said) find("[data-said]").textContent = said;
}

document.addEventListener("pointerover", ({ target }) => {
  const found = target.closest("svg.lineage .node")?.id ?? "";
  if (found !== hovered) {
    hovered = found;
    mark();
  }
});

function follow({ target, type }) {
  const found = type === "focusin" ? (target.closest("svg.lineage .node")?.id ?? "") : "";
  if (found !== focused) {
    focused = found;
    mark();
  }
}

document.addEventListener("focusin", follow);
document.addEventListener("focusout", follow);

// size

let zoom = asked().get("zoom") ?? "100";
let settling = 0;

function draw() {
  const picture = svg();
  if (!picture) return;
  const { width, height } = picture.viewBox.baseVal;
  const whole = zoom === "whole";
  picture.setAttribute("width", whole ? "100%" : Math.floor((width * zoom) / 100));
  picture.setAttribute(
    "height",
    whole ? Math.min(height, picture.dataset.whole) : Math.floor((height * zoom) / 100),
  );
  find("[data-zoomed]").textContent = whole ? zoom : `${zoom} %`;
  find("input[name=zoom]").value = zoom;
}

function keep() {
  const url = new URL(location.href);
  url.searchParams.set("zoom", zoom);
  history.replaceState(history.state, "", url);
}

// What lies at a point of the window stays there.
function size(wanted, x, y) {
  const before = svg().getScreenCTM();
  zoom = wanted === "whole" ? wanted : String(Math.min(MOST, Math.max(LEAST, Math.round(wanted))));
  draw();
  const now = svg().getScreenCTM();
  const region = svg().parentElement;
  region.scrollLeft += ((x - before.e) / before.a) * now.a + now.e - x;
  region.scrollTop += ((y - before.f) / before.d) * now.d + now.f - y;
  clearTimeout(settling);
  settling = setTimeout(keep, SETTLED_MS);
}

function step(what) {
  const held = document.activeElement.closest("svg.lineage .node") ?? svg().parentElement;
  const box = held.getBoundingClientRect();
  const is = svg().getScreenCTM().a * 100;
  const wanted = { smaller: is / STEP, larger: is * STEP, whole: "whole" }[what];
  size(wanted, box.x + box.width / 2, box.y + box.height / 2);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-lineage] [data-zoom]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  step(link.dataset.zoom);
});

document.addEventListener(
  "wheel",
  (event) => {
    if (!event.ctrlKey || !svg()?.parentElement.contains(event.target)) return;
    event.preventDefault();
    const is = svg().getScreenCTM().a * 100;
    size(is * WHEEL ** -event.deltaY, event.clientX, event.clientY);
  },
  { passive: false },
);

// keys

function beside(from, key) {
  const { place } = from.dataset;
  const middle = (each) => {
    const box = each.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  const [x, y] = middle(from);
  const every = [...svg().querySelectorAll(".node")];
  const ways = edges().map(([a, b]) => (key === "ArrowRight" ? [a, b] : [b, a]));
  const ends = new Set(ways.filter(([a]) => a === place).map(([, b]) => b));
  const sign = { ArrowUp: -1, ArrowDown: 1 }[key];
  const fits = (each) => {
    const [ax, ay] = middle(each);
    return sign ? Math.abs(ax - x) < 1 && (ay - y) * sign > 1 : ends.has(each.dataset.place);
  };
  const far = (each) => Math.hypot(middle(each)[0] - x, middle(each)[1] - y);
  return every.filter(fits).sort((a, b) => far(a) - far(b))[0];
}

document.addEventListener("keydown", (event) => {
  const { key, ctrlKey, metaKey, altKey, target } = event;
  if (ctrlKey || metaKey || altKey || !svg()?.parentElement.contains(target)) return;
  const what = { "+": "larger", "=": "larger", "-": "smaller", 0: "whole" }[key];
  const from = target.closest(".node");
  const arrow = from && ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(key);
  if (!what && !arrow) return;
  event.preventDefault();
  if (what) step(what);
  else {
    const next = beside(from, key);
    next?.focus();
    next?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
});

// A fresh region comes as the server draws it, which may not know yet what was changed here.
function again() {
  for (const each of document.querySelectorAll("[data-keys]")) each.hidden = false;
  draw();
  mark();
}

document.addEventListener("refreshed", again);
if (svg()) again();

// what one came for is in view, however large the picture is

function centre() {
  const wanted = svg()?.querySelector(".node.at, .node.focus");
  const region = svg()?.parentElement;
  if (!wanted || !region) return;
  const inside = wanted.getBoundingClientRect();
  const around = region.getBoundingClientRect();
  region.scrollBy({
    left: inside.left + inside.width / 2 - around.left - around.width / 2,
    top: inside.top + inside.height / 2 - around.top - around.height / 2,
    behavior: "instant",
  });
}

centre();
