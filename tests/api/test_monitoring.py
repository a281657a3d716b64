"""Monitoring over HTTP: runs and their results, values, and the file that is written."""

import pytest

from commands.inspecting import DrilledDown, Measured, Reading
from commands.monitors import EndMonitorRun, RequestMonitorRun
from commands.pii import EndPiiScan, RequestPiiScan
from domain.monitor_runs import MonitorEvaluated, MonitorRunCompleted, Part
from domain.monitors import Monitor
from domain.pii import Finding, PiiScanned
from domain.registry import EVENTS
from domain.upcasters import UPCASTERS
from infra.configuration.watch import Configuration
from infra.inspecting import wired
from infra.log.envelope import Codec
from infra.policies import Runner
from infra.project import Project
from projections.live import frames
from tests.api.test_governance import COLUMNS, ORIGIN
from tests.api.test_governance import Shop as Publishing

METRIC = "orders_orders_row_count"
NEW = {"name": "turnover", "source_table": "raw_orders.orders", "value_expression": "sum(id)"}
FILE = """\
# what we watch
monitors:
  - name: turnover  # daily
    source_table: raw_orders.orders
    value_expression: sum(id)
"""


class Warehouse:
    """Each monitor's number is 3."""

    async def measure(self, task):
        readings = tuple(Reading(monitor=each.name, value=3.0) for each in task.monitors)
        return Measured(snapshot=1, readings=readings)

    async def drill_down(self, task):
        return DrilledDown(parts=())


class Shop(Publishing):
    def __init__(self, folder):
        super().__init__(folder)
        self.project = Project.create(folder / "shop", "shop")
        self.file = self.project.monitors_yml
        editor = Configuration(self.project, self.writer, self.vault.digest)
        object.__setattr__(self.platform, "schedules_editor", editor)
        event = self.platform.history.event
        policy = wired.monitoring(self.writer, Warehouse(), self.views, event, self.clock)
        codec = Codec(EVENTS, UPCASTERS)
        self.runner = Runner(self.log, codec, self.writer, [policy])

    def run(self, story):
        async def whole():
            await self.runner.start()
            try:
                await story()
            finally:
                await self.runner.stop()

        super().run(whole)


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_a_run_answers_what_it_saw_and_the_list_remembers_it(shop):
    async def story():
        viewer = await shop.viewer()
        assert 409 == (await viewer.post("/api/monitoring/run")).status_code
        await shop.known("orders")
        await shop.publish(COLUMNS)
        answer = await viewer.post("/api/monitoring/run")
        assert 200 == answer.status_code, answer.text
        (metric,) = answer.json()["metrics"]
        assert (METRIC, "no_baseline", 3.0, "raw_orders", "orders", False) == tuple(
            metric[key]
            for key in ("name", "status", "value", "source", "table_name", "exceeds_threshold")
        )
        assert [metric] == (await viewer.get("/api/monitoring")).json()["metrics"]
        for name in ("orders", "raw_orders"):
            some = await viewer.post("/api/monitoring/run", params={"source": name})
            assert 1 == some.json()["total"]
        assert 404 == (await viewer.post("/api/monitoring/run?source=nope")).status_code
        assert 401 == (await shop.client().get("/api/monitoring")).status_code

    shop.run(story)


def test_values_of_the_last_days_are_given_by_monitor_or_all_together(shop):
    async def story():
        admin = await shop.logged_in()
        await shop.known("orders")
        await shop.publish(COLUMNS)
        await admin.post("/api/monitoring/run")
        path = "/api/monitoring/history"
        for query in ({}, {"metric": METRIC}):
            found = (await admin.get(path, params=query)).json()
            assert (query.get("metric"), 30) == (found["metric"], found["days"])
            assert {(METRIC, 3.0)} == {(p["metric"], p["value"]) for p in found["data_points"]}
        shop.clock.forward(days=2)
        admin = await shop.logged_in()
        assert [] == (await admin.get(path, params={"days": 1})).json()["data_points"]
        assert 404 == (await admin.get(path, params={"metric": "nope"})).status_code
        for days in (0, 367, "x"):
            assert 422 == (await admin.get(path, params={"days": days})).status_code

    shop.run(story)


def test_monitors_are_written_into_the_file_with_its_comments(shop):
    async def story():
        admin = await shop.logged_in()
        assert 201 == (await admin.post("/api/monitors", json=NEW)).status_code
        assert (
            409 == (await admin.post("/api/monitors", json={**NEW, "filter": "id > 1"})).status_code
        )
        shop.file.write_text(FILE)
        change = {"alert_threshold": 25, "drill_down": ["email"]}
        answer = await admin.put("/api/monitors/turnover", json=change)
        assert 200 == answer.status_code, answer.text
        (listed,) = (await admin.get("/api/monitors")).json()
        assert (25.0, ["email"], "sum(id)", "seasonal", False) == tuple(
            listed[key]
            for key in (
                *("alert_threshold", "drill_down", "value_expression", "compare", "automatic"),
            )
        )
        text = shop.file.read_text()
        assert "# what we watch" in text
        assert "# daily" in text
        assert 200 == (await admin.delete("/api/monitors/turnover")).status_code
        assert 404 == (await admin.delete("/api/monitors/turnover")).status_code
        assert 404 == (await admin.put("/api/monitors/turnover", json={})).status_code

    shop.run(story)
    told = [kind for kind in shop.types() if kind.startswith("monitor_")]
    assert ["monitor_added", "monitor_changed", "monitor_removed"] == told


@pytest.mark.parametrize(
    "body",
    [
        {**NEW, "name": "a b"},
        {**NEW, "source_table": "orders"},
        {**NEW, "value_expression": ""},
        {**NEW, "value_expression": "x" * 2_001},
        {**NEW, "compare": "guess"},
        {**NEW, "alert_threshold": 0},
        {**NEW, "drill_down": list("abcdef")},
        {**NEW, "more": 1},
        {"name": "turnover"},
    ],
)
def test_a_monitor_that_cannot_be_asked_is_refused(shop, body):
    async def story():
        admin = await shop.logged_in()
        answer = await admin.post("/api/monitors", json=body)
        assert 422 == answer.status_code, answer.text
        assert not shop.file.exists()

    shop.run(story)


def test_what_watches_by_itself_is_not_in_the_file_and_cannot_be_removed(shop):
    async def story():
        admin = await shop.logged_in()
        await shop.known("orders")
        await shop.publish(COLUMNS)
        answer = await admin.delete(f"/api/monitors/{METRIC}")
        assert 422 == answer.status_code
        assert (await admin.get("/api/monitors")).json()[0]["automatic"]

    shop.run(story)


def test_viewers_watch_and_admins_say_what(shop):
    async def story():
        viewer = await shop.viewer()
        assert 200 == (await viewer.get("/api/monitors")).status_code
        assert 403 == (await viewer.post("/api/monitors", json=NEW)).status_code
        assert 403 == (await viewer.put("/api/monitors/x", json={})).status_code
        assert 403 == (await viewer.delete("/api/monitors/x")).status_code

    shop.run(story)


def test_parts_of_a_column_that_tells_of_persons_are_not_shown_any_more(shop):
    async def story():
        admin = await shop.logged_in()
        await shop.known("orders")
        await shop.publish(COLUMNS)
        await shop.runner.stop()
        monitor = Monitor(name=METRIC, source_table="raw_orders.orders")
        ask = RequestMonitorRun(scope="all", monitors=(monitor,), seen=99, wanted=True)
        job = (await shop.writer.send(ask, ORIGIN)).position
        part = Part(column="email", key="ada@example.org", now=1.0, before=2.0, share=1.0)
        seen = MonitorEvaluated(
            monitor=METRIC, job=job, source_table="raw_orders.orders", value=1.0,
            verdict="alert", compare="seasonal", basis="seasonal", drill_down=(part,),
        )  # fmt: skip
        done = MonitorRunCompleted(
            scope="all", job=job, evaluated=1, alerts=1, failed=0, snapshot=1
        )
        await shop.writer.send(EndMonitorRun(ending=done, results=(seen,)), ORIGIN)
        (metric,) = (await admin.get("/api/monitoring")).json()["metrics"]
        assert "email" == metric["drill_down"][0]["dimension"]
        assert 1 == (await admin.get("/api/monitoring")).json()["flagged"]
        before = shop.log.head()
        ask = RequestPiiScan(source="orders", at=shop.clock(), wanted=True)
        asked = (await shop.writer.send(ask, ORIGIN)).recorded[0]
        found = Finding(
            schema="raw_orders", table="orders", column="email", kind="EMAIL_ADDRESS",
            confidence=0.9, samples=3,
        )  # fmt: skip
        ending = PiiScanned(
            source="orders", job=asked.position, findings=(found,), tables=asked.event.tables
        )
        await shop.writer.send(EndPiiScan(ending=ending), ORIGIN)
        for query in ({}, {"as_of": before}):
            (metric,) = (await admin.get("/api/monitoring", params=query)).json()["metrics"]
            assert ([], 1.0) == (metric["drill_down"], metric["value"]), query
        told = {"type": "monitor_evaluated"}
        for headers, key in (({}, part.key), ({"X-Dango-Mask": "1"}, "***")):
            (event,) = (await admin.get("/api/events", params=told, headers=headers)).json()[
                "events"
            ]
            assert key == event["data"]["drill_down"][0]["key"]
        shown = [frame.data for each in shop.recorded for frame in frames(each)]
        assert not any(part.key in data for data in shown)

    shop.run(story)
