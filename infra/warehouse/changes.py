"""Which rows a run inserted, updated and deleted, from the warehouse's own change feed."""

from collections.abc import Sequence

import duckdb

from commands import ports
from domain.pii import MASK
from infra.querying import rows
from infra.warehouse.attach import LAKE
from infra.warehouse.find import commit_of, tables_at
from infra.warehouse.quoting import identifier, literal

BYTES_MAX = 6 * 1024**2  # of the rows of one page
KINDS = {
    "insert": "inserted",
    "delete": "deleted",
    "update_preimage": "updated_from",
    "update_postimage": "updated_to",
}


def changes(connection: duckdb.DuckDBPyConnection, asked: ports.ChangesOf) -> ports.Changes:
    """Give one page of the changed rows of one table. Raises WorkRefused."""
    snapshot = commit_of(connection, asked.job, asked.source)
    if snapshot is None:
        return ports.Changes(snapshot=None)
    names = [n for n in tables_at(connection, asked.schema, snapshot) if not n.startswith("_")]
    counts = {name: _counts(connection, asked.schema, name, snapshot) for name in names}
    changed = [name for name in names if counts[name]]
    table = asked.table or (changed[0] if changed else None)
    if table is None:
        return ports.Changes(snapshot=snapshot)
    if table not in counts:
        raise ports.WorkRefused(f"Run {asked.job} has no table '{table}'.", table=table)
    feed = _feed(asked.schema, table, snapshot)
    kind = "CASE change_type " + " ".join(
        f"WHEN {literal(theirs)} THEN {literal(ours)}" for theirs, ours in KINDS.items()
    )
    shown = _shown(connection, feed, asked.masked.get(table, ()))
    page = f"LIMIT {int(asked.limit) + 1} OFFSET {int(asked.offset)}"
    result = connection.execute(
        f"SELECT {kind} END AS change, {shown} FROM {feed}"  # noqa: S608 - quoted
        f" ORDER BY rowid, change_type DESC {page}",
    )
    described = result.description or []
    types = tuple(str(column[1]) for column in described)
    found = rows.collect(connection, types, rows_max=asked.limit, bytes_max=BYTES_MAX)
    return ports.Changes(
        snapshot=snapshot,
        counts={name: counts[name] for name in changed},
        table=table,
        columns=tuple(str(column[0]) for column in described),
        rows=found.json,
        row_count=found.count,
        more=found.truncated,
    )


def _shown(connection: duckdb.DuckDBPyConnection, feed: str, masked: Sequence[str]) -> str:
    """Give the columns of a feed; of masked ones, whether there is a value."""
    own = "* EXCLUDE (snapshot_id, rowid, change_type)"
    described = connection.execute(f"FROM {feed} LIMIT 0").description or []
    hidden = {name.casefold() for name in masked}
    names = [str(each[0]) for each in described if str(each[0]).casefold() in hidden]
    if not names:
        return own
    values = (
        f"CASE WHEN {identifier(name)} IS NULL THEN NULL ELSE {literal(MASK)} END"
        f" AS {identifier(name)}"
        for name in names
    )
    return f"{own} REPLACE ({', '.join(values)})"


def _counts(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, snapshot: int
) -> dict[str, int]:
    feed = _feed(schema, table, snapshot)
    found = connection.execute(f"SELECT change_type, count(*) FROM {feed} GROUP BY 1").fetchall()  # noqa: S608 - quoted
    return {KINDS[kind]: int(count) for kind, count in found}


def _feed(schema: str, table: str, snapshot: int) -> str:
    where = f"{literal(LAKE)}, {literal(schema)}, {literal(table)}"
    return f"ducklake_table_changes({where}, {int(snapshot)}, {int(snapshot)})"
