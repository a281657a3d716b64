"""Who is told of what, and how each notice went."""

from datetime import datetime
from typing import Any, Final

import msgspec

from domain import notifications
from domain.kernel import Recorded
from domain.notifications import Wanted
from projections.engine import Projection, Reader, Rows, Table, stamp

WANTED: Final = Table(
    name="notifications",
    columns={"id": "INTEGER NOT NULL", "wanted": "TEXT NOT NULL"},
    key=("id",),
    few=True,
)
NOTICES: Final = Table(
    name="notices",
    columns={
        "notice": "INTEGER NOT NULL",
        "place": "TEXT NOT NULL",
        "subject": "TEXT NOT NULL",
        "cause": "INTEGER NOT NULL",
        "state": "TEXT NOT NULL",  # queued, delivered, dead
        "attempts": "INTEGER NOT NULL",
        "queued_at": "TEXT NOT NULL",
        "last_at": "TEXT",
        "status_code": "INTEGER",
        "reason": "TEXT",
        "duration_s": "REAL",
    },
    key=("notice",),
    indexes=("state, notice",),
)

_wanted: Final = msgspec.json.Decoder(Wanted)


def _configured(rows: Rows, e: notifications.NotificationsConfigured, _: Recorded) -> None:
    rows.put(WANTED, id=1, wanted=msgspec.json.encode(e.wanted).decode())


def _queued(rows: Rows, e: notifications.NoticeQueued, r: Recorded) -> None:
    rows.add(
        NOTICES,
        notice=r.position,
        place=e.place,
        subject=e.about.value,
        cause=e.cause,
        state="queued",
        attempts=0,
        queued_at=stamp(r.at),
        last_at=None,
        status_code=None,
        reason=None,
        duration_s=None,
    )


def _delivered(rows: Rows, e: notifications.NoticeDelivered, r: Recorded) -> None:
    rows.change(
        NOTICES,
        e.notice,
        state="delivered",
        attempts=e.attempt,
        last_at=stamp(r.at),
        status_code=e.status_code,
        reason=None,
        duration_s=e.duration_s,
    )


def _failed(
    rows: Rows, e: notifications.NoticeFailed | notifications.NoticeDead, r: Recorded
) -> None:
    rows.change(
        NOTICES,
        e.notice,
        state="dead" if isinstance(e, notifications.NoticeDead) else "queued",
        attempts=e.attempt,
        last_at=stamp(r.at),
        status_code=e.status_code,
        reason=e.reason,
    )


def _resent(rows: Rows, e: notifications.NoticeResent, _: Recorded) -> None:
    rows.change(NOTICES, e.notice, state="queued", attempts=0)


PROJECTION: Final = Projection(
    name="notifications",
    tables=(WANTED, NOTICES),
    on={
        notifications.NotificationsConfigured: _configured,
        notifications.NoticeQueued: _queued,
        notifications.NoticeDelivered: _delivered,
        notifications.NoticeFailed: _failed,
        notifications.NoticeDead: _failed,
        notifications.NoticeResent: _resent,
    },
)


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One notice, and how it went."""

    notice: int
    place: str
    subject: str
    cause: int
    state: str
    attempts: int
    queued_at: datetime
    last_at: datetime | None
    status_code: int | None
    reason: str | None
    duration_s: float | None


_COLUMNS: Final = ", ".join(Delivery.__struct_fields__)


def wanted(reader: Reader) -> Wanted:
    """Who is told of what."""
    row = reader.row("SELECT wanted FROM notifications WHERE id = 1")
    return Wanted() if row is None else _wanted.decode(row[0])


def one(reader: Reader, notice: int) -> Delivery | None:
    """One notice, or None."""
    row = reader.row(f"SELECT {_COLUMNS} FROM notices WHERE notice = :notice", notice=notice)  # noqa: S608 - constants
    return None if row is None else _delivery(row)


def page(
    reader: Reader, *, state: str | None, limit: int, offset: int = 0
) -> tuple[list[Delivery], int]:
    """A page of the notices, newest first, and how many there are."""
    where = "" if state is None else "WHERE state = :state"
    values: dict[str, Any] = {} if state is None else {"state": state}
    counted = reader.row(f"SELECT count(*) FROM notices {where}", **values)  # noqa: S608 - constants
    sql = f"SELECT {_COLUMNS} FROM notices {where} ORDER BY notice DESC LIMIT :limit OFFSET :offset"  # noqa: S608 - constants
    found = reader.rows(sql, limit=limit, offset=offset, **values)
    return [_delivery(row) for row in found], int(counted[0]) if counted else 0


def queued(reader: Reader) -> list[Delivery]:
    """The notices that are on their way, oldest first."""
    sql = f"SELECT {_COLUMNS} FROM notices WHERE state = 'queued' ORDER BY notice"  # noqa: S608 - constants
    return [_delivery(row) for row in reader.rows(sql)]


def _delivery(row: tuple[Any, ...]) -> Delivery:
    values = dict(zip(Delivery.__struct_fields__, row, strict=True))
    return msgspec.convert(values, Delivery, strict=False)
