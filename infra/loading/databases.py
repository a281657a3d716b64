"""Types `postgres`, `mysql`, `sqlite`, `sql_database`: tables, whole or what is new in them."""

import datetime as dt
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy
from sqlalchemy import exc

from commands import ports
from domain.source_types.databases import DatabaseTable, SqliteBlock, TablesBlock
from infra.loading import showing, state
from infra.loading import staged as staging
from infra.loading.settings import LoadSettings
from infra.loading.sql import columns, connect, cursors
from infra.loading.staged import Staged, StagedTable
from infra.warehouse import temporary
from infra.warehouse.quoting import literal
from infra.workers.desk import Desk

NAMES_TOLD_MAX: Final = 20
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9_-]")
_SYSTEM: Final = ("sqlite_",)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How one table is read; `since` is inclusive where rows have a key, exclusive elsewhere."""

    wanted: DatabaseTable
    table: sqlalchemy.Table
    write: str
    keys: tuple[str, ...]
    since: Any = None
    until: Any = None

    @property
    def name(self) -> str:
        """The table in the warehouse."""
        return _NOT_PLAIN.sub("_", self.wanted.name)


class Reader:
    """One load's way from a database to staged Parquet."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        load: ports.Load,
        settings: LoadSettings,
        desk: Desk,
    ) -> None:
        self._connection, self._load, self._settings = connection, load, settings
        self._desk = desk
        self._block: TablesBlock = connect.block(load)
        self._before: dict[str, Any] = {}

    def stage(self) -> Staged:
        """Read every table."""
        load = self._load
        if not load.full_refresh:
            self._before = state.read(self._connection, load.source).cursors
        cursors_now = dict(self._before)
        done: list[StagedTable] = []
        try:
            with connect.opened(load) as database, self._folder() as folder:
                for plan in self.plans(database):
                    found, reached = self._table(database, plan, folder)
                    done.append(found)
                    # A run over a range of the past does not move the point that was reached.
                    if reached is not None and plan.until is None:
                        cursors_now[plan.name] = reached
        except BaseException:
            staging.discard([path for one in done for path in one.paths])
            raise
        return Staged(tables=tuple(done), state=cursors_now)

    def sample(self) -> ports.Sample:
        """Read the first rows of the first table."""
        with connect.opened(self._load) as database, self._folder() as folder:
            plans = self.plans(database)
            names = [plan.wanted.name for plan in plans[1:]]
            more = [f"{name}: is there too" for name in names[:NAMES_TOLD_MAX]]
            if len(names) > NAMES_TOLD_MAX:
                more.append(f"{len(names) - NAMES_TOLD_MAX} more tables")
            if not plans:
                return ports.Sample(columns=(), rows=(), notes=("There are no tables.",))
            file = folder / "sample.parquet"
            self._written(database, plans[0], file, rows_max=showing.ROWS_SHOWN)
            return showing.first_rows(self._connection, _read(file), more)

    def plans(self, database: sqlalchemy.Connection) -> list[Plan]:
        """Look at every table. Raises WorkRefused."""
        wanted = self._block.chosen() or tuple(
            DatabaseTable(name=name) for name in self._all(database)
        )
        plans = [self._plan(database, one) for one in wanted]
        seen: dict[str, str] = {}
        for plan in plans:
            other = seen.setdefault(plan.name.lower(), plan.wanted.name)
            if other != plan.wanted.name:
                reason = f"Tables '{other}' and '{plan.wanted.name}' would both be '{plan.name}'."
                raise ports.WorkRefused(reason)
        return plans

    def _all(self, database: sqlalchemy.Connection) -> list[str]:
        names = sqlalchemy.inspect(database).get_table_names(schema=self._schema)
        return sorted(name for name in names if not name.startswith(_SYSTEM))

    @property
    def _schema(self) -> str | None:
        return (
            None if isinstance(self._block, SqliteBlock) else getattr(self._block, "schema", None)
        )

    def _plan(self, database: sqlalchemy.Connection, wanted: DatabaseTable) -> Plan:
        metadata = sqlalchemy.MetaData()
        try:
            table = sqlalchemy.Table(
                wanted.name,
                metadata,
                schema=self._schema,
                autoload_with=database,
                resolve_fks=False,
            )
        except exc.NoSuchTableError:
            raise ports.WorkRefused(f"There is no table '{wanted.name}'.") from None
        keys = wanted.keys or tuple(column.name for column in table.primary_key.columns)
        told = (*keys, *wanted.columns, *((wanted.cursor,) if wanted.cursor else ()))
        for name in told:
            if name not in table.columns:
                raise ports.WorkRefused(f"Table '{wanted.name}' has no column '{name}'.")
        if wanted.cursor is None:
            write = wanted.write_disposition or "replace"
        else:
            write = wanted.write_disposition or ("merge" if keys else "append")
        if write == "merge" and not keys:
            raise ports.WorkRefused(f"Table '{wanted.name}' needs a primary_key to be merged.")
        if wanted.columns:
            wanted = msgspec.structs.replace(wanted, columns=tuple(dict.fromkeys(told)))
        since, until = self._range(table, wanted)
        return Plan(
            wanted=wanted,
            table=table,
            write="replace" if self._load.full_refresh else write,
            keys=keys if write != "replace" else (),
            since=since,
            until=until,
        )

    def _range(self, table: sqlalchemy.Table, wanted: DatabaseTable) -> tuple[Any, Any]:
        if wanted.cursor is None:
            return None, None
        column = table.columns[wanted.cursor]
        load = self._load
        until = None
        dated = _is_dated(column)
        if load.end_date is not None and dated:
            day = dt.date.fromisoformat(load.end_date) + dt.timedelta(days=1)
            until = cursors.as_cursor(day.isoformat(), column)
        if load.start_date is not None and dated:
            return cursors.as_cursor(load.start_date, column), until
        kept = self._before.get(_NOT_PLAIN.sub("_", wanted.name))
        if kept is not None:
            value = cursors.value_of(kept)
            return cursors.earlier(value, self._block.lookback_days), until
        if wanted.initial_value is not None:
            return cursors.as_cursor(wanted.initial_value, column), until
        return None, until

    def _table(
        self, database: sqlalchemy.Connection, plan: Plan, folder: Path
    ) -> tuple[StagedTable, list[str] | None]:
        """Stage one table; its rows, and the point that was reached."""
        file = folder / "rows.parquet"
        reached = self._written(database, plan, file)
        made = staging.copy(self._connection, self._load, self._settings, plan.name, _read(file))
        file.unlink()
        empty = f"Table '{plan.wanted.name}' has no rows"
        made = msgspec.structs.replace(made, write=plan.write, keys=plan.keys, empty=empty)
        return made, cursors.kept(reached)

    def _written(
        self,
        database: sqlalchemy.Connection,
        plan: Plan,
        file: Path,
        *,
        rows_max: int | None = None,
    ) -> Any:
        """Write a table's rows to a file; the largest value of its cursor."""
        as_text: frozenset[str] = frozenset()
        while True:
            shapes = columns.shapes(plan.table, plan.wanted.columns, as_text)
            try:
                return self._attempt(database, plan, shapes, file, rows_max=rows_max)
            except columns.Unfit as unfit:
                if unfit.columns <= as_text:
                    names = ", ".join(sorted(unfit.columns))
                    reason = f"Table '{plan.wanted.name}' cannot be read: see column {names}."
                    raise ports.WorkRefused(reason) from None
                as_text |= unfit.columns

    def _attempt(
        self,
        database: sqlalchemy.Connection,
        plan: Plan,
        shapes: Sequence[columns.Shape],
        file: Path,
        *,
        rows_max: int | None,
    ) -> Any:
        place = (
            [shape.name for shape in shapes].index(plan.wanted.cursor)
            if plan.wanted.cursor
            else None
        )
        schema = pa.schema([(shape.name, shape.type) for shape in shapes])
        reached, rows = plan.since, 0
        with pq.ParquetWriter(file, schema, compression="snappy") as writer:
            for batch in self._batches(database, plan, shapes, rows_max):
                values = list(zip(*batch, strict=True))
                arrays = [shape.array(one) for shape, one in zip(shapes, values, strict=True)]
                writer.write_batch(pa.record_batch(arrays, schema=schema))
                if place is not None:
                    seen = [value for value in values[place] if value is not None]
                    reached = max([*seen, *([] if reached is None else [reached])], default=None)
                rows += len(batch)
                self._desk.progress(ports.Progress(phase=f"reading: {plan.name}", done=rows))
        return reached

    def _batches(
        self,
        database: sqlalchemy.Connection,
        plan: Plan,
        shapes: Sequence[columns.Shape],
        rows_max: int | None,
    ) -> Iterator[Sequence[Any]]:
        query = sqlalchemy.select(*(shape.selected for shape in shapes))
        if plan.wanted.cursor is not None:
            column = plan.table.columns[plan.wanted.cursor]
            again = bool(plan.keys) or self._load.start_date is not None
            for bound, after in ((plan.since, True), (plan.until, False)):
                if bound is not None:
                    cursor, value = cursors.compared(database, column, bound)
                    later = cursor >= value if again else cursor > value
                    query = query.where(later if after else cursor < value)
        if rows_max is not None:
            query = query.limit(rows_max)
        result = database.execute(query)
        try:
            yield from result.partitions(connect.BATCH_ROWS)
        except (ValueError, TypeError):
            # The driver could not make sense of a date: SQLite takes anything in any column.
            raise columns.Unfit(columns.temporal(plan.table)) from None
        finally:
            result.close()

    def _folder(self) -> "_Folder":
        own = temporary.own_folder(self._settings.warehouse)
        return _Folder(prefix="database-", dir=own)


class _Folder(tempfile.TemporaryDirectory[str]):
    """A temporary folder, as a path."""

    def __enter__(self) -> Path:  # type: ignore[override]
        return Path(super().__enter__())


def stage(
    connection: duckdb.DuckDBPyConnection, load: ports.Load, settings: LoadSettings, desk: Desk
) -> Staged:
    """Read the tables of a database."""
    return Reader(connection, load, settings, desk).stage()


def sample(
    connection: duckdb.DuckDBPyConnection, load: ports.Load, settings: LoadSettings, desk: Desk
) -> ports.Sample:
    """Read the first rows of the first table; the others are named."""
    return Reader(connection, load, settings, desk).sample()


def _is_dated(column: sqlalchemy.Column[Any]) -> bool:
    return isinstance(column.type, sqlalchemy.DateTime | sqlalchemy.Date)


def _read(file: Path) -> str:
    return f"SELECT * FROM read_parquet({literal(str(file))})"  # noqa: S608 - quoted
