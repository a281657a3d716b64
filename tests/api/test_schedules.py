"""Schedules and notices over HTTP: the file is written, what happened is told, bad input is 4xx."""

import pytest

from commands.kernel import Origin
from commands.notifications import TellFailed
from commands.schedule_runs import FinishScheduleRun, StartScheduleRun
from commands.sources import ApplySources
from commands.syncs import RequestSync
from domain.notifications import NoticeFailed
from domain.permissions import Role
from domain.schedule_runs import ScheduleRunFinished
from infra.configuration.watch import Configuration
from infra.project import Project
from tests.api.access import Server
from tests.datasets import source

NEW = {"name": "nightly", "cron": "0 6 * * *", "sources": ["orders"], "timezone": "Europe/Zurich"}
HOOK = {"name": "ops", "url": "https://hooks.example.org/T0P53CR3T"}
FILE = """\
# what we do when
schedules:
  - name: nightly  # while all sleep
    type: sync
    cron: daily
    sources: [orders]
notifications:
  webhooks:
    - {name: hook1, url: https://hooks.example.com/L1T3R4L, format: slack}
  on_success: true
"""
ORIGIN = Origin(actor="policy:schedules", via="policy", correlation="test")


class Shop(Server):
    def __init__(self, folder):
        super().__init__(folder)
        self.project = Project.create(folder / "shop", "shop")
        self.file = self.project.schedules_yml
        self.editor = Configuration(self.project, self.writer, self.vault.digest)
        object.__setattr__(self.platform, "schedules_editor", self.editor)

    async def send(self, command):
        return await self.writer.send(command, ORIGIN)

    def of(self, *words):
        return [kind for kind in self.types() if kind.startswith(words)]


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_the_status_of_a_sync_names_the_schedule_that_asked_for_it(shop):
    async def story():
        await shop.send(ApplySources(sources=(source("orders"), source("users"))))
        admin = await shop.logged_in()
        asked = RequestSync(sources=("orders",), schedule="nightly", schedule_job=7)
        jobs = [(await shop.send(asked)).recorded[0].position]
        jobs.append((await admin.post("/api/sources/users/sync")).json()["job_id"])
        told = [(await admin.get(f"/api/sync/status/{job}")).json() for job in jobs]
        assert ["nightly", "manual"] == [each["schedule_name"] for each in told]

    shop.run(story)


def test_a_schedule_is_added_changed_triggered_and_removed(shop):
    async def story():
        await shop.send(ApplySources(sources=(source("orders"), source("users"))))
        admin = await shop.logged_in()
        assert 201 == (await admin.post("/api/schedules", json=NEW)).status_code
        (listed,) = (await admin.get("/api/schedules")).json()
        assert ("sync", "2026-01-02T05:00:00Z", None) == (
            listed["type"],
            listed["next_run_time"],
            listed["last_run"],
        )
        assert {"sources": ["users"]} == (await admin.get("/api/sources/unscheduled")).json()
        shown = {s["name"]: s["schedule_display"] for s in (await admin.get("/api/sources")).json()}
        assert {"orders": "Daily at 6 AM (Europe/Zurich)", "users": None} == shown
        body = {"cron": "@hourly", "enabled": False}
        assert 200 == (await admin.put("/api/schedules/nightly", json=body)).status_code
        assert (await admin.get("/api/schedules/nightly")).json()["next_run_time"] is None
        job = (await admin.post("/api/schedules/nightly/trigger")).json()["job_id"]
        again = await admin.post("/api/schedules/nightly/trigger")
        assert (409, job) == (again.status_code, again.json()["job_id"])
        await shop.send(StartScheduleRun(schedule="nightly", job=job))
        ending = ScheduleRunFinished(schedule="nightly", job=job, status="success", rows=3)
        await shop.send(FinishScheduleRun(ending=ending, output=b"hello", output_until=None))
        assert "hello" == (await admin.get(f"/api/schedules/jobs/{job}")).json()["output"]
        assert 409 == (await admin.post(f"/api/schedules/jobs/{job}/cancel")).status_code
        page = (await admin.get("/api/schedules/nightly/history?status=success")).json()
        assert (1, 3) == (page["total"], page["items"][0]["rows_processed"])
        assert 1 == len((await admin.get("/api/schedules/history/recent")).json())
        assert 200 == (await admin.delete("/api/schedules/nightly")).status_code
        assert [] == (await admin.get("/api/schedules")).json()

    shop.run(story)
    expected = ["schedule_created", "schedule_changed", "schedule_disabled", "schedule_due"]
    expected += ["schedule_run_started", "schedule_run_finished", "schedule_removed"]
    assert expected == shop.of("schedule_")


def test_a_file_of_the_existing_product_is_taken_and_its_comments_stay(shop):
    async def story():
        shop.file.write_text(FILE)
        await shop.editor.reload()
        admin = await shop.logged_in()
        body = {"sources": ["orders", "users"]}
        assert 200 == (await admin.put("/api/schedules/nightly", json=body)).status_code
        text = shop.file.read_text()
        assert "# what we do when" in text
        assert "# while all sleep" in text
        assert "- users" in text or "users]" in text
        told = (await admin.get("/api/notifications/config")).json()
        hook = {"name": "hook1", "url": "****", "format": "slack", "signed": False}
        assert ([hook], True, 24) == (
            told["webhooks"],
            told["on_success"],
            told["stale_threshold_hours"],
        )

    shop.run(story)
    assert b"L1T3R4L" not in shop.log.path.read_bytes()


def test_a_reload_tells_what_is_otherwise_and_where_a_file_is_wrong(shop):
    async def story():
        shop.file.write_text(FILE)
        admin = await shop.logged_in()
        answer = await admin.post("/api/schedules/reload")
        expected = {"added": ["nightly"], "updated": [], "removed": [], "unchanged": []}
        assert expected == answer.json()
        shop.file.write_text(FILE.replace("cron: daily", "cron: sometimes"))
        broken = await admin.post("/api/schedules/reload")
        assert (409, "schedules.yml", 5, 11) == (
            broken.status_code,
            broken.json()["file"],
            broken.json()["line"],
            broken.json()["column"],
        )
        await shop.editor.reload()
        assert 1 == len((await admin.get("/api/schedules")).json())
        shop.file.write_text(FILE.replace("cron: daily", "cron: weekly"))
        answer = await admin.post("/api/schedules/reload")
        assert ["nightly"] == answer.json()["updated"]

    shop.run(story)
    assert ["configuration_refused", "configuration_accepted"] == shop.of("configuration_")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "", {}, 422),
        ("POST", "", {**NEW, "name": "a b"}, 422),
        ("POST", "", {**NEW, "cron": "whenever"}, 422),
        ("POST", "", {**NEW, "cron": None}, 422),
        ("POST", "", {**NEW, "timezone": "Mars/Olympus"}, 422),
        ("POST", "", {**NEW, "start_date": "soon"}, 422),
        ("POST", "", {**NEW, "type": "shell"}, 422),
        ("POST", "", {**NEW, "sources": []}, 422),
        ("POST", "", {**NEW, "more": 1}, 422),
        ("POST", "", {**NEW, "misfire_grace_time": 0}, 422),
        ("POST", "", {**NEW, "timeout_minutes": -1}, 422),
        ("POST", "", {**NEW, "notify_on": ["always"]}, 422),
        ("POST", "", {**NEW, "type": "script"}, 422),
        ("POST", "", {**NEW, "type": "script", "script_path": "../x.py"}, 422),
        ("POST", "", {**NEW, "type": "script", "script_path": "/etc/x.py"}, 422),
        ("POST", "", {**NEW, "type": "script", "script_path": "scripts/a/x.py"}, 422),
        ("POST", "", {**NEW, "script_args": ["a\nb"]}, 422),
        ("POST", "", {**NEW, "type": "dbt", "dbt_command": "rm -rf"}, 422),
        ("PUT", "/nobody", {"enabled": True}, 404),
        ("DELETE", "/nobody", None, 404),
        ("GET", "/nobody", None, 404),
        ("POST", "/nobody/trigger", {}, 404),
        ("POST", "/nobody/trigger", {"start_date": "soon"}, 422),
        ("GET", "/nobody/history", None, 200),
        ("GET", "/nobody/history?limit=0", None, 422),
        ("GET", "/nobody/history?status=odd", None, 422),
        ("GET", "/nobody/history?since=2026-01-01T00:00:00", None, 422),
        ("GET", "/jobs/99999", None, 404),
        ("POST", "/jobs/99999/cancel", {}, 404),
        ("GET", "/history/recent?limit=201", None, 422),
    ],
)
def test_bad_input_is_answered_with_a_reason(shop, method, path, body, status):
    async def story():
        admin = await shop.logged_in()
        answer = await admin.request(method, f"/api/schedules{path}", json=body)
        assert status == answer.status_code, answer.text
        assert "detail" in answer.json() or status == 200

    shop.run(story)
    assert [] == shop.of("schedule_")


def test_a_webhook_s_url_and_key_are_in_the_vault_alone(shop):
    async def story():
        admin = await shop.logged_in()
        added = await admin.post("/api/notifications/webhooks", json=HOOK)
        assert 201 == added.status_code, added.text
        assert "T0P53CR3T" not in added.text
        key = added.json()["secret"]
        text = shop.file.read_text()
        assert "${WEBHOOK_OPS_URL}" in text
        assert "T0P53CR3T" not in text
        assert key not in text
        assert b"T0P53CR3T" in shop.vault.read("secret", "WEBHOOK_OPS_URL")
        (listed,) = (await admin.get("/api/notifications/webhooks")).json()
        assert ("${WEBHOOK_OPS_URL}", True) == (listed["url"], listed["signed"])
        change = {"format": "slack"}
        assert 200 == (await admin.put("/api/notifications/webhooks/ops", json=change)).status_code
        assert 409 == (await admin.post("/api/notifications/webhooks", json=HOOK)).status_code
        assert 200 == (await admin.delete("/api/notifications/webhooks/ops")).status_code
        assert 404 == (await admin.delete("/api/notifications/webhooks/ops")).status_code
        return key

    shop.run(story)
    assert b"T0P53CR3T" not in shop.log.path.read_bytes()


SCRIPT = {"name": "s", "type": "script", "cron": "daily", "script_path": "scripts/a.py"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "notifications/webhooks", {"url": "https://a.example/${STRIPE}"}, 403),
        ("POST", "notifications/webhooks", {"url": "${STRIPE}"}, 403),
        ("POST", "notifications/webhooks", {"secret": "${STRIPE}"}, 403),
        ("POST", "notifications/webhooks", {}, 201),
        ("PUT", "notifications/webhooks/mine", {"url": "https://a.example/${MINE}"}, 403),
        ("PUT", "notifications/webhooks/mine", {"url": "${MINE}", "format": "slack"}, 200),
        ("POST", "schedules", {**SCRIPT, "script_args": ["--key", "${STRIPE}"]}, 403),
        ("POST", "schedules", {**SCRIPT, "script_args": ["--fast"]}, 201),
    ],
)
def test_a_secret_is_given_to_places_and_scripts_by_those_alone_who_may_set_it(
    shop, method, path, body, status
):
    async def story():
        admin = await shop.logged_in()
        hook = {**HOOK, "name": "mine", "url": "${MINE}"}
        assert 201 == (await admin.post("/api/notifications/webhooks", json=hook)).status_code
        made = {"name": "clock", "permissions": ["scheduler.view", "scheduler.manage"]}
        key = (await admin.post("/api/auth/api-keys", json=made)).json()["key"]
        program = shop.client(Authorization=f"Bearer {key}")
        wanted = {**HOOK, **body} if path == "notifications/webhooks" else body
        answer = await program.request(method, f"/api/{path}", json=wanted)
        assert status == answer.status_code, answer.text
        assert (status == 403) == (answer.json().get("permission") == "config.manage")

    shop.run(story)


def test_a_webhook_that_is_there_or_has_a_like_name_is_not_led_elsewhere(shop):
    async def story():
        admin = await shop.logged_in()
        hooks, names = "/api/notifications/webhooks", ("a-b", "a_b", "A_b")
        for name in names:
            hook = {"name": name, "url": f"https://example.org/{name}"}
            assert 201 == (await admin.post(hooks, json=hook)).status_code
        head = shop.log.head()
        again = await admin.post(hooks, json={"name": "a-b", "url": "https://evil.example/"})
        assert (409, head) == (again.status_code, shop.log.head())
        for each in (await admin.get(hooks)).json():
            value = shop.vault.read("secret", each["url"].strip("${}"))
            assert f"https://example.org/{each['name']}" == value.decode()

    shop.run(story)


@pytest.mark.parametrize(
    "change", [{"url": "ftp://x/"}, {"url": ""}, {"format": "odd"}, {"name": "a b"}, {"secret": ""}]
)
def test_a_bad_webhook_is_refused(shop, change):
    async def story():
        admin = await shop.logged_in()
        answer = await admin.post("/api/notifications/webhooks", json={**HOOK, **change})
        assert 422 == answer.status_code, answer.text

    shop.run(story)
    assert [] == shop.of("notif", "secret")


def test_a_test_without_anybody_to_tell_is_refused(shop):
    async def story():
        admin = await shop.logged_in()
        assert 409 == (await admin.post("/api/notifications/test")).status_code

    shop.run(story)


def test_a_dead_notice_is_listed_and_sent_again(shop):
    from commands.notifications import QueueNotices
    from domain.notifications import Subject

    async def story():
        admin = await shop.logged_in()
        queued = QueueNotices(about=Subject.FAILURE, cause=1, places=("ops",))
        notice = (await shop.send(queued)).position
        told = NoticeFailed(place="ops", notice=notice, attempt=1, reason="It answered 410.")
        await shop.send(TellFailed(cause=1, told=told, final=True))
        page = (await admin.get("/api/notifications/deliveries?state=dead")).json()
        assert (1, "It answered 410.") == (page["total"], page["items"][0]["error"])
        path = f"/api/notifications/deliveries/{notice}/resend"
        assert 200 == (await admin.post(path)).status_code
        page = (await admin.get("/api/notifications/deliveries?state=dead")).json()
        assert 0 == page["total"]
        missing = await admin.post("/api/notifications/deliveries/99999/resend")
        assert 404 == missing.status_code

    shop.run(story)


def test_viewers_look_and_editors_trigger(shop):
    async def story():
        shop.file.write_text(FILE)
        await shop.editor.reload()
        for name, role in (("v@x.io", Role.VIEWER), ("e@x.io", Role.EDITOR)):
            await shop.add(name, "a tiger in the rain", role)
        viewer = await shop.logged_in("v@x.io", "a tiger in the rain")
        editor = await shop.logged_in("e@x.io", "a tiger in the rain")
        assert 200 == (await viewer.get("/api/schedules")).status_code
        assert 403 == (await viewer.post("/api/schedules/nightly/trigger")).status_code
        triggered = await editor.post("/api/schedules/nightly/trigger")
        assert 200 == triggered.status_code
        job = triggered.json()["job_id"]
        assert 403 == (await editor.post(f"/api/schedules/jobs/{job}/cancel")).status_code
        assert 403 == (await editor.post("/api/schedules", json=NEW)).status_code

    shop.run(story)
