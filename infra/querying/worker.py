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
from infra.querying import gate, messages, rows, sandbox
from infra.querying.relations import Published
from infra.querying.settings import Settings
from infra.workers.desk import Desk, Run

MIB = 1024 * 1024
# After these the engine may answer nothing any more; a new one is opened for the next query.
BROKEN = (duckdb.FatalException, duckdb.InternalException, duckdb.IOException)


class Reader:
    """One attached warehouse, and the relations of the commit that it saw last."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self._snapshot = -1
        self._published = Published(sandbox.CATALOG, ())

    def published(self) -> Published:
        """List what may be read, again only after a new commit."""
        snapshot = sandbox.current_snapshot(self.con)
        if snapshot != self._snapshot:
            self._published, self._snapshot = sandbox.published(self.con), snapshot
        return self._published


class Worker:
    """Answers queries against the newest commit or, when asked, an older one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._now: Reader | None = Reader(sandbox.open_reader(settings))
        self._now.published()
        self._past: tuple[int, Reader] | None = None

    def __call__(self, task: msgspec.Raw, _desk: Desk) -> ports.Queried:
        return self.answer(msgspec.json.decode(task, type=ports.Query))

    def answer(self, query: ports.Query) -> ports.Queried:
        """Judge and run one statement; raises WorkRefused, WorkFailed, or MemoryError.

        The engine keeps what it took, so a worker that met its limit is not fit for another task;
        MemoryError says so to the pool.
        """
        try:
            return _answer(self._reader(query.snapshot), query)
        except duckdb.OutOfMemoryException:
            raise MemoryError from None
        except BROKEN as error:
            self._now = self._past = None
            raise messages.failed(error) from None
        except duckdb.Error as error:
            raise messages.refused(error, query.sql) from None

    def _reader(self, snapshot: int | None) -> Reader:
        if snapshot is not None:
            return self._reader_of(snapshot)
        if self._now is None:
            self._now = self._open(None)
        return self._now

    def _reader_of(self, snapshot: int) -> Reader:
        if self._past is None or self._past[0] != snapshot:
            self._past = None
            self._past = snapshot, self._open(snapshot)
        return self._past[1]

    def _open(self, snapshot: int | None) -> Reader:
        threads = sandbox.LATE_THREADS
        return Reader(sandbox.open_reader(self._settings, snapshot=snapshot, threads=threads))


def start(config: msgspec.Raw) -> Run:
    """Open the sandbox; what takes long to import comes in while the worker waits for a task."""
    worker = Worker(msgspec.json.decode(config, type=Settings))
    threading.Thread(target=_import_second_parser, daemon=True).start()
    return worker


def _answer(reader: Reader, query: ports.Query) -> ports.Queried:
    con = reader.con
    con.begin()
    try:
        statement = gate.check(query.sql, reader.published(), con)
        con.execute(statement.sql)
        columns, types = _shape(con.description or [])
        found = rows.collect(con, types, rows_max=query.rows_max, bytes_max=query.result_bytes_max)
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
        row_count=found.count,
        truncated=found.truncated,
        relations=tuple(str(relation) for relation in statement.relations),
        warning=warning,
    )


def _shape(description: list[Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = tuple(str(column[0]) for column in description)
    return names, tuple(str(column[1]) for column in description)


def _import_second_parser() -> None:
    from infra.querying import second_parse  # noqa: F401
