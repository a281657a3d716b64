"""?as_of=<position or RFC 3339 time>: the rows of a request as they were then."""

from datetime import datetime

from api.call import Call
from api.errors import invalid
from projections import audit


def look_at(call: Call, text: str) -> None:
    """Let a call see the past until it is answered. Raises Denied."""
    at, now = _moment(call, text)
    call.as_of = at
    call.views = call.cleanup.enter_context(call.platform.views.past(at, now))


def _moment(call: Call, text: str) -> tuple[int, datetime]:
    current = call.platform.views.current
    if text.lstrip("-").isdigit():
        wanted = position(text, "as_of")
        if wanted > current.position:
            raise invalid("as_of", "is a position that has not been written")
        return wanted, audit.time_of(current, wanted) or call.platform.clock()
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise invalid("as_of", "is neither a position nor an RFC 3339 time") from None
    if at.tzinfo is None:
        raise invalid("as_of", "is a time without a zone")
    if at > call.platform.clock():
        raise invalid("as_of", "is in the future")
    return audit.position_at(current, at), at


def position(text: str, name: str) -> int:
    """A position that a client named. Raises Denied."""
    if not (text.isascii() and text.isdigit()) or len(text) > 18:  # noqa: PLR2004 - fits 64 bits
        raise invalid(name, "is not a position")
    return int(text)
