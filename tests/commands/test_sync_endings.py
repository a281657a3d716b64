"""How a run ended is what the warehouse says, and it is written, whatever stands in the way."""

import asyncio

import pytest

from commands.kernel import OutcomeUnknown, Overloaded, StorageFull
from commands.policies import syncs as policy
from commands.ports import Published, Target, WorkDied, WorkFailed, WorkTimedOut
from commands.sources import ApplySources
from commands.syncs import (
    CancelSync,
    CompleteSync,
    ConfirmCancel,
    FailSync,
    InterruptSync,
    RequestSync,
    StartSync,
)
from projections.engine import ViewsBroken
from tests.commands.syncing import THREE, Warehouse
from tests.datasets import source, table
from tests.patience import until

JOB = 4  # the position of the first request behind three sources
PUBLISHED = Published(rows=9, tables=(table(rows=9),), snapshot=7)
TARGET = Target(source="orders", job=JOB, schema="raw_orders", table="orders")
STARTED = StartSync(source="orders", job=JOB, schema="raw_orders", table="orders")
REQUESTED = RequestSync(sources=("orders",))


def having_published(job=JOB, name="orders"):
    warehouse = Warehouse()
    warehouse.commits[job, name] = PUBLISHED
    return warehouse


async def ended(platform):
    await until(lambda: platform.types() and [] == platform._open_runs())
    return platform.types()[-1]


# what the warehouse says


@pytest.mark.parametrize(
    "error", [WorkDied("It died."), WorkTimedOut("Too long."), ZeroDivisionError()]
)
def test_a_load_that_was_lost_behind_its_commit_is_completed(process, error):
    async def part(platform):
        await platform.request()
        await platform.loading("orders")
        platform.warehouse.end(result=error)
        assert "sync_completed" == await ended(platform)
        return platform.last().event, platform.warehouse.asked

    event, asked = process(part, warehouse=having_published())

    assert (9, 7, PUBLISHED.tables, None) == (
        event.rows,
        event.snapshot,
        event.tables,
        event.file_count,
    )
    assert [TARGET] == asked


def test_a_load_that_was_cancelled_behind_its_commit_is_completed(process):
    async def part(platform):
        job = await platform.request()
        await platform.loading("orders")
        await platform.cancel(job)
        return await ended(platform), platform.warehouse.killed

    assert ("sync_completed", ["orders"]) == process(part, warehouse=having_published())


def test_a_load_that_was_stopped_behind_its_commit_is_completed_and_not_tried_again(process):
    async def stopped(platform):
        await platform.request()
        await platform.loading("orders")

    async def later(platform):
        await asyncio.sleep(0.03)
        return platform.types()

    process(stopped, warehouse=having_published())

    assert ["sync_requested", "sync_started", "sync_completed"] == process(later)


def test_a_run_of_a_process_that_died_behind_its_commit_is_completed(process, died):
    died(REQUESTED, STARTED)

    async def part(platform):
        kind = await ended(platform)
        return kind, platform.last().event.duration_s, platform.warehouse.asked

    assert ("sync_completed", None, [TARGET]) == process(part, warehouse=having_published())


def test_a_run_is_found_where_it_started_to_write_whatever_the_configuration_says_now(
    process, died
):
    died(REQUESTED, STARTED, ApplySources(sources=(source("sales", schema="raw_orders"),)))

    async def part(platform):
        return await ended(platform), platform.warehouse.asked

    assert ("sync_completed", [TARGET]) == process(part, warehouse=having_published())


def test_what_a_load_told_itself_is_not_asked_for_again(process):
    async def part(platform):
        await platform.request()
        await platform.loading("orders")
        platform.warehouse.end()
        return await ended(platform), platform.warehouse.asked

    assert ("sync_completed", []) == process(part)


def test_while_the_warehouse_cannot_tell_the_run_stays_open_and_is_shown(process):
    async def part(platform):
        await platform.request()
        await platform.loading("orders")
        platform.warehouse.silences = [WorkFailed("No worker.")] * 3
        platform.warehouse.end(result=WorkDied("It died."))
        await until(lambda: platform.policy.problem)
        assert "sync of orders (job 4): WorkFailed: No worker." == platform.policy.problem
        assert "sync of orders" in platform.runner.problem()
        kind = await ended(platform)
        await until(lambda: None is platform.runner.problem())
        return kind

    assert "sync_failed" == process(part)


def test_a_stop_does_not_wait_long_for_the_warehouse_and_the_next_start_tells(process, monkeypatch):
    monkeypatch.setattr(policy, "STOP_S_MAX", 0.02)

    async def stopped(platform):
        await platform.request()
        await platform.loading("orders")
        platform.warehouse.silences = [WorkFailed("No worker.")] * 10_000

    async def later(platform):
        return await ended(platform), platform.types()

    process(stopped)

    assert ("sync_completed", ["sync_requested", "sync_started", "sync_completed"]) == process(
        later, warehouse=having_published()
    )


# until it is written


@pytest.mark.parametrize("error", [StorageFull(), Overloaded(), ViewsBroken("no")])
@pytest.mark.parametrize(
    ("command", "result", "kind"),
    [(CompleteSync, None, "sync_completed"), (FailSync, WorkDied("It died."), "sync_failed")],
)
def test_an_ending_that_cannot_be_written_is_written_later(process, error, command, result, kind):
    async def part(platform):
        await platform.request()
        await platform.loading("orders")
        platform.bus.failures = [(command, error)] * 3
        platform.warehouse.end(**({"result": result} if result else {}))
        await until(lambda: platform.policy.problem)
        assert type(error).__name__ in platform.policy.problem
        return await ended(platform), platform.bus.failures

    assert (kind, []) == process(part)


def test_a_start_and_a_cancelling_that_cannot_be_written_are_written_later(process):
    async def part(platform):
        platform.bus.failures = [(StartSync, StorageFull()), (ConfirmCancel, StorageFull())]
        job = await platform.request()
        await platform.loading("orders")
        await platform.cancel(job)
        return await ended(platform), platform.bus.failures

    assert ("sync_cancelled", []) == process(part)


def test_a_recovery_that_cannot_be_written_is_written_later(process, died):
    died(REQUESTED, STARTED)

    async def part(platform):
        await platform.loading("orders")
        return platform.types(), platform.bus.failures

    types, failures = process(part, failures=[(InterruptSync, StorageFull())] * 3)

    assert (1, []) == (types.count("sync_interrupted"), failures)


def test_nothing_is_sent_again_when_the_outcome_is_unknown(process):
    async def part(platform):
        job = await platform.request()
        await platform.loading("orders")
        platform.bus.failures = [(CompleteSync, OutcomeUnknown("the disk"))]
        platform.warehouse.end()
        await until(lambda: platform.policy.problem)
        await asyncio.sleep(0.05)
        assert [job] == [run.job for run in platform._open_runs()]
        assert "OutcomeUnknown" in platform.runner.problem()

    async def restarted(platform):
        return await ended(platform)

    process(part)

    assert "sync_completed" == process(restarted, warehouse=having_published())


def test_a_stop_goes_before_an_ending_that_cannot_be_written(process):
    async def full(platform):
        await platform.request()
        await platform.loading("orders")
        platform.bus.failures = [(FailSync, StorageFull())] * 10_000
        platform.warehouse.end(result=WorkDied("It died."))
        await until(lambda: platform.policy.problem)

    async def later(platform):
        await platform.loading("orders")
        return platform.types()

    process(full)

    assert 1 == process(later).count("sync_interrupted")


# cancelled for good


def test_a_cancelled_sync_does_not_run_again_after_a_restart(process, died):
    died(REQUESTED, STARTED, CancelSync(sources=("orders",), job=JOB))

    async def part(platform):
        kind = await ended(platform)
        await asyncio.sleep(0.03)
        return kind, platform.types().count("sync_requested"), platform.warehouse.loads

    assert ("sync_cancelled", 1, []) == process(part)


def test_a_run_whose_ending_was_lost_can_be_cancelled(process):
    async def part(platform):
        job = await platform.request()
        await platform.loading("orders")
        platform.bus.failures = [(CompleteSync, OutcomeUnknown("the disk"))]
        platform.warehouse.end()
        await until(lambda: platform.policy.problem)
        await platform.cancel(job)
        kind = await ended(platform)
        await until(lambda: None is platform.policy.problem)
        return kind

    assert "sync_cancelled" == process(part)


# one writer of a schema


def test_a_source_that_took_over_a_schema_waits_for_the_run_that_writes_it(process):
    async def part(platform):
        await platform.request("orders")
        await platform.loading("orders")
        sales = source("sales", schema="raw_orders")
        await platform.core.send(ApplySources(sources=(sales, *THREE[1:])))
        await platform.request("sales")
        await platform.request("users")
        await platform.loading("orders", "users")
        assert 2 == platform.types().count("sync_started")
        platform.warehouse.end("orders")
        await platform.loading("users", "sales")
        runs = ("sync_started", "sync_completed")
        return [(i.type, i.event.source) for i in platform.core.stored() if i.type in runs]

    assert [
        ("sync_started", "orders"),
        ("sync_started", "users"),
        ("sync_completed", "orders"),
        ("sync_started", "sales"),
    ] == process(part)
