"""Schedules: when they come due, and how a run lives and ends."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from commands.schedule_runs import (
    DECIDERS,
    CancelScheduleRun,
    FinishScheduleRun,
    RetryScheduleRun,
    StartScheduleRun,
    TickSchedule,
    TriggerSchedule,
)
from domain import schedule_runs, schedules
from domain.schedule_runs import (
    ScheduleCancelRequested,
    ScheduleDue,
    ScheduleRunFinished,
    ScheduleRunMissed,
    ScheduleRunRetried,
    ScheduleRunSkipped,
    ScheduleRunStarted,
)
from tests.decisions import NOW, Scenario, recorded
from tests.domain.test_cron import ZONES
from tests.server.harness import tell

SIX = datetime(2026, 1, 2, 6, tzinfo=UTC)  # the first one behind NOW, which is noon


def config(**fields):
    known = {"name": "nightly", "kind": schedules.Kind.SYNC, "cron": "0 6 * * *"}
    return schedules.Schedule(**{**known, "sources": ("orders",), **fields})


def created(**fields):
    return schedules.ScheduleCreated(schedule="nightly", config=config(**fields))


def due(at=SIX, **fields):
    return ScheduleDue(schedule="nightly", due_at=at, **fields)


def finished(job, status="success"):
    return ScheduleRunFinished(schedule="nightly", job=job, status=status)


def at(moment=SIX, **late):
    return TickSchedule(schedule="nightly", at=moment + timedelta(**late))


def given(*events):
    return Scenario(DECIDERS, events)


def test_nothing_is_due_before_its_moment():
    given(created()).when(at(microseconds=-1)).then()


def test_a_schedule_is_due_at_its_moment():
    given(created()).when(at()).then(due())


def test_a_moment_before_the_schedule_was_there_is_nobodys():
    given((SIX, created())).when(at(minutes=1)).then()


def test_what_was_due_while_no_server_ran_is_one_run():
    given(created()).when(at(days=3, hours=1)).then(due(SIX + timedelta(days=3), passed=3))


def test_more_moments_are_passed_by_than_are_counted():
    week = NOW + timedelta(days=7, seconds=30)

    given(created(cron="* * * * *")).when(at(week)).then(
        due(NOW + timedelta(days=7), passed=schedule_runs.COUNTED_MAX - 1)
    )


def test_what_is_noticed_too_late_is_missed():
    missed = ScheduleRunMissed(schedule="nightly", due_at=SIX, count=1)

    given(created(misfire_grace_s=60)).when(at(seconds=61)).then(missed)


def test_what_is_noticed_within_the_grace_runs():
    given(created(misfire_grace_s=60)).when(at(seconds=60)).then(due())


def test_what_is_due_while_the_same_one_runs_is_skipped():
    second = SIX + timedelta(days=1)
    skipped = ScheduleRunSkipped(schedule="nightly", due_at=second, job=2)

    given(created(), due()).when(at(second)).then(skipped)


def test_after_the_end_of_a_run_the_next_one_is_due():
    second = SIX + timedelta(days=1)

    given(created(), due(), finished(2)).when(at(second)).then(due(second))


def test_a_disabled_schedule_is_never_due():
    given(created(), schedules.ScheduleDisabled(schedule="nightly")).when(at()).then()


def test_a_schedule_that_is_enabled_again_owes_nothing():
    switched = (
        schedules.ScheduleDisabled(schedule="nightly"),
        (SIX + timedelta(hours=1), schedules.ScheduleEnabled(schedule="nightly")),
    )

    given(created(), *switched).when(at(hours=2)).then()


def test_a_removed_schedule_is_never_due():
    given(created(), schedules.ScheduleRemoved(schedule="nightly")).when(at()).then()


def test_nothing_is_due_before_the_start_date():
    given(created(start_date="2026-01-03")).when(at()).then()
    second = SIX + timedelta(days=1)
    given(created(start_date="2026-01-03")).when(at(second)).then(due(second))


def test_the_start_date_begins_where_its_zone_is():
    first = datetime(2026, 1, 2, 23, 30, tzinfo=UTC)
    fields = {"cron": "30 0 * * *", "timezone": "Europe/Zurich", "start_date": "2026-01-03"}

    given(created(**fields)).when(at(first)).then(due(first))


def test_a_disabled_schedule_can_be_triggered():
    disabled = schedules.ScheduleDisabled(schedule="nightly")
    command = TriggerSchedule(schedule="nightly", at=NOW, full_refresh=True)

    story = given(created(), disabled).when(command)

    assert [due(NOW, manual=True, full_refresh=True)] == story.decide(story._events)


def test_a_triggered_run_leaves_the_time_table_as_it_was():
    later = SIX + timedelta(hours=1)
    events = (created(), due(later, manual=True), finished(2))

    given(*events).when(at(later, seconds=1)).then(due())


def test_a_schedule_that_runs_is_not_triggered_again():
    command = TriggerSchedule(schedule="nightly", at=NOW)
    refused = given(created(), due()).when(command).refused(schedule_runs.ScheduleRunning)

    assert {"job_id": 2} == refused.facts


def test_only_a_schedule_that_is_there_can_be_triggered():
    command = TriggerSchedule(schedule="nightly", at=NOW)

    given().when(command).refused(schedules.ScheduleMissing)


def test_a_run_is_started_once():
    started = ScheduleRunStarted(schedule="nightly", job=2)

    given(created(), due()).when(StartScheduleRun(schedule="nightly", job=2)).then(started)


def test_a_run_that_was_cancelled_before_is_not_started():
    cancel = ScheduleCancelRequested(schedule="nightly", job=2)

    given(created(), due(), cancel).when(StartScheduleRun(schedule="nightly", job=2)).then()


def test_each_attempt_is_told_once():
    told = ScheduleRunRetried(schedule="nightly", job=2, attempt=1, wait_s=30)
    command = RetryScheduleRun(schedule="nightly", job=2, attempt=1, wait_s=30)

    given(created(), due()).when(command).then(told)


def test_a_run_ends_once():
    given(created(), due()).when(FinishScheduleRun(ending=finished(2))).then(finished(2))
    ended = given(created(), due(), finished(2))
    ended.when(FinishScheduleRun(ending=finished(2, "failed"))).then()


def test_a_run_that_goes_on_can_be_cancelled():
    cancel = ScheduleCancelRequested(schedule="nightly", job=2)

    given(created(), due()).when(CancelScheduleRun(schedule="nightly", job=2)).then(cancel)


def test_a_run_that_ended_cannot_be_cancelled():
    command = CancelScheduleRun(schedule="nightly", job=2)

    given(created(), due(), finished(2)).when(command).refused(schedule_runs.ScheduleRunEnded)


# two years


def table(random):
    """A time table whose moments can be told without asking how they are found."""
    minute, hour = random.randrange(60), random.randrange(24)
    return f"{minute} {hour} * * *"


def followed(number, days):
    """What one schedule does in so many days, looked at as soon as it is due by a virtual clock."""
    random = Random(number)  # noqa: S311 - seeded
    zone = ZONES[number % len(ZONES)]
    known = config(name="nightly", cron=table(random), timezone=zone)
    begin = datetime(2025, 12, 31, 12, tzinfo=UTC)
    first = recorded(1, schedules.ScheduleCreated(schedule="nightly", config=known), begin)
    state = schedule_runs.evolve(schedule_runs.ScheduleRuns(), first)
    clock, position, found = begin, 1, []
    end = begin + timedelta(days=days)
    while (moment := known.next_after(clock)) is not None and moment < end:
        late = timedelta(seconds=random.random())
        assert [] == schedule_runs.tick(state, "nightly", moment - timedelta(microseconds=1))
        (event,) = schedule_runs.tick(state, "nightly", moment + late)
        position += 1
        for each in (event, finished(position)):
            state = schedule_runs.evolve(state, recorded(position, each, moment + late))
        assert isinstance(event, ScheduleDue)
        assert 0 == event.passed
        found.append(event.due_at)
        clock = moment + late
    return zone, known.cron, found


def judged(count, days):
    """How many runs were missed, doubled and early over all days of all schedules."""
    missed = doubled = early = runs = 0
    for number in range(count):
        zone, text, found = followed(number, days)
        where = ZoneInfo(zone)
        minute, hour = map(int, text.split()[:2])
        dates = [moment.astimezone(where).date() for moment in found]
        doubled += len(dates) - len(set(dates))
        missed += sum((b - a).days - 1 for a, b in pairwise(dates) if b > a)
        for moment in found:
            wall = moment.astimezone(where)
            early += (wall.hour, wall.minute) < (hour, minute)
        runs += len(found)
    return {"runs": runs, "missed": missed, "doubled": doubled, "early": early}


def test_schedules_are_kept_over_the_days_on_which_clocks_change():
    found = judged(10, 400)

    assert {"missed": 0, "doubled": 0, "early": 0} == {
        key: value for key, value in found.items() if key != "runs"
    }
    assert 10 * 399 <= found["runs"] <= 10 * 400


@pytest.mark.soak
def test_very_many_schedules_are_kept_over_two_years():
    found = judged(500, 730)
    tell(f"500 schedules, two years, {len(ZONES)} zones: {found}")

    assert {"missed": 0, "doubled": 0, "early": 0} == {
        key: value for key, value in found.items() if key != "runs"
    }
    assert 500 * 729 <= found["runs"] <= 500 * 730
