"""/changes: what happened between two positions, and how a thing differs from one to the other."""

from typing import Final
from urllib.parse import quote, quote_plus

import msgspec
from litestar import Response

from api.call import Call
from api.errors import invalid, lacking
from api.pages import lines, render, states, visits
from api.past import position as parse_position
from projections import audit

LOOKED_MAX: Final = 3_000  # events, the newest
GLANCED_MAX: Final = 1_000  # the same on the overview
THINGS_MAX: Final = 60
STREAM_CHARS_MAX: Final = 300
FIRST: Final = 1
# Where the things of a kind have their pages.
PLACES: Final = {
    "model": "/models/",
    "notebook": "/notebooks#notebook-",
    "schedule": "/schedules/",
    "source": "/sources/",
    "user": "/users/",
}


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """Something that events between the positions are about."""

    stream: str
    path: str  # empty: it has no page
    count: int
    last: lines.Line
    compared: str  # the link to how it differs; empty: it has no rows, or they are not shown


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What the overview tells of the time since the visit before."""

    since: int
    events: int
    things: int
    more: bool  # than were looked at


async def changes_page(call: Call) -> Response[str]:
    """Show what happened between two positions; with `stream`, how that thing differs."""
    query = call.request.query_params
    upto = _bound(call, "to", call.views.position)
    since = _bound(call, "from", min(visits.before(call) or FIRST, upto))
    if since > upto:
        raise invalid("from", "is behind the position that `to` names")
    stream = query.get("stream", "").strip()
    changes = _compared(call, stream, since, upto) if stream else None
    touched = audit.touched(call.views, lines.visible(call), since, upto, LOOKED_MAX)
    return render.page(
        call,
        "changes.html",
        "What changed",
        since=since,
        upto=upto,
        since_at=audit.time_of(call.views, since),
        upto_at=audit.time_of(call.views, upto),
        stream=stream,
        changes=changes,
        changed=sum(change.kind != "same" for change in changes or ()),
        events=sum(each.count for each in touched),
        total=len(touched),
        things=_things(call, touched[:THINGS_MAX], since, upto),
        looked=LOOKED_MAX if upto - since > LOOKED_MAX else None,
        now=call.views.now,
    )


def news(call: Call) -> News | None:
    """What happened since the caller's visit before; None where nothing has, or it is unknown."""
    since = visits.before(call)
    if call.caller.role is None or since is None:
        return None
    upto = call.views.position
    touched = audit.touched(call.views, lines.visible(call), since, upto, GLANCED_MAX)
    return News(
        since=since,
        events=sum(each.count for each in touched),
        things=len(touched),
        more=upto - since > GLANCED_MAX,
    )


def path(stream: str) -> str:
    """The page of what a stream is about; empty where it has none."""
    kind, _, name = stream.partition(":")
    return f"{PLACES[kind]}{quote(name, safe='')}" if kind in PLACES and name else ""


def _bound(call: Call, name: str, usual: int) -> int:
    """A position that the query names. Raises Denied."""
    text = call.request.query_params.get(name, "").strip()
    if not text:
        return usual
    found = parse_position(text, name)
    if found > call.views.position:
        raise invalid(name, "is a position that has not been written")
    return found


def _compared(call: Call, stream: str, since: int, upto: int) -> list[states.Change]:
    """How a thing differs. Raises Denied."""
    known = states.of(stream[:STREAM_CHARS_MAX])
    if known is None:
        raise invalid("stream", f"is none of {', '.join(f'{kind}:…' for kind in states.STATES)}")
    if not call.caller.may(known.access):
        raise lacking(known.access)
    return states.between(call, stream, since, upto, call.views.now) or []


def _things(call: Call, touched: list[audit.Touched], since: int, upto: int) -> list[Thing]:
    last = lines.lines(call, audit.lines(call.views, [each.position for each in touched]))
    return [
        Thing(
            stream=each.stream,
            path=path(each.stream),
            count=each.count,
            last=line,
            compared=_link(call, each.stream, since, upto),
        )
        for each, line in zip(touched, last, strict=True)
    ]


def _link(call: Call, stream: str, since: int, upto: int) -> str:
    known = states.of(stream)
    if known is None or not call.caller.may(known.access):
        return ""
    return f"/changes?from={since}&to={upto}&stream={quote_plus(stream)}#compared"
