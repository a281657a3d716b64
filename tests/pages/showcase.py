"""A project worth looking at: real data where it is installed, and two months of a past.

The past is written by the product's own commands, under a clock that is moved on day by day; what
is there now comes from a real server.
"""

import asyncio
import contextlib
import re
import shutil
from datetime import UTC, datetime, timedelta
from random import Random

from commands import syncs
from commands.disks import MeasureDisk
from commands.kernel import Origin
from domain.disks import DiskMeasured
from domain.permissions import Role
from infra import creation, demo, runtime
from infra.configuration import project as configuration
from infra.project import Project
from infra.runtime import Runtime
from tests.server import template as templates
from tests.server.harness import Server, until

DAYS = 60
SEED = 7
CLEARED = 22  # the day after which there was more room
ROWS = 26_000  # of a source in a usual run, give or take
ADMIN, EDITOR = "ana@example.org", "ben@example.org"
WAIT_S = 180.0
REASON = "Line 812 of {name}.csv has 14 values where the header has 15 columns."
SCHEDULES = """\
schedules:
  - {{name: every-morning, type: sync, cron: "0 5 * * *", sources: [{all}]}}
  - {{name: midday, type: sync, cron: "0 12 * * 1-5", sources: [{first}]}}
"""
MONITORS = {"name": "rows_of_{}", "source_table": "raw_{0}.{0}", "value_expression": "count(*)"}
SCHEDULED = Origin(actor="system:scheduler", via="scheduler", correlation="showcase")


class Moved:
    """A clock that goes on by hand."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        self.now += timedelta(milliseconds=40)
        return self.now


@contextlib.contextmanager
def moved(clock):
    """Every runtime that is made meanwhile has this clock."""
    real, runtime.clock = runtime.clock, clock
    try:
        yield
    finally:
        runtime.clock = real


def make(root):
    """Make the project at `root`; answers its people and the names of its sources."""
    clock = Moved(datetime.now(UTC) - timedelta(days=DAYS))
    with moved(clock):
        return asyncio.run(_make(root, clock))


async def _make(root, clock):
    await creation.create(root, name="new york flights", email=ADMIN, password=templates.PASSWORD)
    data, project, people = demo.furnish(Project(root)), Project(root), templates.People()
    async with _opened(project) as found:
        await found.start()  # the sources are read
        people.sessions["editor"] = await templates._start(
            found, await templates._add_user(found, EDITOR, Role.EDITOR)
        )
    async with _opened(project) as found:
        found.writer.start()
        await _past(found, clock, data.sources)
    clock.now = datetime.now(UTC)
    async with _opened(project) as found:
        found.writer.start()
        admin = await templates._add_user(found, "cleo@example.org", Role.ADMIN)
        people.sessions["admin"] = await templates._start(found, admin)
    return people, data


@contextlib.asynccontextmanager
async def _opened(project):
    with project.held():
        found = Runtime(project, configuration.read(project.folder))
        try:
            yield found
        finally:
            await found.stop()


async def _past(found, clock, names):
    """One sync of each source a day, most of which go well."""
    dice, begun = Random(SEED), clock.now  # noqa: S311 - the same past each time
    for day in range(DAYS):
        await _disk(found, clock(), day)
        for place, name in enumerate(names):
            clock.now = max(clock.now, begun + timedelta(days=day, hours=2, minutes=place))
            bad = dice.random() < 0.06 and day < DAYS - 3
            await _run(found, clock, name, dice, bad=bad)


async def _disk(found, at, number):
    """A disk that fills up slowly; once somebody cleared up."""
    total = shutil.disk_usage(found.project.root).total
    part = 0.4 + 0.005 * number - (0.04 if number > CLEARED else 0) + number % 5 * 0.0015
    measured = DiskMeasured(
        measured_at=at,
        log_bytes=20_000_000 + number * 400_000,
        vault_bytes=90_000,
        views_bytes=9_000_000 + number * 90_000,
        warehouse_bytes=number * 190_000_000,
        uploads_bytes=46_000_000,
        backups_bytes=number * 22_000_000,
        free_bytes=int(total * (1 - part)),
        total_bytes=total,
    )
    await found.writer.send(MeasureDisk(measured=measured), SCHEDULED)


async def _run(found, clock, name, dice, *, bad):
    asked = await found.writer.send(syncs.RequestSync(sources=(name,)), SCHEDULED)
    job = asked.recorded[-1].position
    start = syncs.StartSync(source=name, job=job, schema=f"raw_{name}", table=name)
    await found.writer.send(start, SCHEDULED)
    took_s = 1.5 + 2 * dice.random()
    clock.now += timedelta(seconds=took_s)
    if bad:
        end = syncs.FailSync(
            source=name,
            job=job,
            reason=REASON.format(name=name),
            file=f"{name}.csv",
            line=812,
            duration_s=took_s,
        )
    else:
        rows = int(ROWS * (0.8 + 0.4 * dice.random()))
        end = syncs.CompleteSync(
            source=name, job=job, rows=rows, tables=(), snapshot=job, duration_s=took_s
        )
    await found.writer.send(end, SCHEDULED)


@contextlib.contextmanager
def served(root):
    """A server on a project that is made for it, with everything that its pages can show."""
    people, data = make(root)
    server = Server(root, people)
    try:
        server.start()
        _live(server, data)
        yield server, data
    finally:
        server.close()


def _live(server, data):
    """What a week brings: syncs, models, schedules, a query that is kept, a sync that fails."""
    admin, names = server.client(session="admin"), data.sources
    for name in names:
        server.sync(admin, name)
    until(lambda: _models(admin), WAIT_S, 0.2)
    (server.root / ".dango/schedules.yml").write_text(
        SCHEDULES.format(all=", ".join(names), first=names[0])
    )
    for name in names[:3]:
        _done(admin.post(f"/api/catalog/{name}/{name}/profile"))
        body = {key: text.format(name) for key, text in MONITORS.items()}
        _done(admin.post("/api/monitors", json=body))
    for name, sql in (
        ("What is sold, what is late", pretty(data.query)),
        ("One", "select 1 as one"),
    ):
        _done(admin.post("/api/queries", json={"name": name, "sql": sql, "shared": True}))
        _done(admin.post("/api/query", json={"sql": sql}))
    _done(admin.post("/api/notebooks", json={"name": "delays", "template": "explore"}))
    file = server.root / "data/uploads" / names[-1] / f"{names[-1]}.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:811] + [f"{line},more" for line in lines[811:]]))
    assert "failed" == server.sync(admin, names[-1])["status"]


def pretty(sql):
    """A statement as people write it: a line for each clause."""
    return re.sub(" (from|order by|limit) ", r"\n\1 ", sql)


def _models(admin):
    found = admin.get("/api/dbt/models").json()["models"]
    return found and all(each["status"] not in (None, "running", "stale") for each in found)


def _done(answer):
    assert answer.status_code in (200, 201), answer.text
