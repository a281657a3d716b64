"""Health of the platform, figures for Prometheus, and deployments."""

import re
import statistics
import time
from datetime import timedelta

import pytest

from commands.disks import MeasureDisk
from commands.monitors import ApplyMonitors
from commands.sources import ApplySources, RefuseConfiguration
from commands.syncs import FailSync, RequestSync, StartSync
from domain.disks import DiskMeasured
from domain.monitors import Monitor
from domain.syncs import SyncFailed
from projections import disks
from tests.api.test_governance import COLUMNS, ORIGIN
from tests.api.test_governance import Shop as Publishing
from tests.datasets import source
from tests.machines import GIB, Gauges

HEALTH = "/api/health/platform"
REQUESTS, MS_MAX = 40, 5.0
# What the reference shows, and the sections that come with it.
SHOWN = {
    *("status", "timestamp", "database", "disk", "sync_failures", "dbt_failures"),
    *("total_sources", "enabled_sources", "critical_issues", "warnings", "disk_breakdown"),
    *("duckdb_capacity", "scheduler", "oauth_health", "credential_health", "backup_health"),
    *("resources", "workers", "projections", "events", "disk_forecast"),
}


class Shop(Publishing):
    def __init__(self, folder):
        super().__init__(folder)
        self.gauges = Gauges(self.clock)
        self.problems, self.failing = [], []
        for name, value in {
            "gauges": self.gauges,
            "scheduling": lambda: True,
            "clocks": lambda: self.failing,
            "checks": (lambda: self.problems[0] if self.problems else None,),
        }.items():
            object.__setattr__(self.platform, name, value)

    async def fail(self, name="orders"):
        job = (await self.writer.send(RequestSync(sources=(name,)), ORIGIN)).position
        start = StartSync(source=name, job=job, schema=f"raw_{name}", table=name)
        await self.writer.send(start, ORIGIN)
        ending = SyncFailed(source=name, job=job, schema=f"raw_{name}", reason="secret reason")
        await self.writer.send(FailSync(**failure(ending)), ORIGIN)


def failure(ending):
    fields = FailSync.__struct_fields__
    return {name: getattr(ending, name) for name in fields if hasattr(ending, name)}


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


async def told(client):
    answer = await client.get(HEALTH)
    assert 200 == answer.status_code, answer.text
    return answer.json()


def test_all_sections_of_the_reference_are_there_and_a_new_platform_is_healthy(shop):
    async def story():
        found = await told(shop.client())
        assert set() == SHOWN - set(found)
        assert ("healthy", [], []) == (
            found["status"],
            found["critical_issues"],
            found["warnings"],
        )
        assert ("ok", 100.0, 200.0) == tuple(
            found["disk"][key] for key in ("status", "free_gb", "total_gb")
        )
        assert ("small", 5.0) == (found["database"]["status"], found["database"]["size_mb"])
        assert (12.5, 50.0) == tuple(
            found["resources"][key] for key in ("cpu_pct", "memory_used_pct")
        )

    shop.run(story)


def test_what_fails_is_told_with_its_beginning_and_errors_only_to_those_who_log_in(shop):
    async def story():
        await shop.known("orders", "users")
        await shop.publish(COLUMNS, "users")
        begun = shop.clock()
        for _ in range(3):
            await shop.fail()
            shop.clock.forward(minutes=1)
        admin = await shop.logged_in()
        found = await told(admin)
        (failing,) = found["sync_failures"]
        assert ("orders", 3, "secret reason") == tuple(
            failing[key] for key in ("source", "count", "last_error")
        )
        assert begun.isoformat().replace("+00:00", "Z") == failing["since"]
        assert "critical" == found["status"]
        assert ["Source orders: the last 3 syncs failed"] == found["critical_issues"]
        assert (2, 1, {"raw_users": 3}) == (
            found["total_sources"],
            found["database"]["raw_tables"],
            found["disk_breakdown"]["duckdb"]["schema_sizes"],
        )
        assert "secret reason" not in (await shop.client().get(HEALTH)).text

    shop.run(story)


def day(at, used):
    sizes = dict.fromkeys([f"{part}_bytes" for part in disks.PARTS], 0)
    free = {"free_bytes": 100 * GIB - used, "total_bytes": 100 * GIB}
    return MeasureDisk(measured=DiskMeasured(measured_at=at, **sizes, **free))


def test_when_the_disk_will_be_full_is_told_once_a_week_of_it_is_known(shop):
    async def story():
        first = (await told(shop.client()))["disk_forecast"]
        assert ("There is no measurement yet.", 0, None, None) == tuple(first.values())
        for number in range(10):
            measure = day(shop.clock() + timedelta(days=number), (50 + number) * GIB)
            await shop.writer.send(measure, ORIGIN)
        found = (await told(shop.client()))["disk_forecast"]
        assert {
            "message": "At this pace it is full in about 6 weeks.",
            "measured_days": 10,
            "growth_bytes_per_day": GIB,
            "full_in_days": 41,
        } == found

    shop.run(story)


def test_a_full_disk_and_a_stopped_policy_are_critical_since_they_came_up(shop):
    async def story():
        shop.gauges.free = 100 * 1024**2
        shop.problems = ["Policy pii stands at 7: OSError"]
        first = await told(shop.client())
        shop.clock.forward(minutes=5)
        second = await told(shop.client())
        assert "critical" == first["status"] == first["disk"]["status"]
        assert 2 == len(first["critical_issues"])
        assert first["issues"] == second["issues"]
        assert all(each["action"] and each["since"] for each in first["issues"])

    shop.run(story)


def test_backups_take_their_part_of_the_disk(shop):
    async def story():
        found = (await told(shop.client()))["disk_breakdown"]
        assert (3.0, 9.0) == (found["backups"]["size_mb"], found["total_mb"])
        assert (
            'dango_size_bytes{part="backups"} 3145728' in (await shop.client().get("/metrics")).text
        )

    shop.run(story)


def test_a_clock_that_fails_is_critical_and_requests_are_served_all_the_same(shop):
    async def story():
        shop.failing = ["The times of backups cannot be looked at: OSError"]
        found = await told(shop.client())
        ready = await shop.client().get("/api/health/ready")
        assert ("critical", shop.failing) == (found["status"], found["critical_issues"])
        assert (200, "ready", []) == (
            ready.status_code,
            ready.json()["status"],
            ready.json()["problems"],
        )
        figures = (await shop.client().get("/metrics")).text
        assert "dango_ready 1\n" in figures
        assert "dango_clocks_failing 1\n" in figures
        shop.failing = []
        assert "healthy" == (await told(shop.client()))["status"]

    shop.run(story)


def test_a_refused_file_and_secrets_that_are_not_set_are_warnings(shop):
    async def story():
        rest = source(
            "api", type="rest_api", options={"base_url": "https://x.test", "token": "${API_KEY}"}
        )
        await shop.writer.send(ApplySources(sources=(rest,)), ORIGIN)
        refusal = RefuseConfiguration(file="schedules.yml", reason="no", line=3, column=1)
        await shop.writer.send(refusal, ORIGIN)
        found = await told(shop.client())
        assert "warning" == found["status"]
        assert {
            "schedules.yml is refused at line 3; the last good one is in force",
            "Source api needs secrets that are not set: API_KEY",
        } == set(found["warnings"])
        assert [{"source": "api", "missing": ["API_KEY"]}] == found["credential_health"]["issues"]

    shop.run(story)


def test_it_answers_while_the_views_stand_still(shop):
    async def story():
        shop.views.broken = RuntimeError("event 7")
        shop.problems = ["The views have stopped: event 7"]
        found = await told(shop.client())
        assert ["The views have stopped: event 7"] == found["critical_issues"]
        assert "dango_projections_broken 1" in (await shop.client().get("/metrics")).text
        shop.views.broken = None

    shop.run(story)


def test_figures_are_lines_that_prometheus_reads(shop):
    async def story():
        await shop.known("orders")
        await shop.publish(COLUMNS)
        answer = await shop.client().get("/metrics")
        assert 200 == answer.status_code
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        sample = r'[a-z_0-9]+(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? -?[0-9.e+-]+'
        for line in answer.text.splitlines():
            assert re.fullmatch(rf"# (HELP|TYPE) \S+ .+|{sample}", line), line
        for line in (
            'dango_source_age_seconds{source="orders"} 0',
            'dango_rows{schema="raw_orders"} 3',
            'dango_worker_died_total{kind="query"} 1',
            "dango_disk_free_bytes 107374182400",
            "dango_ready 1",
        ):
            assert line in answer.text.splitlines()

    shop.run(story)


@pytest.mark.parametrize("path", [HEALTH, "/metrics"])
def test_strangers_from_elsewhere_are_not_told(shop, path):
    async def story():
        assert 401 == (await shop.client("203.0.113.9").get(path)).status_code
        forwarded = shop.client(**{"X-Forwarded-For": "203.0.113.9"})
        assert 401 == (await forwarded.get(path)).status_code

    shop.run(story)


@pytest.mark.alone  # it measures
def test_with_many_monitors_the_answers_stay_quick(shop):
    async def story():
        names = [f"s{n}" for n in range(20)]
        await shop.known(*names)
        for name in names:
            await shop.publish(COLUMNS, name)
        many = tuple(Monitor(name=f"m{n}", source_table="raw_s1.s1") for n in range(180))
        await shop.writer.send(ApplyMonitors(monitors=many), ORIGIN)
        admin = await shop.logged_in()
        for path in (HEALTH, "/api/monitoring", "/metrics"):
            times = []
            for _ in range(REQUESTS):
                begun = time.perf_counter()
                answer = await admin.get(path)
                times.append((time.perf_counter() - begun) * 1000)
                assert 200 == answer.status_code
            assert statistics.median(times) <= MS_MAX, path
        assert 200 == (await admin.get("/api/monitoring")).json()["total"]

    shop.run(story)


DEPLOYMENT = {"git_commit": "3f2a91c", "git_branch": "main", "duration_seconds": 33.1}


def test_deployments_are_recorded_and_listed_newest_first(shop):
    async def story():
        admin = await shop.logged_in()
        path = "/api/deployments"
        assert {"deployments": []} == (await admin.get(f"{path}/history")).json()
        for body in (DEPLOYMENT, {**DEPLOYMENT, "git_branch": "fix", "success": False}):
            assert 201 == (await admin.post(path, json=body)).status_code
        found = (await admin.get(f"{path}/history")).json()["deployments"]
        assert [("fix", False), ("main", True)] == [
            (each["git_branch"], each["success"]) for each in found
        ]
        assert found[0]["deployer"].startswith("user:")
        assert 1 == len((await admin.get(f"{path}/history?limit=1")).json()["deployments"])
        for bad in (
            {"git_commit": "not a hash"},
            {"git_branch": "a b"},
            {"git_branch": "ada@example.org"},
            {"models_added": ["x y"]},
            {"files_synced": -1},
            {"more": 1},
        ):
            answer = await admin.post(path, json={**DEPLOYMENT, **bad})
            assert 422 == answer.status_code, bad
        viewer = await shop.viewer()
        assert 403 == (await viewer.get(f"{path}/history")).status_code
        assert 403 == (await viewer.post(path, json=DEPLOYMENT)).status_code

    shop.run(story)
    assert 2 == shop.types().count("deployment_recorded")
