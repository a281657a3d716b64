"""Runs of schedules are carried out: what they ask for, and how the log says that they ended."""

import asyncio
import itertools

import pytest

from commands.kernel import Origin
from commands.model_runs import CancelModels, EndModels, FollowSync, RequestModels, StartModels
from commands.policies import scheduled_models
from commands.policies.scheduled import News, Part, Works
from commands.policies.scheduled_models import ModelsPart, ScheduledModels
from commands.policies.schedules import GONE, OpenScheduleRun, SchedulePolicy
from commands.ports import WorkRefused
from commands.schedule_ports import ScriptDone
from commands.schedule_runs import OUTPUT, CancelScheduleRun, TriggerSchedule
from commands.schedules import ApplySchedules
from commands.sources import ApplySources
from commands.syncs import CompleteSync, FailSync, RequestSync, StartSync
from domain.schedules import Kind, Schedule
from infra.policies import Runner
from projections import model_runs, schedules, sources
from tests.core import Core
from tests.datasets import source, table
from tests.modelled import built as models_built
from tests.modelled import failed as models_failed
from tests.patience import until

ANNA = Origin(actor="user:anna", via="session:s1", correlation="her request")
NIGHTLY = Schedule(name="nightly", kind=Kind.SYNC_ONLY, cron="0 6 * * *", sources=("orders",))
SCRIPT = Schedule(name="script", kind=Kind.SCRIPT, cron="0 6 * * *", script_path="a.py")
MODELS = Schedule(name="models", kind=Kind.DBT, cron="0 6 * * *", dbt_command="run")


class Scripts:
    """Scripts that end as the test says; one without an ending goes on until it is killed."""

    def __init__(self):
        self.ran, self.killed, self.endings = [], 0, []

    async def run(self, script):
        self.ran.append(script)
        if not self.endings:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.killed += 1
                raise
        ending = self.endings.pop(0)
        if isinstance(ending, Exception):
            raise ending
        return ending


class Platform:
    """One process: core, policy and runner."""

    def __init__(self, core, scripts):
        self.core, self.scripts, self.paused = core, scripts, []
        views, news = core.views, News()
        works = Works(
            core.writer,
            known=lambda name: sources.one(views.current, name) is not None,
            parts=self._parts,
            scripts=scripts,
            secrets={"TOKEN": "t0ken"},
            wait=self._pause,
            models=ScheduledModels(core.writer, news, self._models),
            news=news,
        )
        self.policy = SchedulePolicy(
            core.writer,
            works,
            config=lambda name: schedules.one(views.current, name),
            event=self._event,
            open_runs=self._open,
            clock=core.clock,
            monotonic=itertools.count(step=2).__next__,
        )
        self.runner = Runner(core.log, core.codec, core.writer, [self.policy])

    def _parts(self, job):
        found = schedules.syncs_of(self.core.views.current, job)
        return [Part(**{n: getattr(e, n) for n in Part.__struct_fields__}) for e in found]

    def _models(self, job):
        found = model_runs.of_schedule(self.core.views.current, job)
        return found and ModelsPart(job=found.job, status=found.status, error=found.error)

    async def models(self, job):
        """The run of models that a run has asked for."""
        await until(lambda: self._models(job))
        return self._models(job).job

    def _open(self):
        return [
            OpenScheduleRun(
                job=run.job,
                schedule=run.schedule,
                started=run.status == "running",
                cancelling=run.cancelling,
            )
            for run in schedules.unended(self.core.views.current)
        ]

    def _event(self, position):
        found = self.core.log.at(position)
        return None if found is None else self.core.codec.open(position, found[0][1], found[0][3])

    async def _pause(self, seconds):
        self.paused.append(seconds)

    async def trigger(self, name="nightly", **fields):
        command = TriggerSchedule(schedule=name, at=self.core.clock(), **fields)
        return (await self.core.send(command, ANNA)).position

    async def ended(self, job):
        await until(lambda: self.run(job).ended_at is not None)
        return self.run(job)

    def run(self, job):
        return schedules.run(self.core.views.current, job)

    async def sync(self, job):
        """The sync that a run has asked for."""
        await until(lambda: self._parts(job))
        return self._parts(job)[-1].sync

    def types(self):
        return [item.type for item in self.core.stored()][2:]


@pytest.fixture
def process(tmp_path):
    """Run a part (async function of a platform) in a process; the log outlives it."""
    scripts = Scripts()

    def run(part, *known, killed=False):
        async def live():
            async with Core(tmp_path) as core:
                await core.send(ApplySources(sources=(source("orders"), source("users"))))
                await core.send(ApplySchedules(schedules=known or (NIGHTLY, SCRIPT, MODELS)))
                platform = Platform(core, scripts)
                await platform.runner.start()
                try:
                    return await part(platform)
                finally:
                    if killed:
                        for task in [*platform.runner._tasks, *platform.policy._runs.values()]:
                            task.cancel()
                    else:
                        await platform.runner.stop()

        return asyncio.run(live())

    run.scripts = scripts
    return run


async def completed(platform, job, name="orders", rows=3):
    sync = await platform.sync(job)
    await platform.core.send(StartSync(source=name, job=sync, schema=f"raw_{name}", table=name))
    await platform.core.send(
        CompleteSync(source=name, job=sync, rows=rows, tables=(table(name),), snapshot=1)
    )


async def failed(platform, job, name="orders", *, transient=False):
    sync = await platform.sync(job)
    await platform.core.send(StartSync(source=name, job=sync))
    await platform.core.send(FailSync(source=name, job=sync, reason="no", transient=transient))


def test_a_run_of_syncs_ends_when_they_have(process):
    async def part(platform):
        job = await platform.trigger(full_refresh=True)
        await completed(platform, job)
        return job, await platform.ended(job), platform.core.stored()

    job, run, stored = process(part)

    assert ("success", 3, None) == (run.status, run.rows, run.error)
    (asked,) = [item.event for item in stored if item.type == "sync_requested"]
    assert (("orders",), True, "nightly", job, False) == (
        asked.sources,
        asked.full_refresh,
        asked.schedule,
        asked.schedule_job,
        asked.models,
    )
    assert "her request" == stored[-1].correlation


def test_a_failed_sync_fails_the_run(process):
    async def part(platform):
        job = await platform.trigger()
        await failed(platform, job)
        return await platform.ended(job)

    run = process(part)

    assert ("failed", "orders: no") == (run.status, run.error)


def test_a_sync_that_is_tried_again_keeps_its_run_open(process):
    async def part(platform):
        job = await platform.trigger()
        await failed(platform, job, transient=True)
        again = RequestSync(
            sources=("orders",), retry=1, wait_s=30, schedule="nightly", schedule_job=job
        )
        await platform.core.send(again)
        await until(lambda: "schedule_run_retried" in platform.types())
        assert platform.run(job).ended_at is None
        await completed(platform, job)
        return await platform.ended(job)

    run = process(part)

    assert ("success", 2) == (run.status, run.attempts)


def test_a_source_that_is_synced_already_is_waited_for(process):
    async def part(platform):
        other = (await platform.core.send(RequestSync(sources=("orders",)), ANNA)).position
        job = await platform.trigger()
        await until(lambda: "schedule_run_started" in platform.types())
        await platform.core.send(StartSync(source="orders", job=other))
        await platform.core.send(FailSync(source="orders", job=other, reason="no"))
        await completed(platform, job)
        return await platform.ended(job)

    assert "success" == process(part).status


def test_a_source_that_there_is_not_fails_the_run_and_the_others_are_synced(process):
    wanted = Schedule(name="nightly", kind=Kind.SYNC, cron="@daily", sources=("orders", "gone"))

    async def part(platform):
        job = await platform.trigger()
        await completed(platform, job)
        return await platform.ended(job)

    run = process(part, wanted)

    assert ("failed", 3, "Source 'gone' not found.") == (run.status, run.rows, run.error)


def test_a_cancelled_run_takes_its_syncs_with_it(process):
    async def part(platform):
        job = await platform.trigger()
        await platform.sync(job)
        await platform.core.send(CancelScheduleRun(schedule="nightly", job=job))
        return await platform.ended(job), platform.types()

    run, types = process(part)

    assert "cancelled" == run.status
    assert "sync_cancelled" in types


def test_a_run_of_syncs_goes_on_after_a_restart(process):
    async def first(platform):
        job = await platform.trigger()
        await platform.sync(job)
        return job

    job = process(first, killed=True)

    async def second(platform):
        await completed(platform, job)
        return await platform.ended(job), platform.types()

    run, types = process(second)

    assert "success" == run.status
    assert 1 == types.count("sync_requested")


def test_a_script_that_was_running_when_the_process_died_is_interrupted(process):
    async def first(platform):
        job = await platform.trigger("script")
        await until(lambda: platform.scripts.ran)
        return job

    job = process(first, killed=True)

    async def second(platform):
        return await platform.ended(job)

    assert "interrupted" == process(second).status


def test_a_script_that_runs_when_the_server_stops_is_interrupted(process):
    async def part(platform):
        job = await platform.trigger("script")
        await until(lambda: platform.scripts.ran)
        await platform.runner.stop()
        return platform.run(job), platform.scripts.killed

    run, killed = process(part)

    assert ("interrupted", 1) == (run.status, killed)


def test_what_a_script_printed_is_in_the_vault_for_a_while(process):
    process.scripts.endings.append(ScriptDone(exit_code=3, output="hello"))

    async def part(platform):
        job = await platform.trigger("script")
        run = await platform.ended(job)
        kept = platform.core.vault.read(OUTPUT, str(job))
        platform.core.clock.forward(days=31)
        return run, kept, platform.core.vault.read(OUTPUT, str(job))

    run, kept, later = process(part)

    assert ("failed", "a.py ended with exit code 3.") == (run.status, run.error)
    assert (b"hello", None) == (kept, later)


def test_a_script_that_asks_for_it_is_tried_again(process):
    later = ScriptDone(exit_code=75, output="")
    process.scripts.endings += [later, later, ScriptDone(exit_code=0, output="")]

    async def part(platform):
        run = await platform.ended(await platform.trigger("script"))
        return run, platform.paused

    run, paused = process(part)

    assert ("success", 3, [30, 120]) == (run.status, run.attempts, paused)


def test_a_script_is_given_the_secrets_that_its_arguments_name(process):
    known = Schedule(
        name="script",
        kind=Kind.SCRIPT,
        cron="@daily",
        script_path="a.py",
        script_args=("${TOKEN}",),
    )
    process.scripts.endings.append(ScriptDone(exit_code=0, output=""))

    async def part(platform):
        await platform.ended(await platform.trigger("script"))
        return platform.scripts.ran[0]

    ran = process(part, known)

    assert (("${TOKEN}",), {"TOKEN": "t0ken"}) == (ran.arguments, ran.secrets)


@pytest.mark.parametrize("ending", [WorkRefused("It is not there."), ValueError("a bug")])
def test_a_script_that_cannot_be_run_fails_the_run(process, ending, caplog):
    process.scripts.endings.append(ending)

    async def part(platform):
        return await platform.ended(await platform.trigger("script"))

    assert "failed" == process(part).status


def test_a_cancelled_script_is_killed(process):
    async def part(platform):
        job = await platform.trigger("script")
        await until(lambda: platform.scripts.ran)
        await platform.core.send(CancelScheduleRun(schedule="script", job=job))
        run = await platform.ended(job)
        return run, platform.scripts.killed

    run, killed = process(part)

    assert ("cancelled", 1) == (run.status, killed)


def test_a_run_that_takes_too_long_is_stopped(process):
    quick = Schedule(
        name="script", kind=Kind.SCRIPT, cron="@daily", script_path="a.py", timeout_minutes=0
    )

    async def part(platform):
        return await platform.ended(await platform.trigger("script"))

    run = process(part, quick)

    assert "timeout" == run.status


@pytest.mark.parametrize(
    ("ending", "ended"),
    [(models_built, ("success", None)), (models_failed, ("failed", "daily: no"))],
)
def test_a_run_of_models_ends_as_they_end(process, ending, ended):
    async def part(platform):
        job = await platform.trigger("models")
        models = await platform.models(job)
        await platform.core.send(StartModels(job=models))
        await platform.core.send(EndModels(ending=ending(models)))
        return job, await platform.ended(job), platform.core.stored()

    job, run, stored = process(part)

    assert ended == (run.status, run.error)
    (asked,) = [item for item in stored if item.type == "models_run_requested"]
    assert ("models", job, "her request") == (
        asked.event.schedule,
        asked.event.schedule_job,
        asked.correlation,
    )


def test_a_cancelled_run_takes_its_models_with_it(process):
    async def part(platform):
        job = await platform.trigger("models")
        await platform.models(job)
        await platform.core.send(CancelScheduleRun(schedule="models", job=job))
        return await platform.ended(job), platform.types()

    run, types = process(part)

    assert "cancelled" == run.status
    assert "models_run_cancelled" in types


def test_models_that_others_build_are_waited_for(process, monkeypatch):
    monkeypatch.setattr(scheduled_models, "BUSY_POLL_S", 0.01)

    async def part(platform):
        other = (await platform.core.send(RequestModels())).position
        job = await platform.trigger("models")
        await until(lambda: platform.run(job).status == "running")
        await platform.core.send(CancelModels(job=other))
        return other, await platform.models(job)

    other, models = process(part)

    assert models > other


def test_models_that_were_built_when_the_process_died_end_the_run_as_interrupted(process):
    async def first(platform):
        job = await platform.trigger("models")
        await platform.models(job)
        return job

    job = process(first, killed=True)

    async def second(platform):
        return await platform.ended(job), platform.types()

    run, types = process(second)

    assert "interrupted" == run.status
    assert "models_run_cancelled" in types


def test_a_dbt_command_names_what_is_built():
    known = Schedule(
        name="m",
        kind=Kind.DBT,
        cron="@daily",
        dbt_command="build --select tag:daily+ marts --full-refresh",
    )

    assert RequestModels(
        select=("tag:daily+", "marts"), full_refresh=True, schedule="m", schedule_job=7
    ) == scheduled_models.request(known, 7)


@pytest.mark.parametrize("command", ["run --vars x", "run tag:daily", "run --full-refresh a"])
def test_a_dbt_command_that_would_not_be_followed_fails_the_run(process, command):
    known = Schedule(name="models", kind=Kind.DBT, cron="@daily", dbt_command=command)

    async def part(platform):
        return await platform.ended(await platform.trigger("models"))

    run = process(part, known)

    assert "failed" == run.status
    assert "dbt_command" in run.error


@pytest.mark.parametrize("late", [False, True])
def test_a_run_whose_models_failed_is_partial(process, late):
    async def models(platform, sync):
        models = (await platform.core.send(FollowSync(source="orders", sync=sync))).position
        await platform.core.send(StartModels(job=models))
        await platform.core.send(EndModels(ending=models_failed(models)))

    async def part(platform):
        job = await platform.trigger()
        sync = await platform.sync(job)
        if not late:
            await models(platform, sync)
        await completed(platform, job)
        run = await platform.ended(job)
        if late:
            assert "success" == run.status
            await models(platform, sync)
        return platform.run(job)

    run = process(part)

    assert ("partial", "Loaded, but models failed: daily: no") == (run.status, run.error)


def test_a_run_of_a_schedule_that_is_gone_fails(process):
    async def first(platform):
        platform.policy._slots = asyncio.Semaphore(0)
        return await platform.trigger()

    job = process(first, killed=True)

    async def second(platform):
        return await platform.ended(job)

    run = process(second, SCRIPT)

    assert ("failed", GONE) == (run.status, run.error)
