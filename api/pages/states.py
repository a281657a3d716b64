"""What a thing was at one position and at another, field by field."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from api.call import Call
from projections import audit, models, schedules, sources, syncs, users
from projections.engine import Reader

FIELDS_MAX: Final = 500  # of one state
TEXT_MAX: Final = 500  # characters of one value
# Keyed digests and ids of credentials tell a reader nothing.
HIDDEN: Final = frozenset({"email_digest", "credential", "config.fingerprint"})


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field; None where it was not there."""

    field: str
    before: str | None
    after: str | None

    @property
    def kind(self) -> str:
        """`same`, `added`, `removed` or `changed`."""
        if self.before == self.after:
            return "same"
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


def _source(reader: Reader, name: str) -> dict[str, Any] | None:
    found = sources.one(reader, name)
    if found is None:
        return None
    state: dict[str, Any] = msgspec.to_builtins(found)
    for run in syncs.of_source(reader, name, 1):
        state["last_run"] = msgspec.to_builtins(run)
    return state


def _user(reader: Reader, user_id: str) -> dict[str, Any] | None:
    found = users.one(reader, user_id)
    return None if found is None else msgspec.to_builtins(found)


def _model(reader: Reader, name: str) -> dict[str, Any] | None:
    found = models.one(reader, name)
    return None if found is None else msgspec.to_builtins(found)


def _schedule(reader: Reader, name: str) -> dict[str, Any] | None:
    found = schedules.one(reader, name)
    return None if found is None else msgspec.to_builtins(found)


class Known(msgspec.Struct, frozen=True):
    """The rows of a kind of things: how they are read, and the permission that shows them."""

    read: Callable[[Reader, str], dict[str, Any] | None]
    access: str


# The kind of a stream -> its rows. A capability whose streams have rows adds one.
STATES: Final[Mapping[str, Known]] = {
    "model": Known(_model, "dbt.view"),
    "schedule": Known(_schedule, "scheduler.view"),
    "source": Known(_source, "source.view"),
    "user": Known(_user, "users.manage"),
}


def of(stream: str) -> Known | None:
    """What is known of the things that a stream is one of; None: they have no rows."""
    return STATES.get(stream.partition(":")[0])


def changes(call: Call, line: audit.Line) -> list[Change] | None:
    """What an event did to the thing that it is about; None for things without rows."""
    return between(call, line.stream, line.position - 1, line.position, line.at)


def between(call: Call, stream: str, since: int, upto: int, now: datetime) -> list[Change] | None:
    """What a thing was at two positions; ages are counted against one time. None: it has no rows.

    Whether the caller may see it is for who asks to find out.
    """
    known, name = of(stream), stream.partition(":")[2]
    if known is None:
        return None
    after = _at(call, upto, now, known.read, name)
    before = _at(call, since, now, known.read, name)
    fields = [field for field in {**before, **after} if field not in HIDDEN]
    return [
        Change(field=field, before=before.get(field), after=after.get(field)) for field in fields
    ]


def _at(
    call: Call,
    position: int,
    now: datetime,
    read: Callable[[Reader, str], dict[str, Any] | None],
    name: str,
) -> dict[str, str]:
    with call.platform.views.past(position, now) as reader:
        state = read(reader, name)
    flat = {} if state is None else dict(_flat("", state))
    return dict(list(flat.items())[:FIELDS_MAX])


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """`{"a": {"b": 1}}` -> `a.b`, `1`."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flat(f"{path}.{name}" if path else str(name), inner)
    elif isinstance(value, list | tuple) and value:
        for number, inner in enumerate(value):
            named = isinstance(inner, dict) and isinstance(inner.get("name"), str)
            yield from _flat(f"{path}[{inner['name'] if named else number}]", inner)
    elif value is not None and value not in ([], {}, ()):
        yield path, _text(value)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…"
