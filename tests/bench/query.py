"""Ad-hoc SQL: how fast a small answer and a full one are, and what bombs do to all others."""

import concurrent.futures
import http.client
import json
import re
import statistics
import threading
import time
from pathlib import Path

from infra.workers.kinds import KINDS
from tests.bench import http as serving
from tests.bench import sync
from tests.bench.figures import Figure

ROWS = 10_000
SMALL, FULL = 200, 20  # how often each is asked
SMALL_MS, FULL_MS, ENDED_S, OTHERS_MS = 15, 50, 31, 50
PAUSE_S = 0.01
TABLE = "raw_source_00.source_00"
# Of each kind one that the engine itself does not stop at once: a text that grows, a comparison,
# a product of tables, a list of everything.
BOMBS = (
    "SELECT length(lpad('x', 2000000000, 'y'))",
    "SELECT levenshtein(repeat('a', 200000), repeat('b', 200000))",
    "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range = -1",
    "SELECT len(list_distinct(range(500000000)))",
)


def every(folder, cookies):
    project = folder / "project"
    path = project / "data" / "uploads" / "source_00" / "rows.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    sync.write(path, ROWS)
    with serving.served(project) as (port, told):
        time.sleep(2)
        sync.sync(port, cookies[0], "source_00", {"full_refresh": True})
        client = Asked(port, cookies[0])
        times = client.times(f"SELECT * FROM {TABLE} LIMIT 10", SMALL)
        yield _ms("query of 10 rows, 1 client, p50", times, SMALL_MS)
        sql = f"SELECT id, day, customer, amount, price FROM {TABLE}"
        yield _ms(f"query of {ROWS:,} rows x 5, p50", client.times(sql, FULL), FULL_MS)
        for kind in ("csv", "arrow", "parquet"):
            times = client.times(sql, FULL, format=kind)
            yield _ms(f"the same as {kind}, p50", times)
        yield from _bombs(port, told["pid"], cookies)


class Asked:
    """One connection that asks."""

    def __init__(self, port, cookie):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Cookie": f"dango_session={cookie}", "Content-Type": "application/json"}

    def ask(self, method, path, body=None):
        """The status, and how long it took in seconds."""
        begin = time.perf_counter()
        self._connection.request(method, path, body and json.dumps(body), self._headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status, time.perf_counter() - begin

    def times(self, sql, count, **more):
        found = [self.ask("POST", "/api/query", {"sql": sql, **more}) for _ in range(count + 3)]
        if {status for status, _ in found} != {200}:
            raise RuntimeError(f"not all were answered: {sql}")
        return [seconds for _, seconds in found[3:]]  # the first ones find cold workers


def _ms(name, times, limit=None):
    note = f"p99 {sorted(times)[int(len(times) * 0.99)] * 1000:.1f} ms"
    value = statistics.median(times) * 1000
    return Figure(name=name, value=value, unit="ms", limit=limit, least=False, note=note)


def _bombs(port, server, cookies):
    others, peaks, over = [], [], threading.Event()
    watching = [
        threading.Thread(target=_list_sources, args=(port, cookies[-1], others, over)),
        threading.Thread(target=_watch_memory, args=(server, peaks, over)),
    ]
    for thread in watching:
        thread.start()
    with concurrent.futures.ThreadPoolExecutor(len(BOMBS)) as pool:
        # Two of one user run at once.
        askers = [Asked(port, cookies[number // 2]) for number in range(len(BOMBS))]
        ended = list(pool.map(_explode, askers, BOMBS))
    over.set()
    for thread in watching:
        thread.join()
    statuses = ", ".join(str(status) for status, _ in ended)
    yield Figure(
        name=f"{len(BOMBS)} bombs at once: the last one ended",
        value=max(seconds for _, seconds in ended),
        unit="s",
        limit=ENDED_S,
        least=False,
        note=f"answered {statuses}",
    )
    yield Figure(
        name="GET /api/sources meanwhile, p99",
        value=sorted(others)[int(len(others) * 0.99)] * 1000,
        unit="ms",
        limit=OTHERS_MS,
        least=False,
        note=f"{len(others)} answers, p50 {statistics.median(others) * 1000:.1f} ms",
    )
    limit = next(kind.address_space_bytes_max for kind in KINDS if kind.name == "query")
    yield Figure(
        name="memory of the largest worker meanwhile",
        value=max(peaks),
        unit="MB",
        limit=limit / 1024**2,
        least=False,
    )


def _explode(asker, sql):
    return asker.ask("POST", "/api/query", {"sql": sql})


def _list_sources(port, cookie, times, over):
    client = Asked(port, cookie)
    while not over.wait(PAUSE_S):
        times.append(client.ask("GET", "/api/sources")[1])


def _watch_memory(server, peaks, over):
    while not over.wait(PAUSE_S):
        peaks.append(max(_children_mb(server), default=0))


def _children_mb(server):
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            status = path.read_text()
        except OSError:
            continue  # it has ended meanwhile
        if f"PPid:\t{server}\n" in status and (found := re.search(r"VmHWM:\s+(\d+)", status)):
            yield int(found[1]) / 1024
