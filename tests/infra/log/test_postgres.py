"""What only a log in PostgreSQL has to prove: nothing is missed, and nobody writes beside it."""

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from eventsourcing.dcb.api import DCBEvent
from eventsourcing.dcb.postgres_tt import PostgresDCBRecorderTT
from eventsourcing.postgres import PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from commands.kernel import OutcomeUnknown, Overloaded
from domain.queries import QueryExecuted
from infra.log import postgres
from infra.log.envelope import Record, seal
from infra.log.port import Failure, LogInUse
from infra.log.postgres import LogMoved, PostgresLog, Unsafe
from infra.log.verify import verify
from tests.core import Core
from tests.decisions import recorded
from tests.engines import Postgres
from tests.infra.writing import end, held, query, together

EVENTS, WRITERS, PAGE = 2_000, 6, 50
PATIENCE_S = 60
ANY = [Record("any", b'["x:1"]', b"{}")]


@pytest.fixture
def place(tmp_path, postgres):
    return Postgres(postgres).place(tmp_path)


@pytest.fixture
def opened(place):
    """Opens the log once more; all are closed in the end."""
    with contextlib.ExitStack() as stack:
        yield lambda kind=PostgresLog, **more: stack.enter_context(
            contextlib.closing(kind(place, **more))
        )


@pytest.fixture
def other(place):
    """A connection that knows nothing of our lock."""
    url, schema = place.split("#")
    with psycopg.connect(url, autocommit=True, options=f"-c search_path={schema}") as connection:
        yield connection


def event(number):
    return DCBEvent("any", b"{}", [f"number:{number}"])


# nothing is missed


def tailed(log, until):
    """The positions that a reader sees who goes on from the last one that it saw."""
    seen, last = [], 0
    while True:
        finished = until.is_set()
        rows = log.fetch(None, after=last, limit=PAGE)
        seen.extend(position for position, *_ in rows)
        last = seen[-1] if seen else 0
        if finished and not rows:
            return seen


def test_a_reader_that_tails_six_writers_misses_nothing(opened):
    reader, finished = opened(), threading.Event()
    logs = [opened() for _ in range(WRITERS)]

    def write(number):
        log = logs[number]
        for one in range(number, EVENTS, WRITERS):
            log.append([event(one)])

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        seen = pool.submit(tailed, reader, finished)
        writing = [pool.submit(write, number) for number in range(WRITERS)]
        try:
            for each in writing:
                each.result(PATIENCE_S)
        finally:
            finished.set()

    assert list(range(1, EVENTS + 1)) == seen.result(PATIENCE_S)
    assert verify(reader.place).ok


def test_the_recorder_of_the_library_shows_what_would_be_missed(postgres, place):
    """The defect that our lock is for: a later position is seen before an earlier one."""
    told = conninfo_to_dict(postgres)
    store = PostgresDatastore(told["dbname"], told["host"], "5432", told["user"], "", pool_size=2)
    with contextlib.closing(store):
        library = PostgresDCBRecorderTT(store, events_table_name=place[-10:])
        library.create_table()
        with store.transaction(commit=True) as slow:
            library._unconditional_append(slow, library.construct_psycopg_dcb_events([event(1)]))
            library.append([event(2)])
            first = [found.position for found in library.read(limit=PAGE)]
        rest = [found.position for found in library.read(after=first[-1], limit=PAGE)]

        assert ([2], []) == (first, rest)
        assert [1, 2] == [found.position for found in library.read()]


class Unlocked(PostgresLog):
    """Our recorder with its lock taken out."""

    def _begun(self):
        self._alone = True
        try:
            return super()._begun()
        finally:
            self._alone = False


def test_without_its_lock_a_writer_fails_instead_of_passing_another(opened):
    slow, fast = opened(Unlocked), opened(Unlocked)
    slow.begin()
    slow.insert(ANY)
    assert 1 == len(slow.select(None))  # what is written goes out with the next read
    with ThreadPoolExecutor(1) as pool:
        overtaking = pool.submit(fast.append, [event(2)])
        assert [] == opened().fetch(None, limit=PAGE)
        slow.commit()
        with pytest.raises(psycopg.errors.UniqueViolation):
            overtaking.result(PATIENCE_S)


# nobody else writes


def test_a_second_server_is_refused_until_the_first_has_gone(opened, place):
    first = PostgresLog(place, alone=True)
    with pytest.raises(LogInUse, match="is in use by another Dango server"):
        PostgresLog(place, alone=True)
    first.close()

    opened(alone=True).append([event(1)])


def test_who_is_no_server_cannot_write_beside_one(opened, monkeypatch):
    monkeypatch.setattr(postgres, "LOCK_TIMEOUT_S", 1)
    log, late = opened(), None
    opened_alone = opened(alone=True)
    with pytest.raises(psycopg.errors.LockNotAvailable) as caught:
        late = log.append([event(1)])

    assert (None, Failure.BUSY) == (late, log.failure(caught.value))
    assert 1 == opened_alone.append([event(1)])


# the connection


def lived(place, part):
    """A part of a story with a core over this log."""

    async def live(folder):
        async with Core(folder, recorder=lambda _: PostgresLog(place, alone=True)) as core:
            await part(core)

    return lambda folder: asyncio.run(live(folder))


def test_a_connection_that_was_lost_between_commands_is_made_anew(tmp_path, place):
    async def part(core):
        await core.send(query(1))
        for number, connection in enumerate(
            (core.log.connection, core.log._read._connection, core.log._side._connection), 2
        ):
            end(connection)
            assert number == (await core.send(query(number))).position
        assert 4 == core.log.head() == core.views.position
        assert b"SELECT 1" == core.vault.read("query", "q4")

    lived(place, part)(tmp_path)


def test_a_connection_that_is_lost_within_a_group_costs_that_group_alone(tmp_path, place):
    async def part(core):
        await core.send(query(1))
        async with held(core):
            waiting = asyncio.create_task(core.send(query(2)))
            await asyncio.sleep(0)
            begin = core.log.begin
            core.log.begin = lambda: (begin(), end(core.log.connection))
        with pytest.raises(Overloaded):
            await waiting
        core.log.begin = begin
        assert 2 == (await core.send(query(2))).position

    lived(place, part)(tmp_path)


def test_after_somebody_else_wrote_nothing_is_written_any_more(tmp_path, place, other):
    async def part(core):
        await core.send(query(1))
        other.execute("INSERT INTO events VALUES (2, 'any', '[]', '{}', '')")
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                await core.send(query(2))
        assert "somebody else" in core.writer.failed

    lived(place, part)(tmp_path)


def test_after_another_server_took_over_nothing_is_written_any_more(opened):
    first = opened(alone=True)
    end(first.connection)
    opened(alone=True)

    with pytest.raises(LogMoved) as caught:
        first.begin()
    assert Failure.LOST is first.failure(caught.value)


def test_a_table_that_somebody_locks_is_busy_and_later_free(tmp_path, place, other, monkeypatch):
    monkeypatch.setattr(postgres, "LOCK_TIMEOUT_S", 1)

    async def part(core):
        with other.transaction():
            other.execute("LOCK TABLE events IN SHARE MODE")
            with pytest.raises(Overloaded):
                await core.send(query(1))
        assert 1 == (await core.send(query(1))).position

    lived(place, part)(tmp_path)


def test_the_commit_of_a_transaction_that_failed_is_no_commit(opened):
    log = opened(alone=True)
    log.begin()
    log.insert(ANY)
    log.move_policy("syncs", None)
    with pytest.raises(psycopg.errors.NotNullViolation) as caught:
        log.commit()
    assert Failure.BUG is log.failure(caught.value)
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        log.commit()
    log.rollback()

    assert (0, 0) == (log.last, log.head())
    assert 1 == log.append([event(1)])


def test_what_is_no_text_for_postgresql_fails_alone(tmp_path, place):
    async def part(core):
        before, wrong, after = await together(core, query(1), query("\0"), query(2))

        assert [1, 2] == [before.position, after.position]
        assert isinstance(wrong, psycopg.DataError)

    lived(place, part)(tmp_path)


# what is promised


def test_what_is_answered_was_synced_also_where_the_role_says_otherwise(opened, other):
    log = opened()
    log.close()
    other.execute("ALTER ROLE postgres SET synchronous_commit = off")
    try:
        with contextlib.closing(PostgresLog(log.place)) as again:
            shown = again.connection.execute("SHOW synchronous_commit").fetchall()
    finally:
        other.execute("ALTER ROLE postgres RESET synchronous_commit")

    assert [("on",)] == shown


def test_a_database_that_cannot_hold_every_text_is_refused(postgres, other):
    other.execute("CREATE DATABASE narrow ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")

    with pytest.raises(Unsafe, match="SQL_ASCII"):
        PostgresLog(postgres.replace("/postgres?", "/narrow?"))


# who changes the log is found out


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE events SET data = '{}' WHERE position = 7", "its hash does not fit its content"),
        ("UPDATE events SET type = 'other' WHERE position = 7", "its hash does not fit"),
        ("UPDATE events SET tags = '[' WHERE position = 7", "its hash does not fit its content"),
        ("UPDATE events SET hash = '' WHERE position = 7", "its hash does not fit its content"),
        ("DELETE FROM events WHERE position = 7", "event 7 is missing"),
        ("DELETE FROM event_tags WHERE position = 7", "the tags by which it is found"),
        ("UPDATE event_tags SET tag = 'x:1' WHERE position = 7", "the tags by which it is found"),
        ("UPDATE event_tags SET type = 'x' WHERE position = 7", "the tags by which it is found"),
        ("INSERT INTO event_tags VALUES ('x:1', 'x', 7)", "the tags by which it is found"),
    ],
)
def test_any_change_is_found_at_its_position(opened, other, change, problem):
    log = opened()
    log.begin()
    log.insert(
        [
            seal(recorded(number, QueryExecuted(query_id=f"q{number}", outcome="answered")))
            for number in range(1, 21)
        ]
    )
    log.commit()
    assert (True, 20, log.digest.hex()) == ((ok := verify(log.place)).ok, ok.head, ok.hash)

    other.execute(change)
    proof = verify(log.place)

    assert (False, 7) == (proof.ok, proof.position)
    assert problem in proof.problem
