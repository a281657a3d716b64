"""Rows that could not be taken, where people can look at them: `<schema>._rejects`."""

import duckdb
import msgspec

from commands import ports
from domain.datasets import REJECTS, Column
from infra.loading.conform import gone_sql
from infra.loading.staged import RAW_CHARS_MAX, REJECTS_KEPT_MAX, Staged
from infra.warehouse import tables
from infra.warehouse.quoting import literal

TABLE = REJECTS
COLUMNS = (
    Column(name="file", type="VARCHAR"),
    Column(name="line", type="BIGINT"),
    Column(name="reason", type="VARCHAR"),
    Column(name="raw", type="VARCHAR"),
    Column(name="_dango_run", type="BIGINT"),
)
SHAPE = '[{"file":"VARCHAR","line":"BIGINT","reason":"VARCHAR","raw":"VARCHAR"}]'


def write(connection: duckdb.DuckDBPyConnection, load: ports.Load, staged: Staged) -> None:
    """Put this run's rows in the place of those of the same files; call it inside of `commit`."""
    name = tables.Name(schema=load.schema, table=TABLE)
    if tables.columns(connection, name):
        gone = {file for table in staged.tables for file in table.gone_files}
        if gone:
            what = gone_sql(sorted(gone)).replace("_dango_file", "file")
            connection.execute(f"DELETE FROM {name.sql} WHERE {what}")  # noqa: S608 - quoted
    elif staged.rejects:
        tables.create(connection, name, COLUMNS)
    if not staged.rejects:
        return
    kept = [
        msgspec.structs.replace(each, raw=each.raw[:RAW_CHARS_MAX] if each.raw else each.raw)
        for each in staged.rejects[:REJECTS_KEPT_MAX]
    ]
    connection.execute(
        f"INSERT INTO {name.sql} SELECT *, {int(load.job)} FROM ("  # noqa: S608 - quoted
        f"SELECT unnest(from_json(?::JSON, {literal(SHAPE)}), recursive := true))",
        [msgspec.json.encode(kept).decode()],
    )
