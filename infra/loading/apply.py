"""Carrying out the changes of a load inside of its commit: short statements, fit to run again."""

import duckdb
import msgspec

from infra.loading import types
from infra.loading.change import Change
from infra.loading.conform import gone_sql
from infra.loading.staged import OWNER, read_sql
from infra.warehouse import tables
from infra.warehouse.quoting import identifier, literal


class Counts(msgspec.Struct, kw_only=True):
    """What became of a table's rows."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0


def apply(connection: duckdb.DuckDBPyConnection, change: Change) -> Counts:
    """Make one table what it is to be; call it inside of `commit`."""
    name = change.name
    if change.write == "replace":
        deleted = tables.row_count(connection, name) if change.before else 0
        tables.replace(connection, name, change.columns, change.paths)
        return Counts(inserted=change.rows, deleted=deleted)
    _shape(connection, change)
    counts = Counts()
    if change.gone_files and change.before:
        counts.deleted = _deleted(connection, f"{name.sql} WHERE {gone_sql(change.gone_files)}")
    if change.owners and change.before:
        owners = f"(SELECT {OWNER} FROM {read_sql([change.owners])}) AS owner"  # noqa: S608 - ours
        what = f"{name.sql} AS t USING {owners} WHERE t.{OWNER} = owner.{OWNER}"
        counts.deleted += _deleted(connection, what)
    if change.rows:
        if change.before:
            counts.updated = _make_room(connection, change)
        tables.add(connection, name, change.paths)
    counts.inserted = change.rows - counts.updated
    # A changed file's rows went and came: those are the same rows, as far as anybody can tell.
    if counts.deleted and change.write == "append":
        kept = min(counts.deleted, counts.inserted)
        counts = Counts(
            inserted=counts.inserted - kept, updated=kept, deleted=counts.deleted - kept
        )
    return counts


def _shape(connection: duckdb.DuckDBPyConnection, change: Change) -> None:
    name = change.name
    if not change.before:
        tables.create(connection, name, change.columns)
        return
    if change.rewritten is not None:
        tables.replace(connection, name, change.columns, [change.rewritten])
        return
    for column in change.added:
        connection.execute(
            f"ALTER TABLE {name.sql} ADD COLUMN {identifier(column.name)} {column.type}",
        )
    for old, new in change.retyped:
        if types.promotes(old.type, new.type):
            connection.execute(
                f"ALTER TABLE {name.sql} ALTER COLUMN {identifier(old.name)} TYPE {new.type}",
            )


def _make_room(connection: duckdb.DuckDBPyConnection, change: Change) -> int:
    """Delete the rows whose place is taken, or end the versions that are followed by others."""
    if change.write not in ("merge", "scd2"):
        return 0
    keys = ", ".join(identifier(key) for key in change.keys)
    # Without the alias, DuckLake would read the names of the sub-query as its own.
    same = " AND ".join(
        f"t.{identifier(key)} IS NOT DISTINCT FROM new_row.{identifier(key)}" for key in change.keys
    )
    source = f"(SELECT {keys} FROM {read_sql(change.paths)}) AS new_row"  # noqa: S608 - quoted
    if change.write == "merge":
        return _deleted(connection, f"{change.name.sql} AS t USING {source} WHERE {same}")
    at = literal(change.at.isoformat()) if change.at is not None else "NULL"
    row = connection.execute(
        f"UPDATE {change.name.sql} AS t SET _dango_valid_to = {at}::TIMESTAMPTZ"  # noqa: S608 - quoted
        f" FROM {source} WHERE t._dango_valid_to IS NULL AND {same}",
    ).fetchone()
    return 0 if row is None else int(row[0])


def _deleted(connection: duckdb.DuckDBPyConnection, what: str) -> int:
    row = connection.execute(f"DELETE FROM {what}").fetchone()  # noqa: S608 - quoted
    return 0 if row is None else int(row[0])
