/* A part of time is chosen on the bars of /events: dragged over, or by Shift and the arrow keys.
   Each bar is a link whose filter ends with since: and until:, so a range is that of two links. */
const bars = () => [...document.querySelectorAll(".spread a")];
let from = null;
let dragged = false;

function near(event) {
  if (!event.target.closest?.(".spread svg")) return null;
  const away = (bar) => {
    const box = bar.getBoundingClientRect();
    return Math.abs(box.left + box.width / 2 - event.clientX);
  };
  return bars().reduce((best, bar) => (best && away(best) <= away(bar) ? best : bar), null);
}

function between(one, other) {
  const all = bars();
  const ends = [all.indexOf(one), all.indexOf(other)].sort((a, b) => a - b);
  return all.slice(ends[0], ends[1] + 1);
}

function mark(one, other) {
  const chosen = one && other ? between(one, other) : [];
  for (const bar of bars()) bar.classList.toggle("chosen", chosen.includes(bar));
}

function go(one, other) {
  const chosen = between(one, other);
  const [first, last] = [chosen[0], chosen.at(-1)].map((bar) => new URL(bar.getAttribute("href"), location));
  const until = last.searchParams.get("q").match(/until:\S+/)[0];
  first.searchParams.set("q", first.searchParams.get("q").replace(/until:\S+/, until));
  location.assign(first);
}

document.addEventListener("pointerdown", (event) => {
  dragged = false;
  from = event.button === 0 ? near(event) : null;
});
document.addEventListener("pointermove", (event) => {
  const to = from && near(event);
  if (to) mark(from, to);
});
document.addEventListener("pointerup", (event) => {
  const to = from && near(event);
  dragged = Boolean(to && to !== from);
  if (dragged) go(from, to);
  else mark();
  from = null;
});
document.addEventListener("click", (event) => dragged && event.target.closest?.(".spread") && event.preventDefault());
document.addEventListener("dragstart", (event) => event.target.closest?.(".spread") && event.preventDefault());

let anchor = null;
document.addEventListener("keydown", (event) => {
  const bar = event.target.closest?.(".spread a");
  if (!bar) return;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (event.key === "Enter" && anchor && anchor !== bar) {
    event.preventDefault();
    go(anchor, bar);
  } else if (step) {
    event.preventDefault();
    const next = bars()[bars().indexOf(bar) + step] ?? bar;
    anchor = event.shiftKey ? (anchor ?? bar) : null;
    next.focus();
    mark(anchor, anchor && next);
  }
});
