"""When each table was counted through last, and as of which commit."""

from datetime import datetime
from typing import Final

import msgspec

from domain import profiles
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table, stamp

PROFILES: Final = Table(
    name="profiles",
    columns={
        "schema_name": "TEXT NOT NULL",
        "table_name": "TEXT NOT NULL",
        "snapshot": "INTEGER NOT NULL",
        "rows": "INTEGER NOT NULL",
        "at": "TEXT NOT NULL",
    },
    key=("schema_name", "table_name"),
)


def _profiled(rows: Rows, e: profiles.TableProfiled, r: Recorded) -> None:
    rows.put(
        PROFILES,
        schema_name=e.schema,
        table_name=e.table,
        snapshot=e.snapshot,
        rows=e.rows,
        at=stamp(r.at),
    )


READ: Final = ("profiles",)

PROJECTION: Final = Projection(
    name="profiles", tables=(PROFILES,), on={profiles.TableProfiled: _profiled}
)


class Profiled(msgspec.Struct, frozen=True, kw_only=True):
    """The last profile of a table."""

    snapshot: int
    rows: int
    at: datetime


def every(reader: Reader) -> dict[tuple[str, str], datetime]:
    """When each table was counted through last, by schema and name."""
    found = reader.rows("SELECT schema_name, table_name, at FROM profiles")
    return {(schema, table): datetime.fromisoformat(at) for schema, table, at in found}


def one(reader: Reader, schema: str, table: str) -> Profiled | None:
    """The last profile of a table, or None."""
    row = reader.row(
        "SELECT snapshot, rows, at FROM profiles"
        " WHERE schema_name = :schema AND table_name = :table",
        schema=schema,
        table=table,
    )
    if row is None:
        return None
    return Profiled(snapshot=row[0], rows=row[1], at=datetime.fromisoformat(row[2]))
