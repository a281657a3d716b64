"""The query worker: one statement in, one answer out; see infra.workers.desk for the contract.

The deadline is the pool's: it kills this process, because the engine cannot interrupt all of its
functions. Each query is one transaction, so that the list of what may be read, the judgement and
the reading see the same commit.
"""

import contextlib
import threading
from typing import Any

import duckdb
import msgspec

from commands import ports
from infra.querying import files, gate, hints, messages, rows, sandbox
from infra.querying.masks import Masks
from infra.querying.relations import Published, Relation
from infra.querying.settings import Settings
from infra.workers.desk import Desk, Run

MIB = 1024 * 1024
# After these the engine may answer nothing any more; a new one is opened for the next query.
BROKEN = (duckdb.FatalException, duckdb.InternalException, duckdb.IOException)


class Reader:
    """One attached warehouse, and the relations of the commit that it saw last."""

    def __init__(self, con: duckdb.DuckDBPyConnection, *, masked: bool = False) -> None:
        self.con = con
        self.snapshot = -1
        self._source = sandbox.BEHIND_MASKS if masked else sandbox.CATALOG
        self._published = Published(sandbox.CATALOG, (), source=self._source)
        self.relations: tuple[Relation, ...] = ()  # that the last statement reads

    def published(self) -> Published:
        """List what may be read, again only after a new commit."""
        snapshot = sandbox.current_snapshot(self.con, self._source)
        if snapshot != self.snapshot:
            self._published = sandbox.published(self.con, self._source)
            self.snapshot = snapshot
        return self._published

    def columns(self) -> list[str]:
        """Name the columns of what the last statement reads."""
        return hints.columns_of(self.con, self._source, self.relations)


class Worker:
    """Answers queries against the newest commit or, when asked, an older one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        gate.parser()
        self._now: Reader | None = Reader(sandbox.open_reader(settings))
        self._now.published()
        # The past or the masked: one at a time, each is an engine with memory of its own.
        self._other: tuple[tuple[int | None, bool], Reader] | None = None

    def __call__(self, task: msgspec.Raw, _desk: Desk) -> ports.Queried:
        return self.answer(msgspec.json.decode(task, type=ports.Query))

    def answer(self, query: ports.Query) -> ports.Queried:
        """Judge and run one statement; raises WorkRefused, WorkFailed, or MemoryError.

        The engine keeps what it took, so a worker that met its limit is not fit for another task;
        MemoryError says so to the pool.
        """
        reader = None
        try:
            reader = self._reader(query.snapshot, masked=bool(query.masked))
            return _answer(reader, query)
        except duckdb.OutOfMemoryException:
            raise MemoryError from None
        except BROKEN as error:
            self._now = self._other = None
            raise messages.failed(error) from None
        except (duckdb.Error, files.Unreadable) as error:
            columns = tuple if reader is None else reader.columns
            raise messages.refused(error, query.sql, columns) from None

    def _reader(self, snapshot: int | None, *, masked: bool) -> Reader:
        if snapshot is not None or masked:
            return self._reader_of(snapshot, masked=masked)
        if self._now is None:
            self._now = self._open(None)
        return self._now

    def _reader_of(self, snapshot: int | None, *, masked: bool) -> Reader:
        key = snapshot, masked
        if self._other is None or self._other[0] != key:
            self._other = None
            self._other = key, self._open(snapshot, masked=masked)
        return self._other[1]

    def _open(self, snapshot: int | None, *, masked: bool = False) -> Reader:
        threads = sandbox.LATE_THREADS
        con = sandbox.open_reader(self._settings, snapshot=snapshot, threads=threads, masked=masked)
        return Reader(con, masked=masked)


def start(config: msgspec.Raw) -> Run:
    """Open the sandbox; what takes long to import comes in while the worker waits for a task."""
    worker = Worker(msgspec.json.decode(config, type=Settings))
    threading.Thread(target=_import_second_parser, daemon=True).start()
    return worker


def _answer(reader: Reader, query: ports.Query) -> ports.Queried:
    con = reader.con
    con.begin()
    reader.relations = ()
    try:
        statement = gate.check(query.sql, reader.published(), con)
        reader.relations = statement.relations
        masks = Masks(con, reader.published(), reader.snapshot, query.masked)
        if query.masked:
            masks.put_before(statement)
        con.execute(statement.sql)
        columns, types = _shape(con.description or [])
        bounds = {"rows_max": query.rows_max, "bytes_max": query.result_bytes_max}
        if query.format is ports.ResultFormat.JSON:
            found = rows.collect(con, types, **bounds)
        else:
            found = files.collect(con, query.format, columns, **bounds)
    finally:
        # A failed statement has ended the transaction already.
        with contextlib.suppress(duckdb.Error):
            con.rollback()
    warning = None
    if found.cut_by_size:
        warning = f"The result was cut after {found.count} rows: it is larger than "
        warning += f"{query.result_bytes_max / MIB:.3g} MiB."
    return ports.Queried(
        columns=columns,
        types=types,
        rows=found.json,
        file=found.file,
        row_count=found.count,
        truncated=found.truncated,
        relations=tuple(str(relation) for relation in statement.relations),
        warning=warning,
        masked=tuple(masks.masked),
    )


def _shape(description: list[Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = tuple(str(column[0]) for column in description)
    return names, tuple(str(column[1]) for column in description)


def _import_second_parser() -> None:
    from infra.querying import second_parse  # noqa: F401
