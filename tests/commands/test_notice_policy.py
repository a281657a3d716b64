"""People are told of what happened: who, of what, how often, and until when."""

import asyncio

import pytest

from commands.kernel import Origin
from commands.notifications import ApplyNotifications, ResendNotice
from commands.policies import messages
from commands.policies.notices import NoticePolicy, Waiting
from commands.schedule_ports import Attempted
from commands.schedule_runs import FinishScheduleRun, TriggerSchedule
from commands.schedules import ApplySchedules
from commands.sources import ApplySources
from commands.syncs import FailSync, RequestSync, StartSync
from domain import drift, model_runs, pii
from domain.notifications import DEFAULTS, Place, Subject, Wanted
from domain.schedule_runs import ScheduleRunFinished
from domain.schedules import Kind, Schedule
from infra.policies import Runner
from projections import notifications, schedules
from tests.core import Core
from tests.datasets import source
from tests.patience import until

ANNA = Origin(actor="user:anna", via="session:s1", correlation="her request")
NIGHTLY = Schedule(name="nightly", kind=Kind.SYNC, cron="@daily", sources=("orders",))
OPS = Place(place="ops", fingerprint="f1")
OK = Attempted(ok=True, status_code=200, duration_s=0.1)
LATER = Attempted(ok=False, status_code=503, reason="It answered 503.")
NEVER = Attempted(ok=False, status_code=410, reason="It answered 410.", final=True)


class Notifier:
    def __init__(self):
        self.sent, self.endings = [], []

    async def send(self, place, message):
        self.sent.append((place, message))
        return self.endings.pop(0) if self.endings else OK


class Platform:
    def __init__(self, core):
        self.core, self.notifier, self.paused = core, Notifier(), []
        views = core.views
        self.policy = NoticePolicy(
            core.writer,
            self.notifier,
            wanted=lambda: notifications.wanted(views.current),
            config=lambda name: schedules.one(views.current, name),
            event=self._event,
            queued=self._queued,
            base_url="https://dango.example.org",
            wait=self._pause,
        )
        self.runner = Runner(core.log, core.codec, core.writer, [self.policy])

    def _event(self, position):
        found = self.core.log.at(position)
        return None if found is None else self.core.codec.open(position, found[0][1], found[0][3])

    def _queued(self):
        return [
            Waiting(
                notice=each.notice,
                place=each.place,
                subject=Subject(each.subject),
                cause=each.cause,
                attempts=each.attempts,
            )
            for each in notifications.queued(self.core.views.current)
        ]

    async def _pause(self, seconds):
        self.paused.append(seconds)

    async def run_ends(self, status="failed"):
        command = TriggerSchedule(schedule="nightly", at=self.core.clock())
        job = (await self.core.send(command, ANNA)).position
        ending = ScheduleRunFinished(
            schedule="nightly", job=job, status=status, sources=("orders",), error="no"
        )
        await self.core.send(FinishScheduleRun(ending=ending))

    async def sync_fails(self, **fields):
        asked = RequestSync(sources=("orders",), **fields)
        job = (await self.core.send(asked, ANNA)).position
        await self.core.send(StartSync(source="orders", job=job))
        await self.core.send(FailSync(source="orders", job=job, reason="no"))

    def notices(self):
        return [i.event for i in self.core.stored() if i.type.startswith("notice_")]

    async def happened(self, *types):
        await until(lambda: len(types) <= len(self.notices()))
        await asyncio.sleep(0.05)
        assert list(types) == [event.type_name() for event in self.notices()]


@pytest.fixture
def process(tmp_path):
    def run(part, *, schedule=NIGHTLY, wanted=Wanted(places=(OPS,))):  # noqa: B008 - frozen
        async def live():
            async with Core(tmp_path) as core:
                await core.send(ApplySources(sources=(source("orders"),)))
                await core.send(ApplySchedules(schedules=(schedule,)))
                await core.send(ApplyNotifications(wanted=wanted))
                platform = Platform(core)
                await platform.runner.start()
                try:
                    await part(platform)
                finally:
                    await platform.runner.stop()
                return platform

        return asyncio.run(live())

    return run


def test_a_failed_run_is_told_of(process):
    async def part(platform):
        await platform.run_ends()
        await platform.happened("notice_queued", "notice_delivered")

    ((place, message),) = process(part).notifier.sent

    assert "ops" == place
    assert ("sync_failed", "nightly", ["orders"], "no") == (
        message["event"],
        message["schedule"],
        message["sources"],
        message["error"],
    )
    assert "https://dango.example.org/" == message["dashboard_url"]


def test_a_run_that_went_well_is_not_told_of_unless_it_is_wanted(process):
    async def quiet(platform):
        await platform.run_ends("success")
        await platform.happened()

    process(quiet)


def test_a_schedule_says_for_itself_who_is_told(process):
    async def part(platform):
        await platform.run_ends("success")
        await platform.happened("notice_queued", "notice_delivered")
        await platform.run_ends("failed")
        await platform.happened("notice_queued", "notice_delivered")

    chatty = Schedule(
        name="nightly", kind=Kind.SYNC, cron="@daily", sources=("orders",), notify_on=("success",)
    )
    process(part, schedule=chatty)


def test_a_cancelled_run_is_nobody_s_affair(process):
    async def part(platform):
        await platform.run_ends("cancelled")
        await platform.happened()

    process(part)


def test_a_sync_that_somebody_asked_for_is_told_of_and_a_schedule_s_is_its_run_s(process):
    async def part(platform):
        await platform.sync_fails()
        await platform.happened("notice_queued", "notice_delivered")
        await platform.sync_fails(schedule="nightly", schedule_job=1)
        await platform.happened("notice_queued", "notice_delivered")

    process(part)


def test_what_may_pass_is_tried_again_and_then_is_dead(process):
    async def part(platform):
        platform.notifier.endings = [LATER] * 4
        await platform.run_ends()
        await platform.happened("notice_queued", *["notice_failed"] * 3, "notice_dead")

    platform = process(part)

    assert [5, 30, 300] == platform.paused
    assert 4 == len(platform.notifier.sent)


def test_what_will_not_pass_is_dead_at_once_and_can_be_sent_again(process):
    async def part(platform):
        platform.notifier.endings = [NEVER]
        await platform.run_ends()
        await platform.happened("notice_queued", "notice_dead")
        (queued,) = (i for i in platform.core.stored() if i.type == "notice_queued")
        again = ResendNotice(cause=queued.event.cause, notice=queued.position, place="ops")
        await platform.core.send(again, ANNA)
        await platform.happened("notice_queued", "notice_dead", "notice_resent", "notice_delivered")

    process(part)


CHANGE = drift.Change(schema="raw_orders", table="orders", column="id", before="BIGINT")
SURE, UNSURE = (
    pii.Finding(
        schema="raw_users", table="users", column=name, kind="EMAIL", confidence=sure, samples=9
    )
    for name, sure in (("mail", 0.9), ("note", 0.1))
)


@pytest.mark.parametrize(
    ("event", "name", "metadata"),
    [
        (
            model_runs.ModelsRunFailed(job=7, reason="no", failed=("daily",), duration_s=2.0),
            "dbt_run_failed",
            {"job_id": 7, "models": ["daily"], "file": None, "line": None},
        ),
        (
            drift.DriftDetected(source="orders", job=7, changes=(CHANGE,), pending=(CHANGE,)),
            "schema_drift_detected",
            {
                "job_id": 7,
                "changes": [
                    {"table": "orders", "column": "id", "kind": "column_removed", "breaking": True}
                ],
                "count": 1,
                "models_held_back": True,
            },
        ),
        (
            pii.PiiScanned(source="users", job=7, findings=(SURE, UNSURE), tables=(), fresh=1),
            "pii_detected",
            {
                "job_id": 7,
                "new": 1,
                "columns": [{"table": "users", "column": "mail", "kind": "EMAIL"}],
            },
        ),
    ],
)
def test_failed_models_drift_and_personal_data_are_told_of(event, name, metadata):
    told = messages.told(event)

    assert (name, metadata) == (told.event, told.fields["metadata"])
    assert told.subject in DEFAULTS


def test_a_scan_that_found_nothing_sure_is_not_told_of():
    event = pii.PiiScanned(source="users", job=7, findings=(UNSURE,), tables=())

    assert None is messages.told(event)
