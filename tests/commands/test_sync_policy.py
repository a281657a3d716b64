"""A sync that was asked for is carried out: what the warehouse does, and what the log says then."""

import asyncio

import pytest

from commands.policies.syncs import BUG
from commands.ports import Load, Progress, WorkDied, WorkFailed, WorkRefused, WorkTimedOut
from commands.sources import ApplySources
from commands.syncs import RequestSync, StartSync
from domain.syncs import PAUSES_S
from tests.commands.syncing import LOADED
from tests.datasets import source
from tests.patience import until


def test_a_load_that_succeeds_completes_the_run(process):
    async def part(platform):
        job = await platform.request(full_refresh=True)
        await platform.loading("orders")
        platform.warehouse.end()
        await platform.happened("sync_requested", "sync_started", "sync_completed")
        return job, platform.warehouse.loads, platform.last()

    job, loads, last = process(part)

    assert [
        Load(
            source="orders",
            type="csv",
            job=job,
            author="user:anna",
            schema="raw_orders",
            table="orders",
            root="/project",
            options={"directory": "data/orders"},
            full_refresh=True,
        )
    ] == loads
    assert (job, 3, 12, LOADED.tables, 2.0) == (
        last.event.job,
        last.event.rows,
        last.event.snapshot,
        last.event.tables,
        last.event.duration_s,
    )
    assert ("policy:syncs", "policy", "her request") == (last.actor, last.via, last.correlation)


def test_everything_that_follows_is_caused_by_the_request(process):
    async def part(platform):
        job = await platform.request()
        await platform.loading("orders")
        platform.warehouse.end()
        await platform.happened("sync_requested", "sync_started", "sync_completed")
        return job, platform.core.stored()

    job, stored = process(part)

    (cause,) = [item.id for item in stored if item.position == job]
    assert [cause, cause] == [item.causation for item in stored if item.position > job]


BUCKET = {"bucket_url": "s3://shop/in", "aws_access_key_id": "AKIA"}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (WorkRefused("Not a number.", file="a.csv", line=7), ("Not a number.", "a.csv", 7)),
        (WorkTimedOut("It took too long."), ("It took too long.", None, None)),
        (WorkDied("The worker died."), ("The worker died.", None, None)),
    ],
)
def test_a_load_that_fails_fails_the_run_with_the_place(process, error, told):
    async def part(platform):
        await platform.request()
        await platform.loading("orders")
        platform.warehouse.end(result=error)
        await platform.happened("sync_requested", "sync_started", "sync_failed")
        return platform.last().event

    event = process(part)

    assert told == (event.reason, event.file, event.line)
    assert 2.0 == event.duration_s


def test_some_run_at_a_time_and_the_others_wait(process):
    async def part(platform):
        await platform.request("orders", "users", "items")
        await platform.loading("orders", "users")
        assert ["sync_requested", "sync_started", "sync_started"] == platform.types()
        platform.warehouse.end("users")
        await platform.loading("orders", "items")
        platform.warehouse.end("orders")
        platform.warehouse.end("items")
        await until(lambda: 3 == platform.types().count("sync_completed"))

    process(part)


def test_a_run_that_is_cancelled_while_it_waits_is_never_begun(process):
    async def part(platform):
        await platform.request("orders")
        job = await platform.request("users")
        await platform.request("items")
        await platform.loading("orders")
        await platform.cancel(job, "users")
        platform.warehouse.end("orders")
        await platform.loading("items")
        return [load.source for load in platform.warehouse.loads], platform.types()

    loads, types = process(part, parallel=1)

    assert ["orders", "items"] == loads
    assert 1 == types.count("sync_cancelled")


def test_a_run_that_is_cancelled_while_it_loads_loses_its_worker(process):
    async def part(platform):
        job = await platform.request()
        await platform.loading("orders")
        await platform.cancel(job)
        await platform.happened(
            "sync_requested", "sync_started", "sync_cancel_requested", "sync_cancelled"
        )
        assert ["orders"] == platform.warehouse.killed
        await platform.request()
        await until(lambda: 2 == len(platform.warehouse.loads))

    process(part)


def test_a_load_that_ended_before_it_could_be_cancelled_is_completed(process):
    async def part(platform):
        job = await platform.request()
        await platform.loading("orders")
        platform.warehouse.end()
        await platform.cancel(job)
        await until(lambda: "sync_completed" in platform.types())
        await asyncio.sleep(0.02)
        assert "sync_cancelled" not in platform.types()

    process(part)


def test_progress_is_told_while_a_run_goes_on(process):
    async def part(platform):
        job = await platform.request()
        await platform.loading("orders")
        during = dict(platform.policy.progress)
        platform.warehouse.end()
        await platform.happened("sync_requested", "sync_started", "sync_completed")
        await until(lambda: not platform.policy.progress)
        return job, during

    job, during = process(part)

    assert {(job, "orders"): Progress(phase="reading", done=1, total=2)} == during


def test_a_source_that_is_gone_fails(process):
    async def part(platform):
        await platform.request("items")
        await platform.loading("items")
        await platform.request("orders")
        await platform.core.send(ApplySources(sources=()))
        platform.warehouse.end("items")
        await until(lambda: 1 == platform.types().count("sync_failed"))
        return [i.event.reason for i in platform.core.stored() if i.type == "sync_failed"]

    assert ["Source 'orders' is no longer in the configuration."] == process(part, parallel=1)


# the end of a process


def test_what_runs_at_the_end_is_interrupted_and_tried_again_at_the_next_start(process):
    async def first(platform):
        job = await platform.request(full_refresh=True, allow_empty=True)
        await platform.loading("orders")
        return job

    async def second(platform):
        await platform.loading("orders")
        platform.warehouse.end()
        await until(lambda: "sync_completed" in platform.types())
        (load,) = platform.warehouse.loads
        asked = platform._request(load.job)
        return platform.types(), asked, load

    job = process(first)
    types, asked, load = process(second)

    assert ["sync_requested", "sync_started"] * 2 == [
        kind for kind in types if kind not in ("sync_interrupted", "sync_completed")
    ]
    assert (job, 1) == (asked.event.retry_of, asked.event.retry)
    assert (True, True) == (load.full_refresh, load.allow_empty)


def test_what_waits_at_the_end_is_carried_out_at_the_next_start(process):
    async def first(platform):
        await platform.request("orders")
        await platform.request("users")
        await platform.loading("orders")

    async def second(platform):
        await platform.loading("users", "orders")
        return platform.types()

    process(first, parallel=1)

    assert 1 == process(second).count("sync_interrupted")


def test_a_run_of_a_process_that_died_is_interrupted_and_tried_again(process, died):
    died(
        RequestSync(sources=("orders", "users")),
        StartSync(source="orders", job=4),
    )

    async def part(platform):
        await until(lambda: {"orders", "users"} == set(platform.warehouse.loading))
        return platform.types(), {load.source: load.job for load in platform.warehouse.loads}

    types, jobs = process(part)

    assert 1 == types.count("sync_interrupted")
    assert jobs["users"] == 4 < jobs["orders"]


def test_an_interrupted_run_is_tried_again_once(process):
    async def loading(platform):
        await platform.loading("orders")

    async def idle(platform):
        await asyncio.sleep(0.05)
        return platform.types(), platform.warehouse.loads

    async def first(platform):
        await platform.request()
        await loading(platform)

    process(first)
    process(loading)
    types, loads = process(idle)

    assert (2, 2, []) == (types.count("sync_requested"), types.count("sync_interrupted"), loads)


def test_an_interruption_that_is_told_twice_is_tried_again_once(process, died):
    died(RequestSync(sources=("orders",)), StartSync(source="orders", job=4))

    async def retried(platform):
        await platform.loading("orders")
        platform.warehouse.end()
        await until(lambda: "sync_completed" in platform.types())

    async def told_again(platform):
        await asyncio.sleep(0.05)
        return platform.types()

    process(retried)
    forget_position(process)
    types = process(told_again)

    assert (2, 1) == (types.count("sync_requested"), types.count("sync_completed"))


def forget_position(process):
    """As if the process had died before it noted how far its policy had come."""

    async def part(platform):
        await platform.runner.stop()
        platform.runner._tasks.clear()
        await platform.core.writer.transact(lambda: platform.core.log.move_policy("syncs", 0))

    process(part)


def test_a_bug_fails_the_run_and_leaves_the_others_alone(process):
    async def part(platform):
        await platform.request("orders")
        await platform.loading("orders")
        platform.warehouse.end(result=ZeroDivisionError())
        await platform.request("users")
        await platform.loading("users")
        platform.warehouse.end("users")
        await until(lambda: [] == platform._open_runs())
        assert None is platform.policy.problem
        ends = [
            i.event for i in platform.core.stored() if i.type in ("sync_failed", "sync_completed")
        ]
        return {event.source: event for event in ends}

    ends = process(part)

    assert BUG == ends["orders"].reason
    assert 3 == ends["users"].rows


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (source(type="kafka"), "Sources of type 'kafka' cannot be synced yet."),
        (
            source(
                type="filesystem",
                options={**BUCKET, "aws_secret_access_key": "****"},
            ),
            (
                "aws_secret_access_key of 'orders' holds a secret: put it into the vault"
                " (dango secrets set NAME) and write ${NAME} in sources.yml."
            ),
        ),
        (
            source(
                type="filesystem",
                options={**BUCKET, "aws_secret_access_key": "${NOT_SET}"},
            ),
            "Secret 'NOT_SET' is not set. Give it a value with: dango secrets set NOT_SET",
        ),
    ],
)
def test_what_the_file_must_say_first_fails_the_run_with_what_to_do(process, config, reason):
    async def part(platform):
        await platform.core.send(ApplySources(sources=(config,)))
        await platform.request()
        await platform.happened("sync_requested", "sync_started", "sync_failed")
        return platform.last().event.reason

    assert reason == process(part)


# failures that may pass


def test_a_failure_that_may_pass_is_tried_again_after_a_pause(process):
    async def part(platform):
        job = await platform.request(full_refresh=True)
        for number in range(1, len(PAUSES_S) + 2):
            await until(lambda number=number: number == len(platform.warehouse.loads))
            platform.warehouse.end(result=WorkFailed("It is down.", transient=True))
        await until(lambda: len(PAUSES_S) + 1 == platform.types().count("sync_failed"))
        requests = [i.event for i in platform.core.stored() if i.type == "sync_requested"]
        return job, requests, platform.paused

    job, requests, paused = process(part)

    assert [(0, 0), *((wait_s, n) for n, wait_s in enumerate(PAUSES_S, 1))] == [
        (each.wait_s, each.retry) for each in requests
    ]
    assert all(each.full_refresh for each in requests)
    assert job == requests[1].retry_of
    assert [0, *PAUSES_S] == paused


def test_a_failure_that_does_not_pass_is_not_tried_again(process):
    async def part(platform):
        await platform.request()
        await platform.loading("orders")
        platform.warehouse.end(result=WorkRefused("It is wrong."))
        failed = ("sync_requested", "sync_started", "sync_failed")
        await platform.happened(*failed)
        await platform.request("users")
        await platform.loading("users")  # so the policy has heard of the failure before it
        await platform.happened(*failed, "sync_requested", "sync_started")

    process(part)
