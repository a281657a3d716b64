"""Handler of the kind "inspect": looks for personal data, counts, asks for monitors' numbers.

The warehouse is attached for reading alone and everything else is locked away, as for queries. A
sample is the same for the same commit: one thread, a fixed seed.
"""

from collections.abc import Iterator, Sequence

import duckdb
import msgspec

from commands import inspecting, profiling
from domain.datasets import Column
from domain.pii import Finding, Looked
from infra.inspecting import measuring
from infra.inspecting.judging import Sample, judge
from infra.inspecting.profiling import profile
from infra.inspecting.settings import Settings
from infra.querying import sandbox
from infra.querying.settings import Settings as Sandbox
from infra.warehouse.attach import LAKE
from infra.warehouse.quoting import identifier
from infra.warehouse.tables import described, one_state
from infra.workers.desk import Desk, Run

Task = inspecting.Inspect | inspecting.Measure | inspecting.DrillDown | profiling.Profile
Answer = (
    inspecting.Inspected | inspecting.Measured | inspecting.DrilledDown | profiling.TableProfile
)

SEED = 1
# Of what can be judged; of lists and structs, the text that they are shown as.
NEVER = ("BOOLEAN", "BLOB", "BIT", "UUID", "INTERVAL", "TIME", "FLOAT", "DOUBLE", "GEOMETRY")


def start(config: msgspec.Raw) -> Run:
    """Open the sandbox; the rules come in with this module."""
    settings = msgspec.json.decode(config, type=Settings)
    bounds = Sandbox(
        warehouse=settings.warehouse, memory_bytes_max=settings.memory_bytes_max, threads=1
    )
    connection = sandbox.open_reader(bounds)

    def run(task: msgspec.Raw, _desk: Desk) -> Answer:
        wanted = msgspec.json.decode(task, type=Task)
        try:
            match wanted:
                case inspecting.Measure():
                    return measuring.measure(connection, settings, wanted)
                case inspecting.DrillDown():
                    return measuring.drill_down(connection, settings, wanted)
                case profiling.Profile():
                    return profile(connection, wanted)
                case _:
                    return inspect(connection, settings, wanted)
        except duckdb.OutOfMemoryException:
            raise MemoryError from None

    return run


def inspect(
    connection: duckdb.DuckDBPyConnection, settings: Settings, wanted: inspecting.Inspect
) -> inspecting.Inspected:
    """Look through the tables, in one transaction: all of one commit."""
    findings: list[Finding] = []
    looked: list[Looked] = []
    with one_state(connection):
        for table in wanted.tables:
            columns = _there(connection, table)
            if columns:
                looked.append(msgspec.structs.replace(table, columns=columns))
                findings += _findings(connection, settings, looked[-1])
    return inspecting.Inspected(findings=tuple(findings), tables=tuple(looked))


def _there(connection: duckdb.DuckDBPyConnection, table: Looked) -> tuple[Column, ...]:
    """Those of the columns that are there still, with the types that they have now."""
    found = described(connection, f"{LAKE}.{identifier(table.schema)}.{identifier(table.table)}")
    types = {column.name: column.type for column in found}
    return tuple(
        Column(name=column.name, type=types[column.name])
        for column in table.columns
        if column.name in types
    )


def _findings(
    connection: duckdb.DuckDBPyConnection, settings: Settings, table: Looked
) -> Iterator[Finding]:
    wanted = [column for column in table.columns if not column.type.startswith(NEVER)]
    for at in range(0, len(wanted), settings.columns_at_once):
        columns = wanted[at : at + settings.columns_at_once]
        rows = _sample(connection, settings, table, columns)
        for number, column in enumerate(columns):
            found = [value for row in rows if (value := row[number]) is not None]
            verdict = judge(
                Sample(column=column.name, table=table.table, type=column.type, found=found)
            )
            if verdict is not None:
                yield Finding(
                    schema=table.schema,
                    table=table.table,
                    column=column.name,
                    kind=verdict.kind,
                    confidence=verdict.confidence,
                    samples=len(found),
                )


def _sample(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    table: Looked,
    columns: Sequence[Column],
) -> list[tuple[str | None, ...]]:
    """Rows as text, drawn from the first ones of the table."""
    names = ", ".join(identifier(column.name) for column in columns)
    texts = ", ".join(
        f"left(CAST({identifier(column.name)} AS VARCHAR), {int(settings.value_chars_max)})"
        for column in columns
    )
    source = f"{LAKE}.{identifier(table.schema)}.{identifier(table.table)}"
    sql = (
        f"SELECT {texts} FROM (SELECT {names} FROM {source} LIMIT {int(settings.rows_read_max)})"  # noqa: S608 - quoted
        f" USING SAMPLE reservoir({int(settings.sample_rows)} ROWS) REPEATABLE ({SEED})"
    )
    return connection.execute(sql).fetchall()
