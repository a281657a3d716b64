"""The pages of health, activity and governance: what they show to whom, what their forms do."""

import dataclasses
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import app, routes
from api.pages import disks
from api.platform import HttpSettings, LookedAt, WatcherStatus
from commands.disks import MeasureDisk
from domain.disks import DiskMeasured
from projections import disks as measurements
from projections.disks import Day
from tests.machines import GIB, Gauges
from tests.pages.site import Site, look
from tests.pages.test_sources import actions, tell

WORKER = {
    "name": "query",
    "idle": 2,
    "busy": 1,
    "waiting": 0,
    "tasks": 4321,
    "died": 0,
    "killed": 0,
    "isolated": True,
}


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@tell
async def test_health_tells_who_manages_where_read_models_and_workers_are(site, people):
    gauges = Gauges(site.platform.clock)
    site.platform = dataclasses.replace(site.platform, workers=lambda: [WORKER], gauges=gauges)
    site.app = app.create(site.platform, routes.ROUTES)
    admin = await site.logged_in()
    page = await look(admin, "/health")
    for words in ("All is well.", "sources", "4321", "Check them", "107.4 GB free"):
        assert words in page.text
    assert page.has("body", **{"data-after": str(site.log.head())})
    viewer = await look(people["viewer"], "/health")
    assert "All is well." in viewer.text
    assert "4321" not in viewer.text
    assert {"/logout"} == actions(viewer)


def measured(at, used, total=80 * 10**9):
    sizes = dict.fromkeys([f"{part}_bytes" for part in measurements.PARTS], 10**6)
    free = {"free_bytes": total - used, "total_bytes": total}
    return MeasureDisk(measured=DiskMeasured(measured_at=at, **sizes, **free))


@tell
async def test_the_disk_is_a_picture_and_a_table_with_what_becomes_of_it(site, people):
    nothing = await look(people["admin"], "/health")
    assert "There is no measurement yet." in nothing.text
    assert not nothing.has("details", id="disk-days")
    for number in range(9):
        at = site.clock() + timedelta(days=number)
        await site.tell(measured(at, (30 + 2 * number) * 10**9))
    page = await look(people["admin"], "/health")
    for words in ("it is full in about 2 weeks.", "It grows by 2.0 GB a day, by 9 measurements."):
        assert words in page.text
    assert page.has("details", id="disk-days")
    assert 1 == sum("Used space from" in v.get("aria-label", "") for _, v in page.tags)
    assert "measurements" not in (await look(people["viewer"], "/health")).text


@given(
    st.lists(st.tuples(st.integers(0, 10**13), st.integers(1, 9)), min_size=2, max_size=90),
    st.integers(1, 10**13),
)
def test_the_curve_of_the_disk_stays_within_its_picture(days, total):
    at, points = datetime(2026, 1, 1, tzinfo=UTC).date(), []
    for used, pause in days:
        at += timedelta(days=pause)
        free = total - min(used, total)
        points.append(Day(day=at, parts={}, free_bytes=free, total_bytes=total))
    found = disks.curve(points)
    numbers = [float(each) for each in re.findall(r"[-0-9.]+", found.area)]
    assert all(0 <= x <= disks.WIDTH for x in numbers[::2])
    assert all(0 <= y <= disks.HEIGHT for y in numbers[1::2])
    assert found.full is None or 0 <= found.full <= disks.HEIGHT
    assert disks.curve(points[:1]) is None


@tell
async def test_a_disk_that_runs_short_is_told_to_who_can_make_room(site, people):
    gauges = Gauges(site.platform.clock)
    gauges.free = GIB
    site.platform = dataclasses.replace(site.platform, gauges=gauges)
    site.app = app.create(site.platform, routes.ROUTES)

    assert "The disk is nearly full" in (await look(await site.logged_in(), "/health")).text
    assert "The disk is nearly full" not in (await look(people["viewer"], "/health")).text


@tell
async def test_a_source_whose_folders_are_not_listened_to_is_named_with_the_reason(site, people):
    status = WatcherStatus(
        running=True,
        watched_folders=1_200,
        looked_at=(LookedAt(source="archive", reason="There are too many folders."),),
    )
    site.platform = dataclasses.replace(site.platform, watcher=lambda: status)
    site.app = app.create(site.platform, routes.ROUTES)
    page = await look(await site.logged_in(), "/health")
    assert "hears of changes in 1,200 folders" in page.text
    assert "looks at archive from time to time: There are too many folders;" in page.text


@tell
async def test_what_is_wrong_is_told_to_who_is_logged_in(site, people):
    broken = dataclasses.replace(site.platform, checks=(lambda: "The views have stopped.",))
    site.app = app.create(broken, routes.ROUTES)
    page = await look(await site.logged_in(), "/health")
    assert "Something is wrong." in page.text
    assert "The views have stopped." in page.text
    assert "The views have stopped." not in (await look(site.client(), "/health")).text
    assert people


@tell
async def test_read_models_are_checked_and_rebuilt_and_the_warehouse_maintained(site, people):
    admin = people["admin"]
    checked = await admin.post("/health/check")
    assert (200, True) == (checked.status_code, "gives the same rows" in checked.text)
    answer = await admin.post("/health/projections/all/rebuild")
    assert (303, "/health", 1) == (
        answer.status_code,
        answer.headers["location"],
        site.upkeep.rebuilt,
    )
    none = await admin.post("/health/projections/none/rebuild")
    assert (404, True) == (none.status_code, "data-problem" in none.text)
    assert 303 == (await admin.post("/health/maintenance")).status_code
    again = await admin.post("/health/maintenance")
    assert (409, True) == (again.status_code, "data-problem" in again.text)
    for path in ("check", "maintenance", "projections/all/rebuild"):
        assert 403 == (await people["editor"].post(f"/health/{path}")).status_code


def test_a_backup_is_asked_for_where_a_place_is_named(tmp_path):
    site = Site(tmp_path, settings=HttpSettings(backups_to="/b"))

    async def story():
        people = await site.people()
        admin = people["admin"]
        assert "/health/backup" in actions(await look(admin, "/health"))
        assert 403 == (await people["editor"].post("/health/backup")).status_code
        answer = await admin.post("/health/backup")
        assert (303, "/health") == (answer.status_code, answer.headers["location"])
        again = await admin.post("/health/backup")
        assert (409, True) == (again.status_code, "data-problem" in again.text)

    site.run(story)
    assert 1 == site.types().count("backup_requested")


@tell
async def test_activity_is_filtered_by_level_and_source(site, people):
    await site.configure("orders", "items")
    await site.fail("orders", "Line 7 is broken.")
    await site.succeed("items")
    viewer = people["viewer"]
    assert "Line 7 is broken." in (await look(viewer, "/logs")).text
    errors = await look(viewer, "/logs?level=error")
    assert "Line 7 is broken." in errors.text
    assert "Sync of items completed" not in errors.text
    assert "Line 7" not in (await look(viewer, "/logs?source=items")).text
    assert "Line 7" not in (await look(people["anonymous"], "/logs")).text
    assert "No line matches" in (await look(viewer, "/logs?source=none")).text


@tell
async def test_activity_is_looked_through_taken_along_and_linked_line_by_line(site, people):
    await site.configure("orders", "items")
    failed = (await site.fail("orders", "Line 7 is broken.")).position
    await site.succeed("items")
    viewer = people["viewer"]
    found = await look(viewer, "/logs?q=LINE+7")
    assert "Line 7 is broken." in found.text
    assert "Sync of items completed" not in found.text
    assert found.has("a", href=f"/logs?as_of={failed}#line-{failed}")
    linked = await look(viewer, f"/logs?as_of={failed}")
    assert linked.has("tr", id=f"line-{failed}")
    assert 422 == (await look(viewer, "/logs?q=" + "x" * 101)).status
    assert found.has("a", id="file", href="/api/logs/export?q=LINE+7")
    file = await viewer.get("/api/logs/export?level=error")
    assert "attachment" in file.headers["content-disposition"]
    (line,) = [json.loads(each) for each in file.text.splitlines()]
    assert (failed, "error", "orders") == (line["position"], line["level"], line["source"])
    nobody = await people["anonymous"].get("/api/logs/export")
    assert (200, False) == (nobody.status_code, "Line 7 is broken." in nobody.text)
    assert 422 == (await viewer.get("/api/logs/export?level=loud")).status_code


@tell
async def test_what_is_sent_along_with_a_question_has_no_secret_no_value_and_no_name(site, people):
    site.platform = dataclasses.replace(
        site.platform, workers=lambda: [WORKER], gauges=Gauges(site.platform.clock),
        checks=(lambda: "The file hunter2.csv is broken.",),
    )  # fmt: skip
    site.app = app.create(site.platform, routes.ROUTES)
    admin = await site.logged_in()
    await site.configure("orders")
    await site.fail("orders", "Line 7 holds ada@example.org.")
    await admin.post("/api/secrets", json={"key": "SHOP_TOKEN", "value": "hunter2-of-the-shop"})
    assert (await look(admin, "/health")).has("a", id="diagnostics")
    answer = await admin.get("/api/health/diagnostics")
    assert 200 == answer.status_code, answer.text
    told = answer.json()
    assert (1, "orders") == (told["problems"], told["health"]["sync_failures"][0]["source"])
    assert {"dango", "python", "duckdb"} <= set(told["versions"])
    for hidden in ("hunter2", "Line 7", "@example.org", "SHOP_TOKEN"):
        assert hidden not in answer.text
    for caller in ("viewer", "editor"):
        assert 403 == (await people[caller].get("/api/health/diagnostics")).status_code


@tell
async def test_governance_says_what_needs_somebody_and_takes_peoples_word(site, people):
    admin = people["admin"]
    await site.configure("orders")
    await site.succeed("orders")
    await site.fail("orders", "no")
    page = await look(people["viewer"], "/governance")
    assert "The last sync failed" in page.text
    assert "No column seems to tell of persons" in page.text
    assert {"/logout"} == actions(page)
    assert {"/governance/pii", "/governance/scan"} <= actions(await look(admin, "/governance"))
    said = {"source": "orders", "table_name": "orders", "column_name": "id", "pii_status": "pii"}
    answer = await admin.post("/governance/pii", data={**said, "reason": "it names people"})
    assert (303, "/governance") == (answer.status_code, answer.headers.get("location")), answer.text
    page = await look(admin, "/governance")
    for words in ("orders.id", "personal", "it names people"):
        assert words in page.text
    past = await look(admin, f"/governance?as_of={site.log.head()}")
    assert "it names people" not in past.text
    bad = await admin.post("/governance/pii", data={**said, "pii_status": "perhaps"})
    assert (422, True) == (bad.status_code, "data-problem" in bad.text)
    assert 303 == (await admin.post("/governance/scan", data={"source": "orders"})).status_code
    assert "pii_scan_requested" in site.types()
    for path in ("pii", "scan"):
        assert 403 == (await people["editor"].post(f"/governance/{path}")).status_code
