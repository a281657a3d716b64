"""/events: the log to look through, and one event with its causes, its effects and its proof."""

import functools
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import msgspec
from litestar import Response

from api import events
from api.call import Call
from api.pages import filters, lines, people, render, states, times
from api.pages.filters import Misread
from api.past import position as parse_position
from projections import audit

EVENTS_SHOWN: Final = 50
LINKS_KEPT_MAX: Final = 2_048
HINTS: Final = (
    ("Failures", "type:*_failed type:*_refused"),
    ("Syncs", "type:sync_*"),
    ("Accounts", "type:user_* type:password_*"),
    ("Logins", "type:session_* type:login_failed"),
    ("Queries", "type:query_executed"),
    ("Last 24 hours", "since:24h"),
)


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a causation tree."""

    line: lines.Line
    depth: int
    itself: bool


async def list_events(call: Call) -> Response[str]:
    """Show the log, the newest first, through a filter."""
    text = " ".join(call.request.query_params.get("q", "").split())
    found: list[audit.Line] = []
    spread: times.Histogram | None = None
    problem, more, upwards = None, False, False
    try:
        asked = filters.parse(text, call.views.now, tuple(lines.PERMISSIONS))
        wanted = _narrowed(call, asked)
    except Misread as misread:
        problem = str(misread)
    else:
        spread = _spread(call, asked, text)
        upwards = wanted.after is not None
        positions = audit.positions(call.views, wanted, EVENTS_SHOWN + 1)
        more = len(positions) > EVENTS_SHOWN
        found = audit.lines(call.views, positions[:EVENTS_SHOWN])
    return render.page(
        call,
        "events.html",
        "Events",
        status=200 if problem is None else 422,
        q=text,
        problem=problem,
        events=lines.lines(call, found),
        next=_next(text, found, upwards=upwards) if more else None,
        paged=bool({"after", "before"} & set(call.request.query_params)),
        upwards=upwards,
        spread=spread,
        chart=(times.WIDTH, times.HEIGHT),
        hints=HINTS,
        types=sorted(lines.PERMISSIONS),
        now=call.views.now,
        find=_find,
    )


async def one_event(call: Call, position: int) -> Response[str]:
    """Show one event: what it says, what led to it, what it led to, what it changed."""
    event = await events.one_event(call, position)
    (line,) = audit.lines(call.views, [position])
    verified = None
    if "verify" in call.request.query_params:
        verified = await call.platform.history.verify()
    changes = states.changes(call, line)
    return render.page(
        call,
        "event.html",
        f"Event {position}",
        event=event,
        line=lines.lines(call, [line])[0],
        who=people.label(call, event.actor),
        tree=_tree(call, line),
        tree_max=audit.TREE_MAX,
        changes=changes,
        changed=sum(change.kind != "same" for change in changes or ()),
        verified=verified,
        now=call.views.now,
        find=_find,
    )


def _narrowed(call: Call, wanted: audit.Filter) -> audit.Filter:
    """The filter with the page that is asked for."""
    query, bounds = call.request.query_params, {}
    for name, tighter in (("after", max), ("before", min)):
        if name in query:
            asked = parse_position(query[name], name)
            own = getattr(wanted, name)
            bounds[name] = asked if own is None else tighter(asked, own)
    return msgspec.structs.replace(wanted, **bounds)


def _spread(call: Call, asked: audit.Filter, text: str) -> times.Histogram | None:
    """When all that the filter finds happened, whatever page of it is shown."""
    newest = msgspec.structs.replace(asked, after=None)  # with it, the oldest come first
    return times.histogram(audit.times(call.views, newest, times.COUNTED_MAX), text)


def _next(text: str, found: list[audit.Line], *, upwards: bool) -> str:
    """The link to the next page, in the direction of this one."""
    query: dict[str, Any] = {"q": text} if text else {}
    query["after" if upwards else "before"] = found[-1].position
    return f"/events?{urlencode(query)}"


@functools.lru_cache(maxsize=LINKS_KEPT_MAX)
def _find(part: str) -> str:
    """The link to all events that a part of a filter matches."""
    return f"/events?q={quote_plus(part)}"


def _tree(call: Call, line: audit.Line) -> list[Node]:
    """Everything that the first cause led to, this event among it."""
    above = audit.causes(call.views, line)
    root = above[0] if above else line
    found = [(0, root), *audit.consequences(call.views, root)]
    if all(each.position != line.position for _, each in found):  # beyond the tree's bound
        found += [(len(above), line)]
    told = lines.lines(call, [each for _, each in found])
    return [
        Node(line=each, depth=depth, itself=each.position == line.position)
        for each, (depth, _) in zip(told, found, strict=True)
    ]
