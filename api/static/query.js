// The editor of /query: marks where a statement is wrong, offers names, runs by Ctrl+Enter.

const find = (id) => document.getElementById(id);
const field = find("sql");
const sheet = find("sheet");
const list = find("names");
const LISTED_MAX = 40;
const LETTERS_MIN = 2; // before names are offered unasked
const TAB = 4; // as in the style sheet
// Whole words of the language, after which Enter ends the line and takes nothing.
const WORDS = new Set(
  ("all and as asc between by case cross desc distinct else end false from full group having in inner" +
    " is join left like limit not null offset on or order outer right select set then true union using" +
    " values when where with").split(" "),
);

// where a character stands

const pen = document.createElement("canvas").getContext("2d");

function spot(index) {
  const style = getComputedStyle(field);
  const lines = field.value.slice(0, index).split("\n");
  pen.font = `${style.fontSize} ${style.fontFamily}`;
  let text = "";
  for (const each of lines.at(-1)) text += each === "\t" ? " ".repeat(TAB - (text.length % TAB)) : each;
  const height = parseFloat(style.lineHeight);
  const width = pen.measureText(text).width;
  return {
    x: field.clientLeft + parseFloat(style.paddingLeft) + width - field.scrollLeft,
    y: field.clientTop + parseFloat(style.paddingTop) + (lines.length - 1) * height - field.scrollTop,
    height,
  };
}

// what is wrong

const marks = document.createElement("div");
const line = marks.appendChild(document.createElement("div"));
const word = marks.appendChild(document.createElement("div"));
marks.className = "marks";
marks.hidden = true;
sheet.append(marks);
let fault = null;
let sent = field.value;

function draw() {
  marks.hidden = !fault;
  if (!fault) return;
  const from = spot(fault.from);
  const to = spot(fault.to);
  line.style.height = word.style.height = `${from.height}px`;
  line.style.transform = `translateY(${from.y}px)`;
  word.style.transform = `translate(${from.x}px, ${from.y}px)`;
  word.style.width = `${Math.max(to.x - from.x, from.height / 2)}px`;
}

function offset(row, column) {
  const lines = field.value.split("\n");
  const before = lines.slice(0, row - 1).join("\n").length + (row > 1 ? 1 : 0);
  return before + [...(lines[row - 1] ?? "")].slice(0, column - 1).join("").length;
}

function answered() {
  const problem = find("problem");
  const { line: row, column } = problem?.dataset ?? {};
  fault = null;
  if (problem) field.setAttribute("aria-describedby", "problem");
  else field.removeAttribute("aria-describedby");
  if (row) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
  if (row && field.value === sent) {
    const from = offset(Number(row), Number(column));
    const length = /^[\p{L}\p{N}_]+/u.exec(field.value.slice(from))?.[0].length ?? 1;
    fault = { from, to: Math.min(from + length, field.value.length) };
    const here = document.activeElement;
    if (here === document.body || here.form === field.form) {
      field.focus();
      field.setSelectionRange(from, from);
      const { y, height } = spot(from);
      if (y < 0 || y + height > field.clientHeight) field.scrollTop += y - field.clientHeight / 2;
    }
  }
  draw();
}

// what there is

let tables = [];
let functions = [];
const plain = (name) => name.replaceAll('"', "").toLowerCase();
const named = (node, kind) => ({
  kind,
  name: node.textContent,
  sql: node.dataset.sql ?? node.textContent,
});

function read() {
  tables = [...document.querySelectorAll("#tables details")].map((details) => {
    const code = details.querySelector("summary code");
    const columns = [...details.querySelectorAll("tbody tr")].map((row) => ({
      ...named(row.cells[0], row.cells[1].textContent),
      of: code.textContent,
    }));
    const { schema, table } = code.dataset;
    return { ...named(code, "table"), schema, table, sql: `${schema}.${table}`, columns };
  });
  functions = (find("functions")?.querySelector("code").textContent ?? "")
    .split(/\s+/)
    .filter(Boolean)
    .map((name) => ({ kind: "function", name, sql: `${name}(` }));
}

// The tables that the statement reads, by the names that it has for them.
function used() {
  const found = new Map();
  const names = /(?:\b(?:from|join)\b|,)\s*([\w."]+)(?=(?:\s+(?:as\s+)?([\w"]+))?)/gi;
  for (const [, name, alias] of field.value.matchAll(names)) {
    const table = tables.find((each) => plain(each.sql) === plain(name));
    if (!table) continue;
    for (const each of [table.sql, table.table, alias ?? ""]) found.set(plain(each), table);
  }
  return found;
}

// what fits

const STRINGS = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*\n|\/\*[\s\S]*?\*\//g;
const TABLE_NEXT = /\b(?:from|join|describe|summarize)\s+(?:[\w".]+(?:\s+\w+)?\s*,\s*)*$/i;
const within = (text) => /['"]|--|\/\*/.test(text.replace(STRINGS, " "));

function fit(name, wanted) {
  const at = name.toLowerCase().indexOf(wanted.toLowerCase());
  if (at <= 0) return at;
  return /[_.\s]/.test(name[at - 1]) ? 1 : 2;
}

function offered(head, wanted) {
  const owner = /((?:[\w]+|"[^"]+")(?:\.(?:[\w]+|"[^"]+"))?)\.$/.exec(head)?.[1];
  const reads = used();
  if (owner) {
    const own = tables.filter((each) => plain(each.schema) === plain(owner));
    const table = reads.get(plain(owner)) ?? tables.find((each) => plain(each.sql) === plain(owner));
    const inside = own.map((each) => ({ ...each, name: plain(each.table), sql: each.table }));
    return [...(table?.columns ?? []), ...inside].map((each) => ({ ...each, place: 0 }));
  }
  const at = (each, place) => ({ ...each, place });
  if (TABLE_NEXT.test(head)) return tables.map((each) => at(each, 0));
  const near = new Set(reads.values());
  const found = [...near].flatMap((table) => table.columns.map((each) => at(each, 0)));
  found.push(...functions.map((each) => at(each, 1)), ...tables.map((each) => at(each, 2)));
  if (wanted)
    for (const table of tables)
      if (!near.has(table)) found.push(...table.columns.map((each) => at(each, 3)));
  return found;
}

function fitting(asked) {
  const caret = field.selectionStart;
  const before = field.value.slice(0, caret);
  const wanted = /[\p{L}_][\p{L}\p{N}_]*$/u.exec(before)?.[0] ?? "";
  const head = before.slice(0, caret - wanted.length);
  const certain = head.endsWith(".") || (wanted && TABLE_NEXT.test(head)); // that it is a name
  if (caret !== field.selectionEnd || within(before) || /(?:^|[^\p{L}\p{N}_])\p{N}+\.?$/u.test(head)) return [];
  const few = wanted.length < LETTERS_MIN;
  const other = few || WORDS.has(wanted.toLowerCase()) || /\bas\s+$/i.test(head);
  if (!asked && !certain && other) return [];
  const seen = new Set();
  const found = offered(head, wanted)
    .map((each) => ({ ...each, from: caret - wanted.length, fit: fit(each.name, wanted) }))
    .filter((each) => each.fit >= 0)
    .sort((a, b) => a.fit - b.fit || a.place - b.place || (a.name < b.name ? -1 : 1))
    .filter(({ sql }) => !seen.has(sql) && seen.add(sql))
    .slice(0, LISTED_MAX);
  return found.length === 1 && found[0].sql === wanted ? [] : found;
}

// the list

let options = [];
let active = 0;
let taking = false;

function choose(index) {
  active = (index + options.length) % options.length;
  [...list.children].forEach((item, at) => item.setAttribute("aria-selected", at === active));
  field.setAttribute("aria-activedescendant", list.children[active].id);
  list.children[active].scrollIntoView({ block: "nearest" });
}

function close() {
  options = [];
  list.hidden = true;
  list.replaceChildren();
  field.removeAttribute("aria-activedescendant");
  find("fitting").textContent = "";
}

function offer(asked) {
  options = fitting(asked);
  if (!options.length) {
    close();
    return;
  }
  list.replaceChildren(
    ...options.map(({ name, kind, of }, index) => {
      const item = document.createElement("li");
      const said = document.createElement("small");
      item.role = "option";
      item.id = `name-${index}`;
      item.append(name, said);
      said.textContent = of ? `${kind} · ${of}` : kind;
      return item;
    }),
  );
  list.hidden = false;
  const { x, y, height } = spot(options[0].from);
  list.style.left = `${Math.max(0, Math.min(x, sheet.clientWidth - list.offsetWidth))}px`;
  list.style.top = `${Math.min(y + height, field.offsetHeight) + 2}px`;
  find("fitting").textContent = `${options.length} names fit. Arrow keys choose, Enter takes.`;
  choose(0);
}

function take({ sql, from }) {
  const caret = field.selectionStart;
  const text = field.value[caret] === "(" && sql.endsWith("(") ? sql.slice(0, -1) : sql;
  close();
  taking = true;
  field.setSelectionRange(from, caret);
  // The one way that keeps undo; where it is gone, the text is put in all the same.
  if (!document.execCommand("insertText", false, text)) field.setRangeText(text, from, caret, "end");
  taking = false;
}

field.setAttribute("aria-autocomplete", "list");
field.setAttribute("aria-haspopup", "listbox");
field.setAttribute("aria-controls", "names");

field.addEventListener("keydown", (event) => {
  const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
  const bare = !ctrlKey && !metaKey && !altKey && !shiftKey;
  const open = options.length > 0;
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (event.isComposing) return;
  if ((ctrlKey || metaKey) && key === "Enter") {
    close();
    if (!find("run").disabled) field.form.requestSubmit(find("run")); // one at a time
  } else if (ctrlKey && key === " ") offer(true);
  else if (open && bare && step) choose(active + step);
  else if (open && bare && (key === "Enter" || key === "Tab")) take(options[active]);
  else if (open && key === "Escape") close();
  else {
    if (/^(Arrow|Home|End|Page)/.test(key)) close();
    return;
  }
  event.preventDefault();
});

field.addEventListener("input", ({ inputType }) => {
  fault = null; // it told of another text
  draw();
  if (taking) return;
  const typed = /^insert(Text|CompositionText)$/.test(inputType);
  if (typed || (options.length && inputType === "deleteContentBackward")) offer(false);
  else close();
});

field.addEventListener("focus", read);
field.addEventListener("blur", close);
field.addEventListener("click", close);
field.addEventListener("scroll", draw);
new ResizeObserver(draw).observe(field);
list.addEventListener("mousedown", (event) => {
  event.preventDefault(); // the focus stays in the editor
  const item = event.target.closest("[role=option]");
  if (item) take(options[[...list.children].indexOf(item)]);
});
field.form.addEventListener("submit", () => (sent = field.value));
find("answer").addEventListener("answered", answered);
read();
answered();
