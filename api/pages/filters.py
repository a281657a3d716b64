"""The filter language of the event list: `type:sync_* actor:user:… since:2d`, parts joined by and.

| part | meaning |
| --- | --- |
| `type:sync_failed`, `type:sync_*` | of this type; several `type:` parts are joined by or |
| `stream:source:orders`, `source:orders`, `actor:user:…` | about this thing, by this actor |
| `correlation:…` (`corr:…`) | of this request |
| `since:`, `until:` | a date, an RFC 3339 time, or an age: `30m`, `12h`, `2d`, `3w` |
| `after:100`, `before:200` | positions |

A bare word is a type.
"""

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from projections.audit import Filter

LENGTH_MAX: Final = 2_000  # characters
POSITION_DIGITS_MAX: Final = 18
ALIASES: Final = {"corr": "correlation"}
_AGE: Final = re.compile(r"(?P<count>[0-9]{1,6})(?P<unit>[smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Misread(Exception):
    """A filter that cannot be understood; the message is one sentence for its author."""


def parse(text: str, now: datetime, types: Sequence[str]) -> Filter:
    """What a filter asks for. Raises Misread."""
    if len(text) > LENGTH_MAX:
        raise Misread(f"The filter is longer than {LENGTH_MAX} characters.")
    values: dict[str, Any] = {}
    wanted: list[str] = []
    for part in text.split():
        name, value = _split(part)
        if name == "type":
            wanted += _types(value, types)
        elif name in values:
            raise Misread(f"“{name}:” is there twice.")
        else:
            values[name] = _READ[name](value, now)
    if wanted:
        values["types"] = tuple(dict.fromkeys(wanted))
    return msgspec.convert(values, Filter)


def _split(part: str) -> tuple[str, str]:
    """`type:x` -> `type`, `x`; what is short or bare in full. Raises Misread."""
    name, colon, value = part.partition(":")
    if not colon:
        return "type", part
    if not value:
        raise Misread(f"“{part}” has no value.")
    if name == "source":
        return "stream", part
    name = ALIASES.get(name, name)
    if name != "type" and name not in _READ:
        raise Misread(f"“{name}:” is no filter; there are {', '.join(('type', *_READ))}.")
    return name, value


def _types(value: str, types: Sequence[str]) -> list[str]:
    found = fnmatch.filter(types, value)
    if not found:
        raise Misread(f"No event is of type “{value}”.")
    return found


def _text(value: str, _: datetime) -> str:
    return value


def _position(value: str, _: datetime) -> int:
    if not (value.isascii() and value.isdigit()) or len(value) > POSITION_DIGITS_MAX:
        raise Misread(f"“{value}” is not a position.")
    return int(value)


def _moment(value: str, now: datetime) -> datetime:
    if (age := _AGE.fullmatch(value)) is not None:
        try:
            return now - timedelta(**{_UNITS[age["unit"]]: int(age["count"])})
        except OverflowError:
            raise Misread(f"“{value}” is too long ago.") from None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise Misread(f"“{value}” is neither a date, nor a time, nor an age like 2d.") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


_READ: Final[Mapping[str, Callable[[str, datetime], Any]]] = {
    "stream": _text,
    "actor": _text,
    "correlation": _text,
    "since": _moment,
    "until": _moment,
    "after": _position,
    "before": _position,
}
