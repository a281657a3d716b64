"""The API keys that are not revoked. Expired ones are listed too, until their owner takes them."""

from datetime import datetime
from typing import Any, Final

import msgspec

from domain import api_keys, users
from domain.api_keys import KeyId
from domain.backups import BackupRestored
from domain.kernel import Recorded
from domain.permissions import Role
from domain.users import UserId
from projections.engine import Projection, Reader, Rows, Table, stamp

API_KEYS: Final = Table(
    name="api_keys",
    columns={
        "key_id": "TEXT NOT NULL",
        "user_id": "TEXT NOT NULL",
        "proof": "TEXT NOT NULL",
        "prefix": "TEXT NOT NULL",
        "created_at": "TEXT NOT NULL",
        "expires_at": "TEXT",
        "permissions": "TEXT",  # JSON, when it is narrowed
    },
    key=("key_id",),
    indexes=("proof", "user_id"),
)


def _created(rows: Rows, e: api_keys.ApiKeyCreated, r: Recorded) -> None:
    rows.add(
        API_KEYS,
        key_id=e.key_id,
        user_id=e.user_id,
        proof=e.proof,
        prefix=e.prefix,
        created_at=stamp(r.at),
        expires_at=e.expires_at.isoformat() if e.expires_at else None,
        permissions=msgspec.json.encode(e.permissions).decode() if e.permissions else None,
    )


def _revoked(rows: Rows, e: api_keys.ApiKeyRevoked, _: Recorded) -> None:
    rows.remove(API_KEYS, key_id=e.key_id)


def _owner_gone(rows: Rows, e: users.UserDeactivated | users.UserDeleted, _: Recorded) -> None:
    rows.remove(API_KEYS, user_id=e.user_id)


def _restored(rows: Rows, e: BackupRestored, _: Recorded) -> None:
    if e.keys_ended:
        rows.clear(API_KEYS)


PROJECTION: Final = Projection(
    name="api_keys",
    tables=(API_KEYS,),
    on={
        api_keys.ApiKeyCreated: _created,
        api_keys.ApiKeyRevoked: _revoked,
        **dict.fromkeys(users.ENDS_ACCESS, _owner_gone),
        BackupRestored: _restored,
    },
)


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key, without its name, which is in the vault."""

    key_id: KeyId
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    permissions: frozenset[str] | None  # None: all that its owner has


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A key with what its owner is."""

    key: ApiKey
    user_id: UserId
    role: Role


_COLUMNS: Final = "k.key_id, k.prefix, k.created_at, k.expires_at, k.permissions"


def by_proof(reader: Reader, proof: str) -> Holder | None:
    """The key with this digest, of an active account, or None."""
    return reader.kept(("api_keys", "users"), _holder, proof)


def _holder(reader: Reader, proof: str) -> Holder | None:
    row = reader.row(
        f"SELECT {_COLUMNS}, k.user_id, u.role"  # noqa: S608 - a constant
        " FROM api_keys k JOIN users u USING (user_id)"
        " WHERE k.proof = :proof AND u.status = 'active'",
        proof=proof,
    )
    if row is None:
        return None
    return Holder(key=_key(row[:5]), user_id=row[5], role=Role(row[6]))


def of_user(reader: Reader, user_id: str) -> list[ApiKey]:
    """A user's keys, the oldest first."""
    rows = reader.rows(
        f"SELECT {_COLUMNS} FROM api_keys k WHERE k.user_id = :user_id"  # noqa: S608 - a constant
        " ORDER BY k.created_at, k.key_id",
        user_id=user_id,
    )
    return [_key(row) for row in rows]


def _key(row: tuple[Any, ...]) -> ApiKey:
    key_id, prefix, created_at, expires_at, names = row
    return ApiKey(
        key_id=key_id,
        prefix=prefix,
        created_at=datetime.fromisoformat(created_at),
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
        permissions=msgspec.json.decode(names, type=frozenset[str]) if names else None,
    )
