"""Events as lines of a list: when, who, what, in words."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from api.call import Call
from api.pages import people, words
from api.sources import words as told
from domain.registry import EVENTS
from projections import activity, audit

ABOUT_SHOWN: Final = 15
PERMISSIONS: Final = {event.type_name(): event.permission for event in EVENTS}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a list."""

    position: int
    at: datetime
    type: str
    stream: str
    actor: str
    who: str
    text: str
    level: str


def visible(call: Call) -> list[str]:
    """The types of events that the caller may see."""
    return [name for name, permission in PERMISSIONS.items() if call.caller.may(permission)]


def about(call: Call, stream: str) -> list[Line]:
    """The newest events about one thing that the caller may see."""
    wanted = audit.Filter(stream=stream, types=tuple(visible(call)))
    return lines(call, audit.matching(call.views, wanted, ABOUT_SHOWN))


def lines(call: Call, found: Sequence[audit.Line]) -> list[Line]:
    """These events, in words."""
    said = activity.said(call.views, [line.position for line in found])
    known = call.caller.role is not None
    who = {actor: people.label(call, actor) for actor in {line.actor for line in found}}
    answer = []
    for line in found:
        entry = said.get(line.position)
        answer.append(
            Line(
                position=line.position,
                at=line.at,
                type=line.type,
                stream=line.stream,
                actor=line.actor,
                who=who[line.actor],
                text=told(entry, tell_errors=known) if entry else words.human(line.type),
                level=entry.level if entry else "info",
            )
        )
    return answer
