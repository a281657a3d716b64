"""pii-overrides.yml: what people say about columns, read and written."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from domain.drafts import ChangeInvalid, ConfigurationUnreadable
from domain.pii_overrides import FILE, OVERRIDES_MAX, PiiStatus, TooManyOverrides, Wish
from infra.configuration.documents import Document, Unreadable, contents

EMPTY: Final = "overrides: []\n"

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Text = Annotated[str, msgspec.Meta(max_length=1_000)]


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    source: Name
    table: Name
    column: Name
    status: PiiStatus
    set_by: Text | None = None
    reason: Text | None = None
    updated_at: Any = None  # YAML reads a time where one stands


class _File(msgspec.Struct, frozen=True, kw_only=True):
    version: Any = None
    overrides: list[dict[str, Any]] | None = None


def read(path: Path, data: bytes | None = None) -> tuple[Wish, ...]:
    """All that the file says, or this `data` in its place. Raises Unreadable."""
    document = Document(path, data)
    found: dict[tuple[str, ...], Wish] = {}
    entries = document.convert(_File).overrides or []
    if len(entries) > OVERRIDES_MAX:
        raise document.refused(".overrides", f"has more than {OVERRIDES_MAX} entries")
    for number, value in enumerate(entries):
        place = f".overrides[{number}]"
        entry = document.convert_at(value, _Entry, place)
        wish = Wish(
            source=entry.source,
            table=entry.table,
            column=entry.column,
            status=entry.status,
            set_by=entry.set_by or "",
            reason=entry.reason or "",
            updated_at=_moment(entry.updated_at),
        )
        if wish.key in found:
            raise document.refused(place, "this column stands twice")
        found[wish.key] = wish
    return tuple(found.values())


def write(path: Path, wishes: Sequence[Wish]) -> None:
    """Say this about these columns; what is said of others stays, and so do comments.

    Raises ConfigurationUnreadable, ConfigurationChanged, TooManyOverrides, ChangeInvalid.
    """
    from infra.configuration import writing  # loaded when something is written

    def edit(entries: Any) -> None:
        for wish in wishes:
            _put(entries, wish, writing.spelled(_fields(wish)))
        if len(entries) > OVERRIDES_MAX:
            raise TooManyOverrides

    try:
        before = contents(path)
        read(path, before)
    except Unreadable as error:
        raise ConfigurationUnreadable(str(error)) from None
    after = writing.edited(before, FILE, ("overrides",), edit, EMPTY)
    if after == before:
        return
    try:
        read(path, after)
    except Unreadable as error:
        raise ChangeInvalid(f"{error.file}: {error.reason}") from None
    writing.replace(path, before, after)


def _put(entries: Any, wish: Wish, wanted: dict[str, Any]) -> None:
    """Write one entry anew, or behind the others; what is said already stays as it is."""
    place = next((n for n, entry in enumerate(entries) if _key(entry) == wish.key), None)
    if wish.status is None:
        if place is not None:
            del entries[place]
    elif place is None:
        entries.append(wanted)
    elif any(entries[place].get(key) != wanted[key] for key in ("status", "reason")):
        entries[place].update(wanted)


def _fields(wish: Wish) -> dict[str, Any]:
    return {**msgspec.structs.asdict(wish), "status": str(wish.status)}


def _key(entry: dict[str, Any]) -> tuple[str, ...]:
    return str(entry["source"]), str(entry["table"]), str(entry["column"])


def _moment(value: Any) -> str:
    if isinstance(value, dt.datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
        return aware.isoformat()
    return "" if value is None else str(value)[:64]
