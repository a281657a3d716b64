"""The way of a command: decided in order, durable in groups, seen by whoever asked."""

import asyncio
import contextlib
import functools
import sqlite3
import threading
from datetime import timedelta

import msgspec
import pytest

from commands.kernel import (
    Command,
    Keep,
    KeyReused,
    Once,
    OutcomeUnknown,
    Overloaded,
    StorageFull,
)
from commands.queries import RecordQuery
from commands.table import DECIDERS
from commands.upkeep import RequestMaintenance
from domain.kernel import Decider
from domain.queries import QueryExecuted
from domain.upkeep import MaintenanceRunning
from infra.log.sqlite import SYNCHRONOUS_FULL, SQLiteLog
from infra.log.verify import verify
from infra.writer import GROUP_COMMANDS_MAX, QUEUE_COMMANDS_MAX
from tests.core import ORIGIN, Core
from tests.decisions import NOW

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


class Faulty(SQLiteLog):
    """A recorder on a disk that fails when it is told to."""

    fault = None

    def commit(self):
        if self.fault is not None:
            raise self.fault
        super().commit()


def fault(name):
    error = sqlite3.OperationalError("the disk failed")
    error.sqlite_errorcode = getattr(sqlite3, name)
    return error


def story(told):
    """A test that is lived inside of a core."""

    @functools.wraps(told)
    def test(tmp_path):
        async def live():
            async with Core(tmp_path, recorder=Faulty, deciders=SEEN) as core:
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


# groups


@story
async def test_commands_that_wait_share_one_commit(core):
    statements = []
    core.log.connection.set_trace_callback(statements.append)

    outcomes = await together(core, *(query(number) for number in range(GROUP_COMMANDS_MAX)))

    assert 1 == statements.count("COMMIT")
    assert list(range(1, GROUP_COMMANDS_MAX + 1)) == [outcome.position for outcome in outcomes]


@story
async def test_commands_are_decided_in_the_order_in_which_they_came(core):
    await together(core, *(query(number) for number in (3, 1, 2)))

    assert ["q3", "q1", "q2"] == ids(core)


@story
async def test_a_command_sees_what_those_before_it_in_its_group_led_to(core):
    first, second, third = await together(core, query(1), query(1), RequestMaintenance())

    assert (1, 1, 2) == (first.position, second.position, third.position)
    assert () == second.recorded


@story
async def test_whoever_is_answered_reads_what_was_written(core):
    async def send_and_read(number):
        outcome = await core.send(query(number))
        assert outcome.position <= core.views.position
        assert outcome.position <= core.views.current.position
        rows = core.views.current.rows("SELECT stream FROM events")
        assert (f"query:q{number}",) in rows

    await asyncio.gather(*(send_and_read(number) for number in range(200)))


@story
async def test_a_refused_command_inserts_nothing_and_the_others_go_through(core):
    await core.send(RequestMaintenance())

    before, refused, after = await together(core, query(1), RequestMaintenance(), query(2))

    assert MaintenanceRunning is type(refused)
    assert (2, 3) == (before.position, after.position)
    assert 3 == core.log.head() == core.views.position


@pytest.mark.parametrize("vaulted", [False, True])
def test_a_bug_in_one_command_is_not_the_others(tmp_path, vaulted):
    @story
    async def live(core):
        before, bug, after = await together(core, query(1), Break(vaulted=vaulted), query(2))

        assert (UnicodeEncodeError if vaulted else ZeroDivisionError) is type(bug)
        assert (1, 2) == (before.position, after.position)
        assert ["q1", "q2"] == ids(core)
        assert None is core.vault.read("kind", "fine")
        assert 2 == core.views.position
        assert 3 == (await core.send(query(3))).position

    live(tmp_path)


@story
async def test_a_full_queue_takes_nothing_more_and_loses_nothing(core):
    async with held(core):
        waiting = [
            asyncio.create_task(core.send(query(number))) for number in range(QUEUE_COMMANDS_MAX)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await core.send(query("late"))
    await asyncio.gather(*waiting)

    assert [f"q{number}" for number in range(QUEUE_COMMANDS_MAX)] == ids(core)


@story
async def test_a_caller_that_goes_away_does_not_take_its_command_with_it(core):
    async with held(core):
        task = asyncio.create_task(core.send(query()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert 2 == (await core.send(query(2))).position
    assert ["q1", "q2"] == ids(core)


@story
async def test_listeners_hear_what_was_committed_and_nothing_else(core):
    heard = []
    core.writer.listeners.append(heard.extend)
    await core.send(RequestMaintenance())

    await together(core, query(1), RequestMaintenance(), query(1), Break(), query(2))

    assert [1, 2, 3] == [item.position for item in heard]


# keys


def keyed(request="body", since=NOW - timedelta(hours=24), tag="key:1"):
    return msgspec.structs.replace(ORIGIN, once=Once(tag, request, since))


@story
async def test_a_key_gives_the_same_outcome_without_a_second_event(core):
    first = await core.send(query(1), keyed())
    await core.send(query(2))
    again = await core.send(query(3), keyed())

    assert (False, True) == (first.repeated, again.repeated)
    assert (first.position, first.recorded) == (again.position, again.recorded)
    assert ["q1", "q2"] == ids(core)


@story
async def test_a_key_counts_within_its_own_group(core):
    outcomes = await together(core, query(1), query(2), origins=[keyed(), keyed()])

    assert [False, True] == [outcome.repeated for outcome in outcomes]
    assert ["q1"] == ids(core)
    assert 1 == core.views.position


@story
async def test_a_key_that_comes_with_another_request_is_refused(core):
    await core.send(query(1), keyed())

    with pytest.raises(KeyReused):
        await core.send(query(2), keyed("another body"))
    assert ["q1"] == ids(core)


@story
async def test_a_key_that_is_older_than_its_life_counts_as_new(core):
    await core.send(query(1), keyed())
    core.clock.forward(hours=25)

    second = await core.send(query(2), keyed("another body", since=NOW + timedelta(hours=1)))
    again = await core.send(query(3), keyed("another body", since=NOW + timedelta(hours=1)))

    assert (2, False) == (second.position, second.repeated)
    assert (2, True) == (again.position, again.repeated)


@story
async def test_other_keys_are_other_requests(core):
    await core.send(query(1), keyed(tag="key:1"))

    assert not (await core.send(query(2), keyed(tag="key:2"))).repeated


# times


@story
async def test_times_never_go_back_even_if_the_clock_does(core):
    for seconds in (0, 5, -60, 1, 90):
        core.clock.now = NOW + timedelta(seconds=seconds)
        await core.send(query(seconds))

    assert [0, 5, 5, 5, 90] == [(item.at - NOW).total_seconds() for item in core.stored()]


def test_times_do_not_go_back_over_a_restart(tmp_path):
    async def one(number, now):
        async with Core(tmp_path) as core:
            core.clock.now = now
            return (await core.send(query(number))).recorded[0].at

    assert NOW == asyncio.run(one(1, NOW))
    assert NOW == asyncio.run(one(2, NOW - timedelta(days=1)))


# the disk


@story
async def test_what_is_answered_was_synced(core):
    assert [(SYNCHRONOUS_FULL,)] == core.log.connection.execute("PRAGMA synchronous").fetchall()
    assert [("wal",)] == core.log.connection.execute("PRAGMA journal_mode").fetchall()


@pytest.mark.parametrize("name", ["SQLITE_IOERR_FSYNC", "SQLITE_IOERR_WRITE", "SQLITE_CORRUPT"])
def test_after_a_commit_that_failed_nothing_is_written_any_more(tmp_path, name):
    @story
    async def live(core):
        await core.send(query(0))
        core.log.fault = fault(name)
        assert [OutcomeUnknown] * 2 == [type(e) for e in await together(core, query(1), query(2))]

        core.log.fault = None
        for attempt in (core.send(query(3)), core.writer.keep(Keep("kind", "id", b""))):
            with pytest.raises(OutcomeUnknown):
                await attempt
        assert ["q0"] == ids(core)
        assert "restart" in core.writer.failed
        assert 1 == core.views.position

    live(tmp_path)


@story
async def test_what_waits_behind_a_commit_that_failed_is_unknown_too(core):
    core.log.fault = fault("SQLITE_IOERR_FSYNC")
    commands = [query(number) for number in range(GROUP_COMMANDS_MAX + 20)]

    outcomes = await together(core, *commands)

    assert {OutcomeUnknown} == {type(outcome) for outcome in outcomes}
    assert [] == ids(core)


@story
async def test_a_full_disk_changes_nothing_and_writing_goes_on_later(core):
    core.log.fault = fault("SQLITE_FULL")
    assert [StorageFull] * 2 == [type(e) for e in await together(core, query(1), query(2))]
    with pytest.raises(StorageFull):
        await core.writer.keep(Keep("kind", "id", b"value"))
    core.log.fault = None

    assert 1 == (await core.send(query(1))).position
    assert None is core.vault.read("kind", "id")
    assert (True, 1) == ((proof := verify(core.path)).ok, proof.events)


@story
async def test_what_was_rolled_back_is_no_part_of_later_decisions(core):
    core.log.fault = fault("SQLITE_FULL")
    await together(core, RequestMaintenance(), query(1))
    core.log.fault = None

    outcomes = await together(core, query(1), RequestMaintenance())

    assert [1, 2] == [outcome.position for outcome in outcomes]


@story
async def test_a_log_that_somebody_else_locks_is_busy_and_later_free(core):
    core.log.connection.execute("PRAGMA busy_timeout = 20")
    with contextlib.closing(sqlite3.connect(core.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Overloaded):
            await core.send(query(1))
        other.execute("ROLLBACK")

    assert 1 == (await core.send(query(1))).position


@story
async def test_the_vault_changes_with_the_event_or_not_at_all(core):
    await core.send(query(1, "SELECT 'kept'"))
    await core.send(query(1, "SELECT 'too late'"))
    core.log.fault = fault("SQLITE_FULL")
    with pytest.raises(StorageFull):
        await core.send(query(2))

    assert b"SELECT 'kept'" == core.vault.read("query", "q1")
    assert None is core.vault.read("query", "q2")


@story
async def test_what_the_vault_cannot_seal_leaves_no_transaction_behind(core):
    with pytest.raises(UnicodeEncodeError):
        await core.writer.keep(Keep("kind", "fine", b""), Keep("kind", "\udfff", b""))

    assert 1 == (await core.send(query())).position
    assert None is core.vault.read("kind", "fine")


@story
async def test_a_disk_that_fails_outside_of_commands_stops_the_writing_too(core):
    core.log.fault = fault("SQLITE_IOERR_FSYNC")
    with pytest.raises(OutcomeUnknown):
        await core.writer.transact(lambda: core.log.move_policy("syncs", 1))
    core.log.fault = None

    # Frames behind one that was not synced may be lost with it.
    with pytest.raises(OutcomeUnknown):
        await core.send(query())


# the end


def test_what_waits_is_finished_before_the_writer_stops(tmp_path):
    async def live():
        async with Core(tmp_path) as core:
            sent = [asyncio.create_task(core.send(query(number))) for number in range(50)]
            await asyncio.sleep(0)
        return await asyncio.gather(*sent)

    assert list(range(1, 51)) == [outcome.position for outcome in asyncio.run(live())]


def test_a_writer_that_stopped_takes_nothing_instead_of_keeping_callers_waiting(tmp_path):
    async def live():
        async with Core(tmp_path) as core:
            pass
        with pytest.raises(Overloaded):
            await asyncio.wait_for(core.send(query()), PATIENCE_S)

    asyncio.run(live())
