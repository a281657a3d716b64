"""Which secrets there are, since when and by whom. Their values are in the vault."""

from datetime import datetime
from typing import Final

import msgspec

from domain import secrets
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table, stamp

SECRETS: Final = Table(
    name="secrets",
    columns={"name": "TEXT NOT NULL", "set_at": "TEXT NOT NULL", "set_by": "TEXT NOT NULL"},
    key=("name",),
)


def _set(rows: Rows, e: secrets.SecretSet, r: Recorded) -> None:
    rows.put(SECRETS, name=e.variable, set_at=stamp(r.at), set_by=r.actor)


def _imported(rows: Rows, e: secrets.SecretsImported, r: Recorded) -> None:
    for name in e.variables:
        rows.put(SECRETS, name=name, set_at=stamp(r.at), set_by=r.actor)


def _removed(rows: Rows, e: secrets.SecretRemoved, _: Recorded) -> None:
    rows.remove(SECRETS, name=e.variable)


PROJECTION: Final = Projection(
    name="secrets",
    tables=(SECRETS,),
    on={
        secrets.SecretSet: _set,
        secrets.SecretsImported: _imported,
        secrets.SecretRemoved: _removed,
    },
)


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """One secret, without its value."""

    name: str
    set_at: datetime
    set_by: str


def every(reader: Reader) -> list[Secret]:
    """All secrets, by name."""
    found = reader.rows("SELECT name, set_at, set_by FROM secrets ORDER BY name")
    return [
        Secret(name=name, set_at=datetime.fromisoformat(at), set_by=by) for name, at, by in found
    ]
