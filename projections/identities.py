"""Which account an identity at another place opens."""

from datetime import datetime
from typing import Final

import msgspec

from domain import identities, users
from domain.kernel import Recorded
from domain.users import UserId
from projections.engine import Projection, Reader, Rows, Table, stamp

IDENTITIES: Final = Table(
    name="identities",
    columns={
        "identity": "TEXT NOT NULL",  # keyed digest
        "user_id": "TEXT NOT NULL",
        "provider": "TEXT NOT NULL",
        "linked_at": "TEXT NOT NULL",
    },
    key=("identity",),
    indexes=("user_id",),
)


def _linked(rows: Rows, e: identities.IdentityLinked, r: Recorded) -> None:
    rows.put(
        IDENTITIES,
        identity=e.identity,
        user_id=e.user_id,
        provider=e.provider.value,
        linked_at=stamp(r.at),
    )


def _unlinked(rows: Rows, e: identities.IdentityUnlinked, _: Recorded) -> None:
    rows.remove(IDENTITIES, identity=e.identity, user_id=e.user_id)


def _forgotten(rows: Rows, e: users.UserDeleted, _: Recorded) -> None:
    rows.remove(IDENTITIES, user_id=e.user_id)


PROJECTION: Final = Projection(
    name="identities",
    tables=(IDENTITIES,),
    on={
        identities.IdentityLinked: _linked,
        identities.IdentityUnlinked: _unlinked,
        users.UserDeleted: _forgotten,
    },
)


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """One identity of an account."""

    identity: str
    provider: identities.Provider
    linked_at: datetime


def of_user(reader: Reader, user_id: str) -> list[Linked]:
    """The identities that open an account, the oldest first."""
    found = reader.rows(
        "SELECT identity, provider, linked_at FROM identities WHERE user_id = :user_id"
        " ORDER BY linked_at, identity",
        user_id=user_id,
    )
    return [
        Linked(
            identity=identity,
            provider=identities.Provider(provider),
            linked_at=datetime.fromisoformat(at),
        )
        for identity, provider, at in found
    ]


def owner(reader: Reader, identity: str) -> UserId | None:
    """The account that it opens, or None."""
    row = reader.row("SELECT user_id FROM identities WHERE identity = :id", id=identity)
    return None if row is None else UserId(row[0])
