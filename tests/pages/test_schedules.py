"""The pages of schedules and notices: what they show to whom, and what their forms do."""

from datetime import UTC, datetime, timedelta

import pytest

from api.pages import charts
from commands.schedule_runs import FinishScheduleRun, StartScheduleRun
from domain.schedule_runs import ScheduleRunFinished
from tests.pages.site import Site, look
from tests.pages.test_sources import actions, tell

NEW = {
    "name": "nightly",
    "type": "sync",
    "cron": "0 6 * * *",
    "timezone": "Europe/Zurich",
    "sources": "orders\r\nitems\r\n",
    "enabled": "on",
    "on failure": "on",
    "start_date": "",
}
HOOK = {"name": "ops", "url": "https://hooks.example.org/T0P53CR3T", "format": "generic"}


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@tell
async def test_a_schedule_is_added_changed_switched_off_and_removed_with_forms(site, people):
    await site.configure("orders", "items", "other")
    admin, base = people["admin"], "/schedules/nightly"
    answer = await admin.post("/schedules", data=NEW)
    assert (303, base) == (answer.status_code, answer.headers.get("location")), answer.text
    event = site.recorded[-1].event
    assert (("orders", "items"), ("failure",)) == (event.config.sources, event.config.notify_on)
    again = await admin.post("/schedules", data={**NEW, "cron": "0 7 * * *"})
    assert (409, True) == (again.status_code, 'value="0 7 * * *"' in again.text)
    bad = await admin.post("/schedules", data={**NEW, "name": "x", "cron": "now and then"})
    assert (422, True) == (bad.status_code, "now and then" in bad.text)

    page = await look(people["viewer"], "/schedules")
    for words in ("nightly", "Daily at 6 AM (Europe/Zurich)", "1 source without a schedule"):
        assert words in page.text
    assert page.has("svg", **{"class": "track"})
    edit = await look(admin, f"{base}/edit")
    assert edit.has("input", name="cron", value="0 6 * * *")
    assert "items" in edit.text
    changed = {**NEW, "cron": "@hourly", "sources": "orders"}
    del changed["name"]
    answer = await admin.post(f"{base}/edit", data=changed)
    assert (303, base) == (answer.status_code, answer.headers.get("location")), answer.text
    assert ("orders",) == site.recorded[-1].event.config.sources
    answer = await admin.post(f"{base}/switch", data={"enabled": "false"})
    assert 303 == answer.status_code
    assert "It is never due." in (await look(admin, base)).text
    answer = await admin.post(f"{base}/remove")
    assert (303, "/schedules") == (answer.status_code, answer.headers["location"])
    assert 404 == (await admin.get(base)).status_code
    assert 303 == (await admin.post("/reload/schedules")).status_code


@tell
async def test_a_run_is_triggered_shown_and_cancelled(site, people):
    await site.configure("orders")
    await site.schedule("nightly")
    editor, admin, base = people["editor"], people["admin"], "/schedules/nightly"
    assert {f"{base}/trigger"} == actions(await look(editor, base)) - {"/logout"}
    answer = await editor.post(f"{base}/trigger", data={"full_refresh": "on"})
    assert (303, base) == (answer.status_code, answer.headers["location"])
    job = next(r.position for r in site.recorded if r.type == "schedule_due")
    again = await editor.post(f"{base}/trigger")
    assert (409, True) == (again.status_code, "data-problem" in again.text)
    assert f"/schedule-runs/{job}/cancel" in actions(await look(admin, "/schedules"))
    assert 403 == (await editor.post(f"/schedule-runs/{job}/cancel")).status_code
    await site.tell(StartScheduleRun(schedule="nightly", job=job))
    ending = ScheduleRunFinished(schedule="nightly", job=job, status="success", rows=4321)
    await site.tell(FinishScheduleRun(ending=ending, output=b"", output_until=None))
    page = await look(people["viewer"], base)
    for words in ("1 run", "4,321", "Succeeded", "by hand"):
        assert words in page.text
    over = await admin.post(f"/schedule-runs/{job}/cancel")
    assert (409, True) == (over.status_code, "data-problem" in over.text)
    assert 404 == (await editor.post("/schedules/none/trigger")).status_code


@tell
async def test_a_webhook_is_added_with_a_key_shown_once_changed_and_removed(site, people):
    admin = people["admin"]
    answer = await admin.post("/webhooks", data=HOOK)
    assert (200, True) == (answer.status_code, 'class="once"' in answer.text), answer.text
    key = answer.text.partition('class="once">')[2].partition("<")[0]
    page = await look(admin, "/schedules")
    assert "ops" in page.text
    assert key not in page.text
    assert "T0P53CR3T" not in page.text
    assert {"/webhooks", "/webhooks/test", "/webhooks/ops/remove"} <= actions(page)
    refused = await admin.post("/webhooks", data={**HOOK, "url": "ftp://x"})
    assert (422, True) == (refused.status_code, "data-problem" in refused.text)
    changed = await admin.post("/webhooks/ops", data={"url": "", "format": "slack", "secret": ""})
    assert (303, "/schedules") == (changed.status_code, changed.headers["location"])
    (hook,) = (await admin.get("/api/notifications/webhooks")).json()
    assert ("ops", "slack") == (hook["name"], hook["format"])
    refused = await admin.post("/webhooks/ops", data={"url": "ftp://x"})
    assert (422, True) == (refused.status_code, "data-problem" in refused.text)
    assert 404 == (await admin.post("/webhooks/none", data={"format": "slack"})).status_code
    answer = await admin.post("/webhooks/ops/remove")
    assert (303, "/schedules") == (answer.status_code, answer.headers["location"])
    none = await admin.post("/webhooks/test")
    assert (409, True) == (none.status_code, "data-problem" in none.text)
    assert 404 == (await admin.post("/deliveries/1/resend")).status_code
    for path in ("/webhooks", "/webhooks/ops", "/webhooks/test", "/deliveries/1/resend"):
        assert 403 == (await people["editor"].post(path)).status_code


def test_spans_lie_within_the_picture_and_are_seen():
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    start, end = noon - timedelta(hours=1), noon + timedelta(hours=1)
    times = [(start - timedelta(days=1), start), (noon, noon), (noon, end), (end, end)]
    assert [(0, 2), (50, 2), (50, 50), (98, 2)] == charts.spans(times, start, end, 100)
