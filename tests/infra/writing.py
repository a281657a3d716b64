"""Commands, faults and groups for tests of the writer."""

import asyncio
import contextlib
import functools
import sqlite3
import threading

import psycopg

from commands.kernel import (
    Command,
    Keep,
)
from commands.queries import RecordQuery
from commands.table import DECIDERS
from domain.kernel import Decider
from domain.queries import QueryExecuted
from infra.log.postgres import PostgresLog
from infra.log.sqlite import SQLiteLog
from tests.core import ORIGIN, Core

PATIENCE_S = 20


def query(number=1, sql="SELECT 1"):
    return RecordQuery(executed=executed(number), sql=sql)


def executed(number=1):
    return QueryExecuted(query_id=f"q{number}", outcome="answered")


class Break(Command, frozen=True, kw_only=True):
    """A command with a bug."""

    vaulted: bool = False

    def vault(self):
        return (Keep("kind", "fine", b""), Keep("kind", "\udfff", b""))


def broken(state, command):
    if not command.vaulted:
        raise ZeroDivisionError
    return [executed("broken")]


BREAK = Decider(initial=None, boundary=lambda _: (), evolve=lambda s, _: s, decide=broken)
SEEN = {**DECIDERS, Break: BREAK}


class Faulty:
    """A log that counts its commits, and cannot commit when it is told so."""

    fault, commits = None, 0

    def commit(self):
        self.commits += 1
        if self.fault is not None:
            self.fail(self.fault)
        super().commit()


class FaultySQLite(Faulty, SQLiteLog):
    """On a disk that fails in the way that is named."""

    def fail(self, name):
        error = sqlite3.OperationalError("the disk failed")
        error.sqlite_errorcode = getattr(sqlite3, f"SQLITE_{name}")
        raise error


class FaultyPostgres(Faulty, PostgresLog):
    """In a database that is full, or whose server goes away at the moment of the commit."""

    def fail(self, name):
        if name == "FULL":
            raise psycopg.errors.DiskFull("could not extend the file")
        self._unsent.close()  # all that was written has arrived; only COMMIT is to be said
        end(self.connection)


def end(connection):
    """What a crash of its backend does to a connection."""
    with psycopg.connect(connection.info.dsn, autocommit=True) as other:
        pid = connection.info.backend_pid
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def faulty(engine):
    """The recorder of an engine, with faults."""
    if engine.name == "sqlite":
        return FaultySQLite
    return lambda path: FaultyPostgres(engine.place(path.parent), alone=True)


def story(told):
    """A test that is lived inside of a core, on each engine."""

    @functools.wraps(told)
    def test(tmp_path, engine):
        async def live():
            async with Core(tmp_path, recorder=faulty(engine), deciders=SEEN) as core:
                await asyncio.wait_for(told(core), PATIENCE_S)

        asyncio.run(live())

    del test.__wrapped__  # else pytest asks for the argument `core`
    return test


@contextlib.asynccontextmanager
async def held(core):
    """The writer thread waits, so that what is sent meanwhile stands in the queue."""
    reached, free = threading.Event(), threading.Event()

    def hold():
        reached.set()
        assert free.wait(PATIENCE_S)

    holding = asyncio.create_task(core.writer.call(hold))
    await asyncio.to_thread(reached.wait, PATIENCE_S)
    try:
        yield
    finally:
        free.set()
        await holding


async def together(core, *commands, origins=()):
    """Send all of these in one group; answers their outcomes and exceptions."""
    async with held(core):
        origins = origins or [ORIGIN] * len(commands)
        tasks = [
            asyncio.create_task(core.send(command, origin))
            for command, origin in zip(commands, origins, strict=True)
        ]
        await asyncio.sleep(0)
    return await asyncio.gather(*tasks, return_exceptions=True)


def ids(core):
    return [item.event.query_id for item in core.stored()]
