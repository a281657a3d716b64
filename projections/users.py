"""The accounts as they stand. Who they are (names, e-mail addresses) is in the vault."""

from datetime import datetime
from typing import Any, Final

import msgspec

from domain import sessions, totp, users
from domain.backups import BackupRestored
from domain.guesses import Guesses
from domain.kernel import Recorded
from domain.permissions import Role
from domain.users import Credential, Link, Standing, UserId
from projections.engine import Projection, Reader, Rows, Table, stamp

USERS: Final = Table(
    name="users",
    columns={
        "user_id": "TEXT NOT NULL",
        "email_digest": "TEXT NOT NULL",
        "role": "TEXT NOT NULL",
        "status": "TEXT NOT NULL",
        "credential": "TEXT",  # none, while it is invited
        "must_change_password": "INTEGER NOT NULL",
        "totp": "INTEGER NOT NULL",  # whether there is a second factor
        "last_login": "TEXT",
        "created_at": "TEXT NOT NULL",
        "updated_at": "TEXT NOT NULL",
    },
    key=("user_id",),
    indexes=("email_digest",),
)
# The links that passwords are chosen with.
LINKS: Final = Table(
    name="password_links",
    columns={
        "user_id": "TEXT NOT NULL",
        "proof": "TEXT NOT NULL",
        "expires_at": "TEXT NOT NULL",
    },
    key=("user_id",),
    indexes=("proof",),
)
STRANGERS_MAX: Final = 4_096  # addresses without an account whose failures are remembered
# By address, not by account: guesses at accounts that are not there are slowed down alike.
LOGINS: Final = Table(
    name="logins",
    columns={
        "email_digest": "TEXT NOT NULL",
        "guesses": "TEXT NOT NULL",  # JSON of Guesses
        "slot": "INTEGER",  # for addresses without an account
    },
    key=("email_digest",),
)
# A ring of slots, taken in turn: who comes into one drives out who was there.
STRANGERS: Final = Table(
    name="login_strangers",
    columns={"slot": "INTEGER NOT NULL", "email_digest": "TEXT NOT NULL"},
    key=("slot",),
)


def _created(rows: Rows, e: users.UserCreated, r: Recorded) -> None:
    must_change = int(e.must_change_password)
    _begun(rows, e, r, credential=e.credential, must_change_password=must_change)


def _invited(rows: Rows, e: users.UserInvited, r: Recorded) -> None:
    _begun(rows, e, r, credential=None, must_change_password=0)
    _link(rows, e)


def _begun(
    rows: Rows, e: users.UserCreated | users.UserInvited, r: Recorded, **values: Any
) -> None:
    rows.put(
        USERS,
        user_id=e.user_id,
        email_digest=e.email_digest,
        role=e.role.value,
        status=(Standing.INVITED if values["credential"] is None else Standing.ACTIVE).value,
        totp=0,
        last_login=None,
        created_at=stamp(r.at),
        updated_at=stamp(r.at),
        **values,
    )


def _link(
    rows: Rows, e: users.UserInvited | users.InviteRenewed | users.PasswordResetOffered
) -> None:
    rows.put(LINKS, user_id=e.user_id, proof=e.proof, expires_at=e.expires_at.isoformat())


def _changed(rows: Rows, user_id: UserId, r: Recorded, **values: Any) -> None:
    rows.change(USERS, user_id, **values, updated_at=stamp(r.at))


def _without_link(rows: Rows, user_id: UserId, r: Recorded, **values: Any) -> None:
    rows.remove(LINKS, user_id=user_id)
    _changed(rows, user_id, r, **values)


def _link_made(
    rows: Rows, e: users.InviteRenewed | users.PasswordResetOffered, r: Recorded
) -> None:
    _link(rows, e)
    _changed(rows, e.user_id, r)


def _accepted(rows: Rows, e: users.InviteAccepted, r: Recorded) -> None:
    active = Standing.ACTIVE.value
    _without_link(rows, e.user_id, r, status=active, credential=e.credential)


def _password_changed(rows: Rows, e: users.PasswordChanged, r: Recorded) -> None:
    _without_link(rows, e.user_id, r, credential=e.credential, must_change_password=0)


def _password_reset(rows: Rows, e: users.PasswordReset, r: Recorded) -> None:
    _without_link(rows, e.user_id, r, credential=e.credential, must_change_password=1)


def _role_changed(rows: Rows, e: users.UserRoleChanged, r: Recorded) -> None:
    _changed(rows, e.user_id, r, role=e.role.value)


def _deactivated(rows: Rows, e: users.UserDeactivated, r: Recorded) -> None:
    _without_link(rows, e.user_id, r, status=Standing.DEACTIVATED.value)


def _reactivated(rows: Rows, e: users.UserReactivated, r: Recorded) -> None:
    status = Standing.INVITED if e.invited else Standing.ACTIVE
    _changed(rows, e.user_id, r, status=status.value)


def _deleted(rows: Rows, e: users.UserDeleted, _: Recorded) -> None:
    rows.remove(USERS, user_id=e.user_id)
    rows.remove(LINKS, user_id=e.user_id)


def _restored(rows: Rows, _: BackupRestored, __: Recorded) -> None:
    for table in (LINKS, LOGINS, STRANGERS):
        rows.clear(table)


def _unlocked(rows: Rows, e: sessions.UserUnlocked, _: Recorded) -> None:
    row = rows.get(LOGINS, e.email_digest)
    if row is not None:
        _remember(rows, e.email_digest, _decoded(row["guesses"]).forgiven(), row["slot"])


def _totp_enabled(rows: Rows, e: totp.TotpEnabled, r: Recorded) -> None:
    _changed(rows, e.user_id, r, totp=1)


def _totp_disabled(rows: Rows, e: totp.TotpDisabled, r: Recorded) -> None:
    _changed(rows, e.user_id, r, totp=0)


def _session_started(rows: Rows, e: sessions.SessionStarted, r: Recorded) -> None:
    rows.change(USERS, e.user_id, last_login=stamp(r.at))
    now = _guesses(rows, e.email_digest).succeed(e.network, r.at, e.device)
    _remember(rows, e.email_digest, now)


def _login_failed(rows: Rows, e: sessions.LoginFailed, r: Recorded) -> None:
    now = _guesses(rows, e.email_digest).fail(e.network, r.at)
    if e.user_id is not None:
        _remember(rows, e.email_digest, now)
        return
    slot = r.position % STRANGERS_MAX
    before = rows.get(STRANGERS, slot)
    if before is not None and before["email_digest"] != e.email_digest:
        there = rows.get(LOGINS, before["email_digest"])
        if there is not None and there["slot"] == slot:
            rows.remove(LOGINS, email_digest=before["email_digest"])
    rows.put(STRANGERS, slot=slot, email_digest=e.email_digest)
    _remember(rows, e.email_digest, now, slot)


def _guesses(rows: Rows, email_digest: str) -> Guesses:
    row = rows.get(LOGINS, email_digest)
    return Guesses() if row is None else _decoded(row["guesses"])


def _remember(rows: Rows, email_digest: str, now: Guesses, slot: int | None = None) -> None:
    text = msgspec.json.encode(now).decode()
    rows.put(LOGINS, email_digest=email_digest, guesses=text, slot=slot)


def _decoded(text: str) -> Guesses:
    return msgspec.json.decode(text, type=Guesses)


PROJECTION: Final = Projection(
    name="users",
    tables=(USERS, LINKS, LOGINS, STRANGERS),
    on={
        users.UserCreated: _created,
        users.UserInvited: _invited,
        users.InviteRenewed: _link_made,
        users.InviteAccepted: _accepted,
        users.PasswordResetOffered: _link_made,
        users.PasswordChanged: _password_changed,
        users.PasswordReset: _password_reset,
        users.UserRoleChanged: _role_changed,
        users.UserDeactivated: _deactivated,
        users.UserReactivated: _reactivated,
        users.UserDeleted: _deleted,
        totp.TotpEnabled: _totp_enabled,
        totp.TotpDisabled: _totp_disabled,
        sessions.SessionStarted: _session_started,
        sessions.LoginFailed: _login_failed,
        sessions.UserUnlocked: _unlocked,
        BackupRestored: _restored,
    },
)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account, without what the vault has."""

    user_id: UserId
    email_digest: str
    role: Role
    status: Standing
    credential: Credential | None
    link: Link | None
    must_change_password: bool
    totp: bool
    provider: str | None  # of the identity that was linked last
    last_login: datetime | None
    created_at: datetime
    updated_at: datetime
    guesses: Guesses

    @property
    def active(self) -> bool:
        """Whether its owner may log in."""
        return self.status is Standing.ACTIVE


_SELECT: Final = (
    "SELECT u.user_id, u.email_digest, u.role, u.status, u.credential, k.proof,"
    " k.expires_at, u.must_change_password, u.totp,"
    " (SELECT i.provider FROM identities i WHERE i.user_id = u.user_id"
    " ORDER BY i.linked_at DESC, i.identity LIMIT 1),"
    " u.last_login, u.created_at, u.updated_at, l.guesses"
    " FROM users u LEFT JOIN logins l USING (email_digest)"
    " LEFT JOIN password_links k USING (user_id)"
)


def every(reader: Reader) -> list[Account]:
    """All accounts, the oldest first."""
    return [_account(row) for row in reader.rows(f"{_SELECT} ORDER BY u.created_at, u.user_id")]


def one(reader: Reader, user_id: str) -> Account | None:
    """One account, or None."""
    return reader.kept(("users", "password_links", "identities", "logins"), _one, user_id)


def _one(reader: Reader, user_id: str) -> Account | None:
    row = reader.row(f"{_SELECT} WHERE u.user_id = :user_id", user_id=user_id)
    return None if row is None else _account(row)


def by_email(reader: Reader, email_digest: str) -> Account | None:
    """The account with an e-mail address, or None."""
    row = reader.row(f"{_SELECT} WHERE u.email_digest = :digest", digest=email_digest)
    return None if row is None else _account(row)


def by_link(reader: Reader, proof: str) -> Account | None:
    """The account whose link has a token with this digest, or None."""
    row = reader.row(f"{_SELECT} WHERE k.proof = :proof", proof=proof)
    return None if row is None else _account(row)


def guesses(reader: Reader, email_digest: str) -> Guesses:
    """What is remembered of logins with an e-mail address, whether it has an account or not."""
    row = reader.row("SELECT guesses FROM logins WHERE email_digest = :digest", digest=email_digest)
    return Guesses() if row is None else _decoded(row[0])


def _account(row: tuple[Any, ...]) -> Account:
    user_id, digest, role, status, credential, proof, expires, must_change, factor, *rest = row
    provider, login, created, updated, text = rest
    return Account(
        user_id=user_id,
        email_digest=digest,
        role=Role(role),
        status=Standing(status),
        credential=credential,
        link=Link(proof, datetime.fromisoformat(expires)) if proof else None,
        must_change_password=bool(must_change),
        totp=bool(factor),
        provider=provider,
        last_login=datetime.fromisoformat(login) if login else None,
        created_at=datetime.fromisoformat(created),
        updated_at=datetime.fromisoformat(updated),
        guesses=_decoded(text) if text else Guesses(),
    )
