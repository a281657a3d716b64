"""Policies are told everything once they have acted on what was before, over any restart."""

import asyncio
import threading

import pytest

from commands.queries import RecordQuery
from commands.upkeep import RequestMaintenance
from domain.queries import QueryExecuted
from domain.upkeep import MaintenanceRequested
from infra import policies
from infra.policies import PAGE_EVENTS, Runner
from tests.core import Core
from tests.patience import PATIENCE_S, until


class Listener:
    """A policy that notes what it is told, and stumbles where it is asked to."""

    def __init__(self, name="listener", types=(QueryExecuted,), stumbles=(), *, late=False):
        self.name, self.types, self.begins_at_head = name, types, late
        self.told, self.stumbles, self.problem = [], list(stumbles), None

    async def recover(self):
        self.told.append("recovered")

    async def react(self, recorded):
        if recorded.position in self.stumbles:
            self.stumbles.remove(recorded.position)
            raise ZeroDivisionError("no")
        self.told.append(recorded.position)

    async def stop(self):
        self.told.append("stopped")


@pytest.fixture
def process(tmp_path, monkeypatch):
    """Run a part of a story in a process of its own, with these policies."""
    monkeypatch.setattr(policies, "RETRY_S", 0.01)

    def lived(part, *listeners):
        async def live():
            async with Core(tmp_path) as core:
                runner = Runner(core.log, core.codec, core.writer, listeners)
                await runner.start()
                try:
                    await part(core, runner)
                finally:
                    await runner.stop()

        asyncio.run(live())

    return lived


async def ask(core, *numbers):
    for number in numbers:
        executed = QueryExecuted(query_id=f"q{number}", outcome="")
        await core.send(RecordQuery(executed=executed, sql=""))


async def nothing(core, runner):
    await asyncio.sleep(0.03)


def test_a_policy_recovers_first_and_is_told_what_concerns_it_in_order(process):
    listener = Listener()

    async def part(core, runner):
        await ask(core, 1)
        await core.send(RequestMaintenance())
        await ask(core, 2, 3)
        await until(lambda: 4 in listener.told)

    process(part, listener)

    assert ["recovered", 1, 3, 4, "stopped"] == listener.told


def test_a_policy_goes_on_behind_what_it_acted_on(process):
    before, after = Listener(), Listener()

    async def first(core, runner):
        await ask(core, 1, 2)
        await until(lambda: 2 in before.told)

    async def second(core, runner):
        await ask(core, 3)
        await until(lambda: 3 in after.told)

    process(first, before)
    process(second, after)

    assert ["recovered", 3, "stopped"] == after.told


def test_a_policy_is_told_of_nothing_that_the_views_do_not_have_yet(process, monkeypatch):
    monkeypatch.setattr(policies, "SHOWN_S_MAX", 0.05)
    listener, late = Listener(), threading.Event()

    async def part(core, runner):
        apply = core.views.apply
        core.views.apply = lambda *given: late.wait(PATIENCE_S) and apply(*given)
        asked = asyncio.create_task(ask(core, 1))
        await until(lambda: 1 == core.log.head())
        news = runner._news["listener"]
        news.since = 1  # as when it is further behind than what is in memory
        news.wake.set()
        await until(lambda: runner.failed)
        assert ["recovered"] == listener.told
        assert "event 1" in runner.problem()
        late.set()
        await asked
        await until(lambda: 1 in listener.told)
        await until(lambda: runner.problem() is None)

    process(part, listener)


def test_a_policy_is_told_what_happened_while_nobody_ran_it(process):
    late = Listener()
    count = 2 * PAGE_EVENTS + 1

    async def unheard(core, runner):
        await ask(core, *range(count))

    process(unheard)
    process(lambda core, runner: until(lambda: count in late.told), late)

    assert ["recovered", *range(1, count + 1), "stopped"] == late.told


def test_what_was_committed_just_now_is_told_without_a_look_at_the_log(process):
    listener = Listener()

    async def part(core, runner):
        core.log.fetch = None
        for number in range(1, 4):
            await ask(core, number)
            await until(lambda: number in listener.told)  # noqa: B023

    process(part, listener)

    assert ["recovered", 1, 2, 3, "stopped"] == listener.told


@pytest.mark.parametrize("most", [1, 3, 7])
def test_a_policy_that_comes_too_late_for_memory_is_told_everything_from_the_log(
    process, monkeypatch, most
):
    monkeypatch.setattr(policies, "NEWS_EVENTS_MAX", most)
    monkeypatch.setattr(policies, "PAGE_EVENTS", 2)
    listener, goes_on = Listener(), asyncio.Event()
    react = listener.react

    async def slowly(recorded):
        if recorded.position % 3 == 1:
            await goes_on.wait()
        await react(recorded)

    listener.react = slowly

    async def part(core, runner):
        await ask(core, *range(10))
        goes_on.set()
        await ask(core, *range(10, 20))
        await until(lambda: 20 in listener.told)

    process(part, listener)

    assert ["recovered", *range(1, 21), "stopped"] == listener.told


def test_a_policy_never_goes_past_an_event_that_it_could_not_act_on(process):
    listener = Listener(stumbles=[2, 2])

    async def part(core, runner):
        await ask(core, 1, 2, 3)
        await until(lambda: 3 in listener.told)
        await until(lambda: not runner.failed)

    process(part, listener)

    assert ["recovered", 1, 2, 3, "stopped"] == listener.told


def test_what_a_policy_stumbles_over_is_shown_and_it_stands_there_over_a_restart(process):
    broken, healed = Listener(stumbles=[2] * 10_000), Listener()

    async def part(core, runner):
        await ask(core, 1, 2, 3)
        await until(lambda: runner.failed)
        assert {"listener": "ZeroDivisionError: no"} == runner.failed
        assert {"listener": 1} == runner.positions
        assert 1 == core.log.policy_position("listener")

    process(part, broken)
    process(lambda core, runner: until(lambda: 3 in healed.told), healed)

    assert ["recovered", 2, 3, "stopped"] == healed.told


def test_one_policy_that_stumbles_does_not_hold_the_others(process):
    broken, sound = Listener("broken", stumbles=[1] * 10_000), Listener("sound")
    other = Listener("other", types=(MaintenanceRequested,))

    async def part(core, runner):
        await ask(core, 1, 2)
        await core.send(RequestMaintenance())
        await until(lambda: 2 in sound.told and 3 in other.told)
        assert ["broken"] == list(runner.failed)

    process(part, broken, sound, other)

    assert ["recovered", 3, "stopped"] == other.told


def test_a_policy_that_is_told_nothing_keeps_still(process):
    listener = Listener()
    process(nothing, listener)

    assert ["recovered", "stopped"] == listener.told


def test_a_new_policy_may_begin_with_what_happens_from_now_on(process):
    new, again = Listener(late=True), Listener(late=True)

    async def first(core, runner):
        await ask(core, 1, 2)

    async def second(core, runner):
        assert {"listener": 2} == runner.positions
        assert 2 == core.log.policy_position("listener")

    async def third(core, runner):
        await until(lambda: 3 in again.told)

    process(first)
    process(second, new)
    process(lambda core, runner: ask(core, 3))
    process(third, again)

    assert (["recovered", "stopped"], ["recovered", 3, "stopped"]) == (new.told, again.told)


def test_what_a_policy_cannot_end_is_shown_behind_what_it_stumbles_over(process):
    listener = Listener(stumbles=[1])

    async def part(core, runner):
        assert None is runner.problem()
        listener.problem = "sync of orders: no"
        assert "Policy listener: sync of orders: no" == runner.problem()
        await ask(core, 1)
        await until(lambda: runner.failed)
        assert "Policy listener stands at 0: ZeroDivisionError: no" == runner.problem()

    process(part, listener)
