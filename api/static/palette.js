// The keys: those that open the search and move through what it found, and those of one letter, which
// lead to pages, move through rows, and do what a page is for.
//
// A key of one character can be hit by mistake, or by who dictates: they can be switched off, and this
// browser remembers it.

const dialog = document.getElementById("palette"); // not on the page of the search itself
const field = document.querySelector("form[data-find] input[type=search]");
const hits = () => [...document.querySelectorAll("#found :is(a, button)")];
const writes = (element) => element.closest("input:not([type=range], [type=checkbox]), textarea, select");

const KEPT = "dango.letters";
const boxes = document.querySelectorAll("p[data-letters] input");
let letters = true; // where nothing may be kept, that is until the page is left

try {
  letters = localStorage.getItem(KEPT) !== "off";
} catch {
  // storage is barred
}

function told() {
  for (const box of boxes) box.checked = letters;
}

function choose(on) {
  letters = on;
  told();
  try {
    localStorage.setItem(KEPT, on ? "on" : "off");
  } catch {
    // storage is barred
  }
}

for (const region of document.querySelectorAll("[data-letters]")) region.hidden = false;
for (const box of boxes) box.addEventListener("change", () => choose(box.checked));
addEventListener("storage", ({ key, newValue }) => {
  if (key === KEPT) letters = newValue !== "off"; // it was said in another tab
  told();
});
told();

function open() {
  if (dialog && !dialog.open) dialog.showModal();
  field.focus();
  field.select();
  if (!hits().length) field.dispatchEvent(new Event("input", { bubbles: true }));
}

function move(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !event.target.closest("form[data-find], #found")) return;
  event.preventDefault();
  const places = [field, ...hits()];
  const at = Math.max(0, places.indexOf(event.target)) + step;
  places[(at + places.length) % places.length].focus();
}

const sheet = document.getElementById("shortcuts"); // not on a page about an error
const GO_MS = 1_500; // between `g` and the letter behind it
const OF_ROW = ["sync", "trigger", "run"].map((end) => `td.act > form[action$="/${end}"] > button`).join();
const DOES = "#sync, #trigger, #run, #measure, #run-all";
let going = -GO_MS; // when `g` was pressed last

const rows = () => [...document.querySelectorAll("main :is(table.list tbody tr, .choice li, .stream li)")];
const opener = (row) => row.querySelector(":is(th, td, div, span, li) > a[href], a[href]");

function walk(step) {
  const places = rows().filter(opener);
  const at = places.findIndex((row) => row.contains(document.activeElement));
  const next = places[at < 0 ? (step > 0 ? 0 : places.length - 1) : at + step];
  if (next) opener(next).focus();
}

function act() {
  const row = document.activeElement.closest("main tr");
  const button = row?.querySelector(OF_ROW) ?? document.querySelector(`main :is(${DOES})`);
  if (button && !button.disabled) button.click();
}

function letter(key) {
  if (performance.now() - going < GO_MS) {
    going = -GO_MS;
    document.querySelector(`nav.side a[data-go="${CSS.escape(key)}"]`)?.click();
  } else if (key === "g") going = performance.now();
  else if (key === "/") open();
  else if (key === "?") sheet?.showModal();
  else if (key === "j" || key === "k") walk(key === "j" ? 1 : -1);
  else if (key === "r") act();
  else return false;
  return true;
}

document.addEventListener("keydown", (event) => {
  const { key, ctrlKey, metaKey, altKey, target } = event;
  const held = ctrlKey || metaKey || altKey;
  if ((ctrlKey || metaKey) && !altKey && key.toLowerCase() === "k") {
    event.preventDefault();
    open();
  } else if (letters && !held && key.length === 1 && !writes(target) && !target.closest("dialog")) {
    if (letter(key)) event.preventDefault();
  } else move(event);
});

document.addEventListener("click", (event) => {
  if (event.target === dialog || event.target === sheet) event.target.close(); // beside it
  if (!event.target.closest("#find") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open();
});

// Enter goes to the first; before that is known, to the page that knows all.
field?.form.addEventListener("submit", (event) => {
  const first = hits()[0];
  if (!first || document.getElementById("found").dataset.q !== field.value.trim()) return;
  event.preventDefault();
  first.click();
});
