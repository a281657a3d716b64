"""The way of a command: decided in order, durable in groups, seen by whoever asked."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from commands.kernel import (
    Forget,
    Keep,
    KeyReused,
    Once,
    Overloaded,
    StorageFull,
)
from commands.upkeep import RequestMaintenance
from commands.users import EMAIL, CreateUser
from domain.permissions import Role
from domain.upkeep import MaintenanceRunning
from infra.writer import GROUP_COMMANDS_MAX, QUEUE_COMMANDS_MAX
from tests.core import ORIGIN, Core
from tests.decisions import NOW
from tests.infra.writing import PATIENCE_S, Break, held, ids, query, story, together

# groups


@story
async def test_commands_that_wait_share_one_commit(core):
    outcomes = await together(core, *(query(number) for number in range(GROUP_COMMANDS_MAX)))

    assert 1 == core.log.commits
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
def test_a_bug_in_one_command_is_not_the_others(tmp_path, engine, vaulted):
    @story
    async def live(core):
        before, bug, after = await together(core, query(1), Break(vaulted=vaulted), query(2))

        assert (UnicodeEncodeError if vaulted else ZeroDivisionError) is type(bug)
        assert (1, 2) == (before.position, after.position)
        assert ["q1", "q2"] == ids(core)
        assert None is core.vault.read("kind", "fine")
        assert 2 == core.views.position
        assert 3 == (await core.send(query(3))).position

    live(tmp_path, engine)


@story
async def test_what_lies_beside_the_events_shares_the_commit_and_keeps_its_order(core):
    keep, forget = Keep("kind", "id", b"value"), Forget("kind", "id")
    async with held(core):
        writing = [
            core.send(query(1)),
            core.writer.keep(keep, forget, keep),
            core.send(query(2)),
            core.writer.keep(Keep("kind", "other", b"value"), forget),
        ]
        tasks = [asyncio.create_task(each) for each in writing]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)

    assert 1 == core.log.commits
    assert ["q1", "q2"] == ids(core)
    assert (None, b"value") == tuple(core.vault.read("kind", id) for id in ("id", "other"))


@story
async def test_what_a_command_keeps_comes_before_what_is_asked_for_later(core):
    user = CreateUser(
        user_id="u",
        email="u@example.org",
        email_digest="digest",
        role=Role.VIEWER,
        credential="c",
        password_hash="hash",
    )
    async with held(core):
        creating = asyncio.create_task(core.send(user))
        await asyncio.sleep(0)
        forgetting = asyncio.create_task(core.writer.keep(Forget(EMAIL, "u")))
        await asyncio.sleep(0)
    await asyncio.gather(creating, forgetting)

    assert None is core.vault.read(EMAIL, "u")


@story
async def test_a_write_that_fails_fails_alone(core):
    async with held(core):
        before = asyncio.create_task(core.send(query(1)))
        failing = asyncio.create_task(core.writer.transact(lambda: 1 / 0))
        after = asyncio.create_task(core.writer.keep(Keep("kind", "id", b"value")))
        await asyncio.sleep(0)
    with pytest.raises(ZeroDivisionError):
        await failing
    await asyncio.gather(before, after)

    assert ["q1"] == ids(core)
    assert b"value" == core.vault.read("kind", "id")


@story
async def test_without_room_for_views_what_lies_beside_is_written_still(core):
    core.views.has_room = lambda: False
    async with held(core):
        refused = asyncio.create_task(core.send(query(1)))
        keeping = asyncio.create_task(core.writer.keep(Keep("kind", "id", b"value")))
        await asyncio.sleep(0)
    with pytest.raises(StorageFull):
        await refused
    await keeping

    assert b"value" == core.vault.read("kind", "id")


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


def test_times_do_not_go_back_over_a_restart(tmp_path, engine):
    async def one(number, now):
        async with Core(tmp_path, recorder=engine.recorder) as core:
            core.clock.now = now
            return (await core.send(query(number))).recorded[0].at

    assert NOW == asyncio.run(one(1, NOW))
    assert NOW == asyncio.run(one(2, NOW - timedelta(days=1)))


# the end


def test_what_waits_is_finished_before_the_writer_stops(tmp_path, engine):
    async def live():
        async with Core(tmp_path, recorder=engine.recorder) as core:
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
