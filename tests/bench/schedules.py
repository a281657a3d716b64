"""Schedules: the list of many, and how soon a run starts behind its moment."""

import statistics
import time
from datetime import datetime

import httpx

from tests.bench import http
from tests.bench.figures import Figure

SCHEDULES = 500
REQUESTS = 300
RUNS_WAIT_S = 200.0
FILE = "schedules:\n" + "".join(
    f"  - {{name: s{n}, type: sync_only, cron: '{n % 60} {n % 24} * * *', sources: [gone]}}\n"
    for n in range(SCHEDULES)
)
MINUTELY = "  - {name: minutely, type: sync_only, cron: '* * * * *', sources: [gone]}\n"


def every(folder, cookies):
    project = folder / "project"
    (project / ".dango" / "schedules.yml").write_text(FILE + MINUTELY)
    with http.served(project) as (port, _):
        cookie = cookies[0] if isinstance(cookies, list) else next(iter(cookies.values()))
        headers = {"cookie": cookie if "=" in cookie else f"dango_session={cookie}"}
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, headers=headers, timeout=30.0) as client:
            yield _listing(client)
            yield _starting(client)


def _listing(client):
    times = []
    for _ in range(REQUESTS):
        begin = time.perf_counter()
        answer = client.get("/api/schedules")
        times.append((time.perf_counter() - begin) * 1000)
        assert SCHEDULES + 1 == len(answer.json()), answer.text[:200]
    p99 = statistics.quantiles(times, n=100)[-1]
    return Figure(
        name=f"GET /api/schedules, {SCHEDULES} schedules, p50",
        value=statistics.median(times),
        unit="ms",
        limit=5,
        least=False,
        note=f"p99 {p99:.1f} ms, as the client sees it",
    )


def _starting(client):
    end = time.monotonic() + RUNS_WAIT_S
    late = []
    while len(late) < 2 and time.monotonic() < end:
        time.sleep(1.0)
        page = client.get("/api/schedules/minutely/history").json()
        late = [_late_s(run) for run in page["items"]]
    return Figure(
        name="from the moment of a schedule to its run's start",
        value=max(late, default=RUNS_WAIT_S),
        unit="s",
        limit=1,
        least=False,
        note=f"{len(late)} runs",
    )


def _late_s(run):
    moments = [datetime.fromisoformat(run[key]) for key in ("due_at", "started_at")]
    return (moments[1] - moments[0]).total_seconds()
