"""The models over HTTP: listed, built, cancelled, documented."""

import asyncio
import http.server
import json
import threading

import pytest

from api import dbt_docs
from api.platform import HttpSettings
from commands.kernel import Origin
from commands.model_runs import EndModels, FollowSync, StartModels, TellModel
from commands.models import ApplyModels
from domain.model_runs import ModelStarted
from domain.permissions import Role
from projections import live
from tests.api.access import Server
from tests.decisions import recorded
from tests.modelled import built, checked, completed, failed, model

ORIGIN = Origin(actor="policy:model_runs", via="policy", correlation="test")
EDITOR = ("editor@localhost", "a tiger in the rain")
VIEWER = ("viewer@localhost", "a tiger in the sun")
FAULT = {"message": "no column x", "file": "models/daily.sql", "line": 3, "sql": "> 3  x"}


class Story:
    def __init__(self, server, editor, viewer):
        self.server, self.editor, self.viewer = server, editor, viewer
        self.anybody = server.client()

    async def tell(self, *commands):
        for command in commands:
            await self.server.writer.send(command, ORIGIN)

    async def ran(self, *told, ending=built):
        """A run of all models that has ended; answers its job."""
        job = (await self.editor.post("/api/dbt/run", json={})).json()["job_id"]
        await self.tell(StartModels(job=job), *(TellModel(told=each(job)) for each in told))
        await self.tell(EndModels(ending=ending(job)))
        return job


@pytest.fixture
def told(tmp_path):
    def run(story, **more):
        server = Server(tmp_path, **more)

        async def whole():
            for account, role in ((EDITOR, Role.EDITOR), (VIEWER, Role.VIEWER)):
                await server.add(*account, role)
            clients = [await server.logged_in(*account) for account in (EDITOR, VIEWER)]
            found = Story(server, *clients)
            await found.tell(ApplyModels(models=(model(description="by day"), model("other"))))
            await story(found)

        server.run(whole)
        return server

    return run


def test_models_are_listed_with_their_last_run(told):
    async def story(given):
        await given.ran(completed, lambda job: checked(job, "daily", "pass", "fail"))
        daily, other = (await given.viewer.get("/api/dbt/models")).json()["models"]

        assert ("daily", "success", 7, "by day") == (
            daily["name"],
            daily["status"],
            daily["row_count"],
            daily["description"],
        )
        assert {"total": 0, "passing": 1, "warning": 0, "failing": 1} == daily["tests"]
        assert ("marts", "table", 0.5) == (
            daily["layer"],
            daily["materialization"],
            daily["duration_seconds"],
        )
        assert (None, None) == (other["status"], other["last_run"])

    told(story)


def test_what_is_wrong_with_a_model_is_told_to_those_who_are_signed_in(told):
    async def story(given):
        await given.ran(lambda job: completed(job, status="error", **FAULT), ending=failed)
        known = (await given.viewer.get("/api/dbt/models")).json()["models"][0]
        unknown = (await given.anybody.get("/api/dbt/models")).json()["models"][0]

        fields = ("error", "error_file", "error_line", "error_sql")
        assert list(FAULT.values()) == [known[field] for field in fields]
        assert [None] * 4 == [unknown[field] for field in fields]
        assert "error" == unknown["status"]

    told(story)


@pytest.mark.parametrize("how", [{"json": {"cascade": False}}, {"params": {"cascade": "false"}}])
def test_a_model_is_built_with_or_without_what_reads_it(told, how):
    async def story(given):
        wrong = await given.editor.post("/api/dbt/models/daily/run", json={"cascades": False})
        assert 422 == wrong.status_code  # and not a run of everything that reads it
        answer = await given.editor.post("/api/dbt/models/daily/run", **how)
        job = answer.json()["job_id"]
        run = (await given.viewer.get(f"/api/dbt/runs/{job}")).json()
        busy = await given.editor.post("/api/dbt/models/daily/run")
        missing = await given.editor.post("/api/dbt/models/nothing/run")

        assert "daily" == answer.json()["model_name"]
        assert str(job) == answer.headers["x-position"]
        assert ("queued", "daily", False) == (run["status"], run["model"], run["cascade"])
        assert (409, job) == (busy.status_code, busy.json()["job_id"])
        assert (404, "Model 'nothing' not found.") == (
            missing.status_code,
            missing.json()["detail"],
        )

    told(story)


def test_a_model_that_was_just_written_is_looked_for_in_the_project(told):
    looked = []

    async def story(given):
        async def read(name):
            looked.append(name)
            await given.tell(ApplyModels(models=(model(), model("new"))))

        object.__setattr__(given.server.platform, "read_models", read)
        assert 200 == (await given.editor.post("/api/dbt/models/new/run")).status_code
        assert 409 == (await given.editor.post("/api/dbt/models/daily/run")).status_code

    told(story)
    assert ["new"] == looked


@pytest.mark.parametrize(
    "select", [["--vars"], [" -x"], [""], ["a\nb"], ["x" * 501], ["a"] * 101, "daily", [1]]
)
def test_what_is_no_selector_is_refused(told, select):
    async def story(given):
        answer = await given.editor.post("/api/dbt/run", json={"select": select})
        assert 422 == answer.status_code

    assert "models_run_requested" not in told(story).types()


def test_building_and_cancelling_need_their_permission(told):
    async def story(given):
        for path in ("/api/dbt/run", "/api/dbt/models/daily/run", "/api/dbt/runs/1/cancel"):
            assert 403 == (await given.viewer.post(path)).status_code
        assert 404 == (await given.editor.post("/api/dbt/runs/1/cancel")).status_code

    told(story)


@pytest.mark.parametrize(
    ("started", "status", "kind"),
    [
        (False, "cancelled", "models_run_cancelled"),
        (True, "cancelling", "models_run_cancel_requested"),
    ],
)
@pytest.mark.parametrize("path", ["/api/dbt/runs/{}/cancel", "/api/schedules/jobs/{}/cancel"])
def test_a_run_is_cancelled_under_the_id_that_was_answered(told, started, status, kind, path):
    async def story(given):
        job = (await given.editor.post("/api/dbt/run")).json()["job_id"]
        if started:
            await given.tell(StartModels(job=job))
        client = given.editor if "dbt" in path else await given.server.logged_in()
        answer = await client.post(path.format(job))

        assert (200, {"status": status, "job_id": job}) == (answer.status_code, answer.json())

    assert kind == told(story).types()[-1]


def test_a_run_tells_its_models_and_what_was_wrong(told):
    async def story(given):
        job = await given.ran(completed, ending=lambda job: failed(job, file="m.sql", line=3))
        run = (await given.viewer.get(f"/api/dbt/runs/{job}")).json()
        listed = (await given.viewer.get("/api/dbt/runs?limit=1")).json()

        assert ("failed", "daily: no", "m.sql", 3) == (
            run["status"],
            run["error"],
            run["file"],
            run["line"],
        )
        assert [("daily", "success", 7)] == [
            (each["model"], each["status"], each["rows"]) for each in run["results"]
        ]
        assert ([job], True) == ([each["id"] for each in listed["runs"]], listed["auto_dbt"])
        assert 404 == (await given.viewer.get("/api/dbt/runs/1")).status_code

    told(story)


def test_runs_are_found_by_the_sync_that_they_follow_from(told):
    async def story(given):
        await given.tell(FollowSync(source="orders", sync=2))
        found = (await given.viewer.get("/api/dbt/runs?sync=2")).json()["runs"]
        other = (await given.viewer.get("/api/dbt/runs?sync=3")).json()["runs"]

        assert ([["orders"]], []) == ([each["sources"] for each in found], other)

    told(story)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (ModelStarted(job=3, model="daily"), "dbt_run_started"),
        (completed(3), "dbt_run_completed"),
    ],
)
def test_each_model_has_the_frames_of_the_reference(event, kind):
    (frame,) = live.frames(recorded(9, event))
    data = json.loads(frame.data)

    assert (kind, kind, "daily", 9, "dbt.view") == (
        data["type"],
        data["event"],
        data["model"],
        data["position"],
        frame.permission,
    )


# documentation


def documented(folder):
    folder.mkdir()
    for name in ("index.html", "manifest.json", "catalog.json"):
        (folder / name).write_text(f"<{name}>")
    return folder


def test_the_documentation_is_served_with_an_origin_of_its_own(told, tmp_path):
    async def story(given):
        assert 404 == (await given.viewer.get("/dbt-docs")).status_code
        services = (await given.viewer.get("/api/status")).json()["services"]
        assert "not_found" == services["dbt_docs"]
        documented(tmp_path / "docs")
        paths = {
            "/dbt-docs": "index.html",
            "/dbt-docs/": "index.html",
            "/dbt-docs/index.html": "index.html",
            "/dbt-docs/manifest.json": "manifest.json",
            "/manifest.json": "manifest.json",
            "/catalog.json": "catalog.json",
        }
        for path, name in paths.items():
            answer = await given.viewer.get(path)
            policy = answer.headers["content-security-policy"]
            assert (200, f"<{name}>") == (answer.status_code, answer.text), path
            assert "sandbox allow-scripts;" in policy
            assert "connect-src 'none'" in policy
            assert "allow-same-origin" not in policy
        for path in ("/dbt-docs/other.html", "/dbt-docs/..%2fsecret", "/dbt-docs/%2e%2e/x"):
            assert 404 == (await given.viewer.get(path)).status_code
        services = (await given.viewer.get("/api/status")).json()["services"]
        assert "healthy" == services["dbt_docs"]

    told(story, documents=tmp_path / "docs")


def test_documentation_that_is_larger_than_the_bound_is_not_read_whole(told, tmp_path, monkeypatch):
    monkeypatch.setattr(dbt_docs, "BYTES_MAX", 9)

    async def story(given):
        documented(tmp_path / "docs")
        (tmp_path / "docs" / "catalog.json").write_text("123456789")
        assert "123456789" == (await given.viewer.get("/catalog.json")).text
        answer = await given.viewer.get("/manifest.json")
        assert (502, dbt_docs.TOO_LARGE) == (answer.status_code, answer.json()["detail"])

    told(story, documents=tmp_path / "docs")


def test_the_documentation_follows_the_switch_for_anonymous_readers(told, tmp_path):
    async def story(given):
        for path in ("/manifest.json", "/catalog.json", "/dbt-docs"):
            assert 401 == (await given.anybody.get(path)).status_code

    documented(tmp_path / "docs")
    told(
        story,
        documents=tmp_path / "docs",
        settings=HttpSettings(anonymous_reads="false"),
    )


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """A server of documentation that tells what it was asked."""

    def do_GET(self):
        body = f"{self.path} {self.headers.get('cookie')}".encode()
        self.send_response(200 if self.path != "/missing.json" else 404)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("set-cookie", "theirs=1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


def test_documentation_of_another_server_is_passed_on_without_cookies(told):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"

        async def story(given):
            answer = await given.viewer.get("/dbt-docs/index.html")
            assert (200, "/index.html None") == (answer.status_code, answer.text)
            assert "set-cookie" not in answer.headers
            assert "sandbox" in answer.headers["content-security-policy"]
            assert "/manifest.json None" == (await given.viewer.get("/manifest.json")).text
            assert 404 == (await given.viewer.get("/dbt-docs/missing.json")).status_code
            await asyncio.to_thread(server.shutdown)
            await asyncio.to_thread(server.server_close)
            assert 502 == (await given.viewer.get("/dbt-docs")).status_code

        told(story, settings=HttpSettings(dbt_docs_url=url))
