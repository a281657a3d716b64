// Keeps an open page up to date, and sends its forms without leaving it.
//
// An event about what a region names in `data-live` has the page asked for anew, as fragments. What
// differs is put in place: focus, selection, scrolling and open details stay.

const QUIET_MS = 60; // after an event, wait for more of them
const LATEST_MS = 250; // but not longer
const MINUTE_MS = 60_000;
const OFFLINE_MS = 5_000; // without a connection, say so
const BACKOFF_MS = 500;
const BACKOFF_MAX_MS = 10_000;
const TOAST_MS = 8_000;
const SLOW_MS = 500; // an answer that takes longer: look what goes on meanwhile
const TYPED_MS = 90; // after a letter, wait for more of them
const REVOKED = 4401;

const policy = window.trustedTypes?.createPolicy("dango", { createHTML: (text) => text });
const parse = (text) =>
  new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
const find = (id) => document.getElementById(id);
let after = document.body.dataset.after;

// fragments

const same = (old, fresh) =>
  old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && (old.id ?? "") === (fresh.id ?? "");

function attributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    const kept = name === "open" || (name === "value" && old === document.activeElement);
    if (!fresh.hasAttribute(name) && !kept) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  attributes(old, fresh);
  const byId = new Map([...old.children].filter((node) => node.id).map((node) => [node.id, node]));
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const known = wanted.id && byId.get(wanted.id);
    if (known && known !== place) old.insertBefore(known, place);
    const node = known || place;
    if (node && same(node, wanted)) {
      morph(node, wanted);
      place = node.nextSibling;
    } else {
      old.insertBefore(document.importNode(wanted, true), place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function results(page) {
  const found = [...page.querySelectorAll("[data-result][id]")].filter(({ id }) => find(id));
  for (const region of found) {
    const shown = find(region.id);
    morph(shown, region);
    // Of choices in it, the server's word counts: what was chosen before was of another answer.
    for (const option of shown.querySelectorAll("option")) option.selected = option.defaultSelected;
    shown.dispatchEvent(new Event("answered", { bubbles: true }));
  }
  return found.length > 0;
}

function show(text) {
  const page = parse(text);
  for (const region of page.querySelectorAll("[data-live][id]")) {
    const old = find(region.id);
    if (old) morph(old, region);
    else location.reload();
  }
  const position = page.getElementById("position");
  if (position && find("position")) find("position").textContent = position.textContent;
  document.dispatchEvent(new Event("refreshed"));
}

let asking, again;
let etag = "";

async function refresh() {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  try {
    const headers = { "X-Fragments": "1", "If-None-Match": etag };
    const answer = await fetch(location.href, { headers, cache: "no-store" });
    if (answer.status === 401) location.reload();
    else if (answer.ok) {
      show(await answer.text());
      etag = answer.headers.get("ETag") ?? "";
    }
  } catch {
    // the socket says so
  } finally {
    asking = false;
    if (again) soon();
    again = false;
  }
}

let timer = 0;
let since = 0;

function soon() {
  const now = performance.now();
  if (!timer) since = now;
  clearTimeout(timer);
  const wait = Math.max(0, Math.min(QUIET_MS, since + LATEST_MS - now));
  timer = setTimeout(() => {
    timer = 0;
    refresh();
  }, wait);
}

// events

const matches = (stream) =>
  [...document.querySelectorAll("[data-live]")]
    .flatMap((region) => region.dataset.live.split(" "))
    .some((wanted) =>
      wanted.endsWith("*") ? stream.startsWith(wanted.slice(0, -1)) : wanted === stream,
    );

let failures = 0;
let offline = 0;

function state(text) {
  const element = find("state");
  element.hidden = !text;
  element.textContent = text;
}

function listen() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/ws?after=${after}`);
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    if (frame.type === "connected") {
      if (failures) soon();
      failures = 0;
      clearTimeout(offline);
      offline = 0;
      find("offline").hidden = true;
      state("Live");
      return;
    }
    if (frame.position) after = frame.position;
    if (matches(frame.stream ?? (frame.source ? `source:${frame.source}` : ""))) soon();
  };
  socket.onclose = ({ code }) => {
    if (code === REVOKED) {
      location.reload();
      return;
    }
    state("");
    offline ||= setTimeout(() => (find("offline").hidden = false), OFFLINE_MS);
    const wait = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** failures);
    failures += 1;
    setTimeout(listen, wait * (0.5 + Math.random() / 2));
  };
}

// forms

function toast(text) {
  const element = find("toast");
  element.textContent = text;
  element.hidden = false;
  setTimeout(() => (element.hidden = true), TOAST_MS);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  if (!form.matches("form[data-quiet]") || button?.matches("[data-plain]")) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, button));
  const held = document.activeElement;
  if (button) button.disabled = true;
  const slow = setTimeout(refresh, SLOW_MS); // what takes long may be shown, and stopped
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { "X-Fragments": "1" },
      body,
    });
    clearTimeout(slow);
    const text = await answer.text();
    const moved = answer.redirected && new URL(answer.url).pathname !== location.pathname;
    if (answer.ok) {
      form.closest("details.confirm")?.removeAttribute("open");
      if (button) button.disabled = false;
      if (moved) location.assign(answer.url);
      else {
        etag = ""; // what is shown from now on is not what was asked for last
        results(parse(text));
        show(text);
      }
    } else {
      const page = parse(text);
      const said = page.querySelector("[data-problem]");
      if (!results(page)) toast(said ? said.textContent : `The server answered ${answer.status}.`);
      if (button) button.disabled = false;
    }
  } catch {
    clearTimeout(slow);
    toast("The server could not be reached; nothing was sent for certain.");
    if (button) button.disabled = false;
  }
  // What is disabled for a while loses the focus.
  if (held === button && document.activeElement === document.body) button?.focus();
});

// What is to be copied; without a clipboard (a page that is not from here, nor sealed) there is no
// button for it.
function copies() {
  if (navigator.clipboard) for (const each of document.querySelectorAll("[data-copy]")) each.hidden = false;
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    toast("Copied.");
  } catch {
    toast("The browser did not let it be copied.");
  }
});
document.addEventListener("refreshed", copies);
copies();

// What is looked for is found while it is typed.
let finding = 0;

async function look(form) {
  const asked = new URLSearchParams(new FormData(form)).toString();
  const answer = await fetch(`${form.action}?${asked}`, { headers: { "X-Fragments": "1" } });
  const text = await answer.text();
  const wanted = asked === new URLSearchParams(new FormData(form)).toString(); // still
  if (answer.ok && wanted) results(parse(text));
}

document.addEventListener("input", ({ target }) => {
  const form = target.closest("form[data-find]");
  clearTimeout(form && finding);
  if (form) finding = setTimeout(() => look(form).catch(() => state("")), TYPED_MS);
});

for (const slider of document.querySelectorAll("[data-slider]")) {
  slider.hidden = false;
  const field = slider.form.elements.as_of;
  slider.addEventListener("input", () => (field.value = slider.value));
  field.addEventListener("input", () => (slider.value = field.value));
}

if (after) {
  listen();
  setInterval(() => document.hidden || refresh(), MINUTE_MS);
}
