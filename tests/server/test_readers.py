"""Readers never wait for a sync, and never see half of one."""

import statistics
import threading
import time

from tests.server.harness import tell, until
from tests.server.template import ORDERS_ROWS, write_rows

ROWS = 300_000
ANSWERS_MIN = 20
SQL = "select count(*), count(distinct _dango_run) from raw_orders.orders"
ANSWER_S_MAX = 5.0  # of the slowest, on a busy machine; what was measured is printed


def test_reads_go_on_during_a_sync_of_many_rows(own):
    own.start()
    admin = own.client(session="admin")
    own.sync(admin, "orders")
    write_rows(own.root / "data/uploads/orders/more.csv", ROWS, first=ORDERS_ROWS + 1)
    stopped, seen, lists, queries = threading.Event(), set(), [], []

    def list_sources():
        client = own.client(key="viewer")
        while not stopped.is_set():
            begun = time.monotonic()
            answer = client.get("/api/sources")
            lists.append((time.monotonic() - begun, answer.status_code))
            time.sleep(0.005)

    def count():
        client = own.client(key="editor")
        while not stopped.is_set():
            begun = time.monotonic()
            answer = client.post("/api/query", json={"sql": SQL})
            queries.append((time.monotonic() - begun, answer.status_code))
            seen.update(tuple(row) for row in answer.json()["rows"])
            time.sleep(0.005)

    threads = [threading.Thread(target=work) for work in (list_sources, count)]
    for thread in threads:
        thread.start()
    status = own.sync(admin, "orders")
    until(lambda: len(queries) >= ANSWERS_MIN, 60)
    stopped.set()
    for thread in threads:
        thread.join(30)
    tell(f"sync of {ROWS + ORDERS_ROWS} rows: {status['duration_seconds']} s")
    for name, found in (("GET /api/sources", lists), ("POST /api/query", queries)):
        times = sorted(seconds for seconds, _ in found)
        p50, p99 = statistics.median(times), times[int(len(times) * 0.99)]
        tell(f"{name}: {len(times)} answers, p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms")
        assert {200} == {code for _, code in found}
        assert times[-1] < ANSWER_S_MAX
    assert "success" == status["status"]
    assert {(ORDERS_ROWS, 1), (ORDERS_ROWS + ROWS, 2)} == seen
