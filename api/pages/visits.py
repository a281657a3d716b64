"""Until when somebody was here last: a cookie that remembers what each visit has seen.

It holds three numbers, and nothing of them is kept here: up to which position the visit before this
one saw, up to which this one did, and when that was. A visit ends when nothing is looked at for a
while.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from api.call import Call

COOKIE: Final = "dango_seen"
AWAY: Final = timedelta(minutes=30)  # without a look, until the next one is another visit
LIFE_S: Final = 90 * 86_400
_VALUE: Final = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})\.([0-9]{1,11})")


class Visit(msgspec.Struct, frozen=True):
    """The position that the visit before saw, the one that this one sees, and when it did."""

    before: int
    seen: int
    at_s: int


def before(call: Call) -> int | None:
    """The last position that the visit before this one saw; None for who never was here."""
    known = _known(call)
    return None if known is None else _now(call, known).before


def goes_on(call: Call) -> None:
    """Remember that what there is now was seen."""
    known, position, now = _known(call), call.views.position, _seconds(call)
    visit = Visit(position, position, now) if known is None else _now(call, known)
    value = f"{visit.before}.{position}.{now}"
    call.set_cookie(COOKIE, value, LIFE_S)


def _now(call: Call, known: Visit) -> Visit:
    """The visit that goes on, or the next one when it has ended."""
    away = _seconds(call) - known.at_s >= AWAY.total_seconds()
    return Visit(known.seen, known.seen, known.at_s) if away else known


def _known(call: Call) -> Visit | None:
    """What the cookie says; None where it is none of this log's."""
    found = _VALUE.fullmatch(call.request.cookies.get(COOKIE, ""))
    if found is None:
        return None
    visit = Visit(*(int(number) for number in found.groups()))
    return visit if visit.before <= visit.seen <= call.platform.views.position else None


def _seconds(call: Call) -> int:
    return int((call.platform.clock() - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
