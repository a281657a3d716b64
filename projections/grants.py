"""What providers let us read, by type of source; tokens and accounts are in the vault."""

from datetime import datetime
from typing import Any, Final

import msgspec

from domain import grants
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table, stamp

GRANTS: Final = Table(
    name="grants",
    columns={
        "source_type": "TEXT NOT NULL",
        "provider": "TEXT NOT NULL",
        "connected_at": "TEXT NOT NULL",
        "expires_at": "TEXT",
        "renewable": "INTEGER NOT NULL",
        "lapsed": "TEXT",  # why it is renewed no more
    },
    key=("source_type",),
)


def _given(rows: Rows, e: grants.GrantGiven, r: Recorded) -> None:
    rows.put(
        GRANTS,
        source_type=e.source_type,
        provider=e.provider,
        connected_at=stamp(r.at),
        expires_at=None if e.expires_at is None else stamp(e.expires_at),
        renewable=int(e.renewable),
        lapsed=None,
    )


def _renewed(rows: Rows, e: grants.GrantRenewed, _: Recorded) -> None:
    at = None if e.expires_at is None else stamp(e.expires_at)
    rows.change(GRANTS, e.source_type, expires_at=at, lapsed=None)


def _lapsed(rows: Rows, e: grants.GrantLapsed, _: Recorded) -> None:
    rows.change(GRANTS, e.source_type, lapsed=e.reason)


def _taken_back(rows: Rows, e: grants.GrantTakenBack, _: Recorded) -> None:
    rows.remove(GRANTS, source_type=e.source_type)


PROJECTION: Final = Projection(
    name="grants",
    tables=(GRANTS,),
    on={
        grants.GrantGiven: _given,
        grants.GrantRenewed: _renewed,
        grants.GrantLapsed: _lapsed,
        grants.GrantTakenBack: _taken_back,
    },
)


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One grant."""

    source_type: str
    provider: str
    connected_at: datetime
    expires_at: datetime | None
    renewable: bool
    lapsed: str | None

    def expired(self, now: datetime) -> bool:
        """Whether nothing can be read with it. What renews itself has not expired."""
        over = self.expires_at is not None and self.expires_at <= now
        return self.lapsed is not None or (over and not self.renewable)

    def days_left(self, now: datetime) -> int | None:
        """Whole days until it runs out, or until it is renewed."""
        return None if self.expires_at is None else max((self.expires_at - now).days, 0)


_SELECT: Final = f"SELECT {', '.join(GRANTS.columns)} FROM grants"  # noqa: S608 - constants


def every(reader: Reader) -> list[Grant]:
    """All grants, by type of source."""
    return [_grant(row) for row in reader.rows(f"{_SELECT} ORDER BY source_type")]


def known(reader: Reader) -> tuple[Grant, ...]:
    """The same, kept until one changes."""
    return reader.kept((GRANTS.name,), _known) or ()


def _known(reader: Reader) -> tuple[Grant, ...]:
    return tuple(every(reader))


def one(reader: Reader, source_type: str) -> Grant | None:
    """One grant, or None."""
    row = reader.row(f"{_SELECT} WHERE source_type = :name", name=source_type)
    return None if row is None else _grant(row)


def _grant(row: tuple[Any, ...]) -> Grant:
    return msgspec.convert(dict(zip(GRANTS.columns, row, strict=True)), Grant, strict=False)
