"""The numbers of monitors, and which parts of a table a change came from.

Expressions and conditions are code of the project, but come from a file: each statement passes the
gate of ad-hoc queries before it runs, in the same locked connection.
"""

import contextlib
import math
import threading
from collections.abc import Iterator
from typing import Any, Final

import duckdb

from commands import inspecting
from commands.ports import WorkFailed, WorkRefused
from domain.monitor_runs import KEY_CHARS_MAX, PARTS_MAX, Part
from domain.monitors import Monitor
from domain.pii import CONFIDENCE_MIN
from infra.inspecting.judging import Sample, judge
from infra.inspecting.settings import Settings
from infra.querying import gate, messages, sandbox
from infra.warehouse.quoting import identifier

KEYS_MAX: Final = 1_000  # of a column, the largest changes, that are looked at
NO_NUMBER: Final = "The expression must make one number of the whole table."
NULL: Final = "The expression gives NULL: no row counts. coalesce(…, 0) makes a number of it."
SLOW: Final = "The statement took longer than {} seconds and was stopped."
TOO_MUCH: Final = "The statement needs more memory than a monitor may take."


def measure(
    con: duckdb.DuckDBPyConnection, settings: Settings, wanted: inspecting.Measure
) -> inspecting.Measured:
    """Ask for each number; one that cannot be had leaves the others alone."""
    con.begin()
    try:
        snapshot = sandbox.current_snapshot(con)
        readings = tuple(_reading(con, settings, monitor) for monitor in wanted.monitors)
    finally:
        with contextlib.suppress(duckdb.Error):
            con.rollback()
    return inspecting.Measured(snapshot=snapshot, readings=readings)


def drill_down(
    con: duckdb.DuckDBPyConnection, settings: Settings, wanted: inspecting.DrillDown
) -> inspecting.DrilledDown:
    """By column, what changed most; a column that tells of persons is left out."""
    con.begin()
    try:
        parts = [
            part
            for column in wanted.columns
            for part in _parts(con, settings, wanted.monitor, column, wanted.before)
        ]
    finally:
        with contextlib.suppress(duckdb.Error):
            con.rollback()
    return inspecting.DrilledDown(parts=tuple(parts))


def _reading(
    con: duckdb.DuckDBPyConnection, settings: Settings, monitor: Monitor
) -> inspecting.Reading:
    sql = f"SELECT {monitor.value_expression}\nFROM {_table(monitor)}{_where(monitor)}"
    try:
        rows = _rows(con, settings, sql, 2)
        value = _number(rows)
    except WorkFailed as error:
        return inspecting.Reading(monitor=monitor.name, error=error.reason)
    return inspecting.Reading(monitor=monitor.name, value=value)


def _number(rows: list[tuple[Any, ...]]) -> float:
    if len(rows) != 1 or len(rows[0]) != 1:
        raise WorkRefused(NO_NUMBER)
    if rows[0][0] is None:
        raise WorkRefused(NULL)
    try:
        value = float(rows[0][0])
    except (TypeError, ValueError, OverflowError):
        raise WorkRefused(NO_NUMBER) from None
    if not math.isfinite(value) or isinstance(rows[0][0], str):
        raise WorkRefused(NO_NUMBER)
    return value


def _rows(
    con: duckdb.DuckDBPyConnection, settings: Settings, sql: str, count: int
) -> list[tuple[Any, ...]]:
    """Rows of a statement that passes the gate. Raises WorkFailed."""
    alarm = threading.Timer(settings.statement_s_max, con.interrupt)
    try:
        statement = gate.check(sql, sandbox.published(con), con)
        alarm.start()
        return con.execute(statement.sql).fetchmany(count)
    except duckdb.InterruptException:
        _anew(con)
        raise WorkFailed(SLOW.format(f"{settings.statement_s_max:g}")) from None
    except duckdb.OutOfMemoryException:
        _anew(con)
        raise WorkFailed(TOO_MUCH) from None
    except duckdb.Error as error:
        _anew(con)
        raise messages.refused(error, sql, values=False) from None  # it goes into the log
    finally:
        alarm.cancel()


def _anew(con: duckdb.DuckDBPyConnection) -> None:
    """A statement that failed has ended the transaction, or made it useless."""
    with contextlib.suppress(duckdb.Error):
        con.rollback()
    con.begin()


def _parts(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    monitor: Monitor,
    column: str,
    before: int | None,
) -> Iterator[Part]:
    rows = None
    if before is not None:
        with contextlib.suppress(WorkFailed):  # the commit may be expired
            rows = _rows(con, settings, _changes(monitor, column, before), KEYS_MAX)
    if rows is None:
        try:
            rows = _rows(con, settings, _shares(monitor, column), KEYS_MAX)
        except WorkFailed:  # the column is gone, or cannot be asked like this
            return
    keys = [str(row[0]) for row in rows if row[0] is not None]
    verdict = judge(Sample(column=column, table=monitor.table, type="VARCHAR", found=keys))
    if verdict is not None and verdict.confidence >= CONFIDENCE_MIN:
        return
    numbers = [(key, _finite(now), _finite(past)) for key, now, past in rows]
    total = sum(abs((now or 0.0) - (past or 0.0)) for _, now, past in numbers)
    for key, now, past in numbers[:PARTS_MAX]:
        change = abs((now or 0.0) - (past or 0.0))
        yield Part(
            column=column,
            key=None if key is None else str(key)[:KEY_CHARS_MAX],
            now=now or 0.0,
            before=past,
            share=change / total if total else 0.0,
        )


def _changes(monitor: Monitor, column: str, before: int) -> str:
    now, past = _grouped(monitor, column, None), _grouped(monitor, column, before)
    return (
        "SELECT coalesce(n._dango_key, b._dango_key),"  # noqa: S608 - gated
        " coalesce(n._dango_value, 0), coalesce(b._dango_value, 0)"
        f" FROM ({now}) AS n FULL JOIN ({past}) AS b"
        " ON n._dango_key IS NOT DISTINCT FROM b._dango_key"
        " ORDER BY abs(coalesce(n._dango_value, 0) - coalesce(b._dango_value, 0)) DESC, 1"
    )


def _shares(monitor: Monitor, column: str) -> str:
    grouped = _grouped(monitor, column, None)
    return f"SELECT _dango_key, _dango_value, NULL FROM ({grouped}) ORDER BY 2 DESC, 1"  # noqa: S608 - gated


def _grouped(monitor: Monitor, column: str, snapshot: int | None) -> str:
    text = f"CAST({identifier(column)} AS VARCHAR)"
    at = "" if snapshot is None else f" AT (VERSION => {int(snapshot)})"
    return (
        f"SELECT {text} AS _dango_key, {monitor.value_expression}\nAS _dango_value"  # noqa: S608 - gated
        f" FROM {_table(monitor)}{at}{_where(monitor)} GROUP BY {text}"
    )


def _finite(value: Any) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _table(monitor: Monitor) -> str:
    return f"{identifier(monitor.schema)}.{identifier(monitor.table)}"


def _where(monitor: Monitor) -> str:
    return "" if monitor.filter is None else f" WHERE ({monitor.filter}\n)"
