"""Syncing a file, from the POST to the data that can be queried, against DuckDB by itself."""

import json
import subprocess
import sys
import time
import urllib.request

from tests.bench.figures import Figure
from tests.bench.http import served

PLAIN = """
import duckdb, sys, time
begin = time.perf_counter()
con = duckdb.connect(sys.argv[2], config={"threads": 2})
con.execute(f"CREATE TABLE t AS SELECT * FROM read_csv('{sys.argv[1]}')")
con.close()
print(time.perf_counter() - begin)
"""
SMALL, LARGE = 1_000, 1_000_000
# What the existing product, getdango 1.0.13, took at best for the same on two cores.
EXISTING_S = {SMALL: 9.0, LARGE: 17.0}
TIMES_FASTER = {SMALL: 10, LARGE: 6}


def every(folder, cookies):
    project = folder / "project"
    for rows in (SMALL, LARGE):
        path = project / "data" / "uploads" / "source_00" / "rows.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, rows)
        plain = min(_plain(path, folder / f"plain-{rows}-{n}.duckdb") for n in range(3))
        with served(project) as (port, _):
            time.sleep(2)
            ours = min(
                sync(port, cookies[0], "source_00", {"full_refresh": True}) for _ in range(3)
            )
        yield Figure(
            name=f"the existing product's time for {rows:,} rows, against ours",
            value=EXISTING_S[rows] / ours,
            unit="times",
            limit=TIMES_FASTER[rows],
            note=f"{EXISTING_S[rows]:g} s as measured there",
        )
        if rows == SMALL:
            yield Figure(
                name=f"CSV of {rows:,} rows: POST to published",
                value=ours,
                unit="s",
                limit=1,
                least=False,
            )
        else:
            yield Figure(
                name=f"CSV of {rows:,} x 10: POST to published against plain DuckDB",
                value=ours / plain,
                unit="ratio",
                limit=2,
                least=False,
                note=f"{ours:.2f} s against {plain:.2f} s",
            )


def write(path, rows):
    with path.open("w") as file:
        file.write("id,day,customer,product,amount,price,country,status,note,flag\n")
        for n in range(rows):
            file.write(
                f"{n},2026-{n % 12 + 1:02d}-{n % 28 + 1:02d},customer {n % 9973},product-{n % 499},"
                f"{n % 17},{n % 10007 / 100:.2f},C{n % 190},{'paid' if n % 7 else 'open'},"
                f"some words about order {n},{'true' if n % 3 else 'false'}\n"
            )


def _plain(path, database):
    command = [sys.executable, "-c", PLAIN, str(path), str(database)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def sync(port, cookie, source, body=None, poll_s=0.005):
    """How long it takes from the POST to the data that can be queried."""
    begin = time.perf_counter()
    told = json.dumps(body or {}).encode()
    job = ask(port, cookie, f"/api/sources/{source}/sync", told)["job_id"]
    while True:
        status = ask(port, cookie, f"/api/sync/status/{job}")
        if status["status"] == "success":
            return time.perf_counter() - begin
        if status["status"] not in ("queued", "running"):
            raise RuntimeError(f"the sync failed: {status['error']}")
        time.sleep(poll_s)


def ask(port, cookie, path, body=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=body,
        headers={"Cookie": f"dango_session={cookie}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own server
        return json.loads(answer.read())
