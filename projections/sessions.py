"""The sessions that no event has ended. Whether one is expired or idle is for its reader to say."""

from datetime import datetime
from typing import Any, Final

import msgspec

from domain import sessions
from domain.backups import BackupRestored
from domain.guesses import Tries
from domain.kernel import Recorded
from domain.permissions import Role
from domain.sessions import SessionId
from domain.users import UserId
from projections.engine import Projection, Reader, Rows, Table, stamp

SESSIONS: Final = Table(
    name="sessions",
    columns={
        "session_id": "TEXT NOT NULL",
        "user_id": "TEXT NOT NULL",
        "proof": "TEXT NOT NULL",
        "started_at": "TEXT NOT NULL",
        "expires_at": "TEXT NOT NULL",
        "wrong": "INTEGER NOT NULL",  # current passwords in a row
        "wrong_at": "TEXT",
    },
    key=("session_id",),
    indexes=("proof", "user_id"),
)


PARTIALS: Final = Table(
    name="partial_sessions",
    columns={
        "session_id": "TEXT NOT NULL",
        "user_id": "TEXT NOT NULL",
        "proof": "TEXT NOT NULL",
        "expires_at": "TEXT NOT NULL",
    },
    key=("session_id",),
    indexes=("proof", "user_id"),
)


def _started(rows: Rows, e: sessions.SessionStarted, r: Recorded) -> None:
    rows.add(
        SESSIONS,
        session_id=e.session_id,
        user_id=e.user_id,
        proof=e.proof,
        started_at=stamp(r.at),
        expires_at=e.expires_at.isoformat(),
        wrong=0,
        wrong_at=None,
    )


def _partial_started(rows: Rows, e: sessions.PartialSessionStarted, _: Recorded) -> None:
    rows.add(
        PARTIALS,
        session_id=e.session_id,
        user_id=e.user_id,
        proof=e.proof,
        expires_at=e.expires_at.isoformat(),
    )


def _password_wrong(rows: Rows, e: sessions.CurrentPasswordWrong, r: Recorded) -> None:
    row = rows.get(SESSIONS, e.session_id)
    if row is not None:
        wrong = _tries(row["wrong"], row["wrong_at"]).one_more(r.at).count
        rows.change(SESSIONS, e.session_id, wrong=wrong, wrong_at=stamp(r.at))


def _ended(rows: Rows, e: sessions.SessionEnded, _: Recorded) -> None:
    rows.remove(SESSIONS, session_id=e.session_id)
    rows.remove(PARTIALS, session_id=e.session_id)


def _all_ended(rows: Rows, e: Any, _: Recorded) -> None:
    rows.remove(SESSIONS, user_id=e.user_id)
    rows.remove(PARTIALS, user_id=e.user_id)


def _restored(rows: Rows, _: BackupRestored, __: Recorded) -> None:
    rows.clear(SESSIONS)
    rows.clear(PARTIALS)


PROJECTION: Final = Projection(
    name="sessions",
    tables=(SESSIONS, PARTIALS),
    on={
        sessions.SessionStarted: _started,
        sessions.PartialSessionStarted: _partial_started,
        sessions.SessionEnded: _ended,
        sessions.CurrentPasswordWrong: _password_wrong,
        **dict.fromkeys(sessions.ENDS_ALL, _all_ended),
        BackupRestored: _restored,
    },
)


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session."""

    session_id: SessionId
    started_at: datetime
    expires_at: datetime


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A session with what its owner is."""

    session: Session
    user_id: UserId
    role: Role
    must_change_password: bool
    totp: bool


class Partial(msgspec.Struct, frozen=True, kw_only=True):
    """A partial session: whose password was right, and until when the second factor is due."""

    session_id: SessionId
    user_id: UserId
    expires_at: datetime


def by_proof(reader: Reader, proof: str) -> Holder | None:
    """The session whose token has this digest, of an active account, or None."""
    return reader.kept(("sessions", "users"), _holder, proof)


def _holder(reader: Reader, proof: str) -> Holder | None:
    row = reader.row(
        "SELECT s.session_id, s.started_at, s.expires_at,"
        " s.user_id, u.role, u.must_change_password, u.totp"
        " FROM sessions s JOIN users u USING (user_id)"
        " WHERE s.proof = :proof AND u.status = 'active'",
        proof=proof,
    )
    if row is None:
        return None
    return Holder(
        session=_session(*row[:3]),
        user_id=row[3],
        role=Role(row[4]),
        must_change_password=bool(row[5]),
        totp=bool(row[6]),
    )


def partial(reader: Reader, proof: str) -> Partial | None:
    """The partial session whose token has this digest, or None."""
    row = reader.row(
        "SELECT session_id, user_id, expires_at FROM partial_sessions WHERE proof = :proof",
        proof=proof,
    )
    if row is None:
        return None
    session_id, user_id, expires_at = row
    expiry = datetime.fromisoformat(expires_at)
    return Partial(session_id=session_id, user_id=user_id, expires_at=expiry)


def of_user(reader: Reader, user_id: str) -> list[Session]:
    """A user's sessions that have not expired, the oldest first."""
    rows = reader.rows(
        "SELECT session_id, started_at, expires_at FROM sessions WHERE user_id = :user_id"
        " ORDER BY started_at, session_id",
        user_id=user_id,
    )
    found = [_session(*row) for row in rows]
    return [session for session in found if session.expires_at > reader.now]


def wrong(reader: Reader, session_id: str) -> Tries:
    """The wrong current passwords that were given in a session."""
    row = reader.row(
        "SELECT wrong, wrong_at FROM sessions WHERE session_id = :session_id", session_id=session_id
    )
    return Tries() if row is None else _tries(*row)


def _tries(count: int, last_at: str | None) -> Tries:
    return Tries(count, datetime.fromisoformat(last_at) if last_at else None)


def _session(session_id: SessionId, started_at: str, expires_at: str) -> Session:
    return Session(
        session_id=session_id,
        started_at=datetime.fromisoformat(started_at),
        expires_at=datetime.fromisoformat(expires_at),
    )
