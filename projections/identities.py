"""Which account an identity at another place opens."""

from typing import Final

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


def _forgotten(rows: Rows, e: users.UserDeleted, _: Recorded) -> None:
    rows.remove(IDENTITIES, user_id=e.user_id)


PROJECTION: Final = Projection(
    name="identities",
    tables=(IDENTITIES,),
    on={identities.IdentityLinked: _linked, users.UserDeleted: _forgotten},
)


def owner(reader: Reader, identity: str) -> UserId | None:
    """The account that it opens, or None."""
    row = reader.row("SELECT user_id FROM identities WHERE identity = :id", id=identity)
    return None if row is None else UserId(row[0])
