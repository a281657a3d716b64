"""Start, memory at rest, and how soon new rows can be read. The figures are printed."""

import statistics
import subprocess
import sys
import time

import pytest

from tests.server.harness import ROOT, rss, tell, until
from tests.server.template import ORDERS_ROWS, write_rows

pytestmark = pytest.mark.alone
NOISE = 2.0  # how many times slower or larger a busy machine may make it
COLD_START_S = 1.0
REST_BYTES = 120 * 1024**2
PUBLISHED_S = 1.0
# What start-up must not pay for.
HEAVY = ("duckdb", "sqlglot", "pydantic", "rich", "pandas", "numpy", "psycopg", "httpx")


def test_the_server_starts_quickly_and_rests_small(own):
    starts = []
    for _ in range(3):
        starts.append(own.start())
        own.stop()
    own.start()
    time.sleep(1.0)
    rest = rss(own.pid)
    tell(f"start {min(starts):.2f} s at best of {len(starts)}, at rest {rest / 1024**2:.0f} MB")
    assert min(starts) < COLD_START_S * NOISE
    assert rest < REST_BYTES * 1.25


def test_a_thousand_rows_are_published_within_a_second(server, admin):
    server.sync(admin, "orders")
    took = []
    for number in range(5):
        write_rows(
            server.root / "data/uploads/orders/orders.csv", ORDERS_ROWS, first=number * 7 + 1
        )
        begun = time.monotonic()
        job = admin.post("/api/sources/orders/sync", json={}).json()["job_id"]
        until(lambda: admin.get(f"/api/sync/status/{job}").json()["status"] == "success", 30, 0.01)  # noqa: B023
        took.append(time.monotonic() - begun)
        first = server.rows(admin, "select min(order_id), count(*) from raw_orders.orders")
        assert [[number * 7 + 1, ORDERS_ROWS]] == first
    tell(f"{ORDERS_ROWS} rows published after {statistics.median(took):.2f} s (median of 5)")
    assert min(took) < PUBLISHED_S * NOISE


def test_the_server_imports_nothing_heavy():
    code = f"import infra.server, sys; print([n for n in {HEAVY} if n in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True
    )
    assert "[]" == run.stdout.strip()
