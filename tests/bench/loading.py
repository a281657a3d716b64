"""Sources of files: each format against the engine's own reader, small changes, readers, memory."""

import json
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from tests.bench.figures import Figure
from tests.bench.http import served
from tests.bench.sync import sync, write

ROWS = 1_000_000
FILES = 1_000
CHANGED = 10_000
READERS = 8
POLL_S = 0.1  # for the end of a sync that others read beside: as a page would
LARGE_BYTES = 5 * 1000**3
MIB = 1024**2
ENTRY = """\
  - name: bench_{name}
    type: local_files
    local_files: {{directory: data/uploads/bench_{name}{more}}}
"""
PLAIN = """
import duckdb, sys, time
begin = time.perf_counter()
con = duckdb.connect(sys.argv[3], config={"threads": 2})
con.execute("SET enable_progress_bar = false")
con.execute(f"CREATE TABLE t AS SELECT * FROM {sys.argv[1]}('{sys.argv[2]}')")
con.close()
print(time.perf_counter() - begin)
"""
TIMES = 3
MERGED = ", primary_key: [id]"
SOURCES = {"csv": "", "parquet": "", "ndjson": "", "many": "", "merge": MERGED, "large": ""}


def every(folder, cookies):
    project = folder / "project"
    _sources(project)
    inputs = {name: project / "data" / "uploads" / f"bench_{name}" for name in SOURCES}
    for path in inputs.values():
        path.mkdir(parents=True, exist_ok=True)
    write(inputs["csv"] / "rows.csv", ROWS)
    _others(inputs)
    _small_files(inputs["many"])
    cookie = cookies[0]
    with served(project) as (port, _):
        time.sleep(2)
        for kind in ("csv", "parquet", "ndjson"):
            yield _against_reader(folder, inputs[kind], kind, port, cookie)
        yield _one_of_many(inputs["many"], port, cookie)
        yield _merge(inputs["merge"], port, cookie)
        yield from _read_meanwhile(port, cookies)
    with served(project) as (port, told):  # of its own: the peak is that of a process's life
        time.sleep(2)
        yield _memory(inputs, port, cookie, told["pid"])


def _sources(project):
    entries = "".join(ENTRY.format(name=name, more=more) for name, more in SOURCES.items())
    path = project / ".dango" / "sources.yml"
    path.write_text(path.read_text() + entries)


def _others(inputs):
    rows = f"read_csv('{inputs['csv'] / 'rows.csv'}')"
    with duckdb.connect() as connection:
        for kind, how in (("parquet", "FORMAT parquet"), ("ndjson", "FORMAT json")):
            target = inputs[kind] / f"rows.{kind}"
            connection.execute(f"COPY (FROM {rows}) TO '{target}' ({how})")
        target = inputs["merge"] / "rows.parquet"
        connection.execute(f"COPY (FROM {rows}) TO '{target}' (FORMAT parquet)")


def _small_files(folder):
    for number in range(FILES):
        rows = "".join(f"{number * 100 + n},name {n},{n / 4}\n" for n in range(100))
        (folder / f"part_{number:04d}.csv").write_text(f"id,name,amount\n{rows}")


def _against_reader(folder, directory, kind, port, cookie):
    (path,) = directory.iterdir()
    reader = {"csv": "read_csv", "parquet": "read_parquet", "ndjson": "read_json"}[kind]
    plain = min(_plain(reader, path, folder / f"plain-{kind}-{n}.duckdb") for n in range(TIMES))
    ours = min(_anew(port, cookie, f"bench_{kind}") for _ in range(TIMES))
    return Figure(
        name=f"{kind} of {ROWS:,} x 10: POST to published against {reader}",
        value=ours / plain,
        unit="ratio",
        limit=2,
        least=False,
        note=f"{ours:.2f} s against {plain:.2f} s",
    )


def _plain(reader, path, database):
    command = [sys.executable, "-c", PLAIN, reader, str(path), str(database)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _anew(port, cookie, source, poll_s=0.005):
    return sync(port, cookie, source, {"full_refresh": True}, poll_s)


def _one_of_many(directory, port, cookie):
    sync(port, cookie, "bench_many")
    took = []
    for number in range(TIMES):
        path = directory / f"part_{number:04d}.csv"
        path.write_text(path.read_text() + f"{ROWS + number},more,1.5\n")
        took.append(sync(port, cookie, "bench_many"))
    return Figure(
        name=f"second run, 1 of {FILES:,} files changed",
        value=min(took),
        unit="s",
        limit=1,
        least=False,
    )


def _merge(directory, port, cookie):
    sync(port, cookie, "bench_merge")
    took = []
    for number in range(TIMES):
        rows = "".join(f"{n * 97},changed {number}\n" for n in range(CHANGED))
        (directory / f"changed_{number}.csv").write_text(f"id,note\n{rows}")
        took.append(sync(port, cookie, "bench_merge"))
    return Figure(
        name=f"merge of {CHANGED:,} changed rows into {ROWS:,}",
        value=min(took),
        unit="s",
        limit=1,
        least=False,
    )


def _read_meanwhile(port, cookies):
    """Eight readers of the list and of a count, while a million rows are replaced again."""
    table = "raw_bench_csv.bench_csv"
    command = [sys.executable, "-m", "tests.bench.readers", str(port), table, str(ROWS)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as readers:
        readers.stdin.write(json.dumps(cookies[:READERS]) + "\n")
        readers.stdin.flush()
        took = [_anew(port, cookies[0], "bench_csv", POLL_S) for _ in range(TIMES)]
        seen = json.loads(readers.communicate()[0])
    yield Figure(
        name=f"{READERS} readers during syncs of {ROWS:,} rows: errors and half states",
        value=seen["bad"],
        unit="",
        limit=0,
        least=False,
        note=seen["example"] or f"{seen['rounds']} rounds, a sync in {min(took):.2f} s",
    )
    yield Figure(
        name="the same: /api/sources p99",
        value=seen["list"]["p99_ms"],
        unit="ms",
        limit=20,
        least=False,
        note=f"p50 {seen['list']['p50_ms']:.1f} ms; a count p99 {seen['count']['p99_ms']:.0f} ms",
    )


def _memory(inputs, port, cookie, pid):
    line = (inputs["csv"] / "rows.csv").read_bytes()
    with (inputs["large"] / "rows.csv").open("wb") as out:
        out.write(line)
        rest = line.partition(b"\n")[2]
        while out.tell() < LARGE_BYTES:
            out.write(rest)
    size = (inputs["large"] / "rows.csv").stat().st_size
    took = sync(port, cookie, "bench_large")
    peaks = [_peak_bytes(child) for child in _workers(pid)]
    return Figure(
        name="memory of a load worker on a CSV of 5 GB",
        value=max(peaks) / MIB,
        unit="MiB",
        limit=1024,
        least=False,
        note=f"{size / MIB:,.0f} MiB in {took:.1f} s",
    )


def _workers(pid):
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        told = status.read_bytes().split(b"\0")
        if b"infra.workers.child" in told and b"load" in told and _parent(status.parent) == pid:
            yield status.parent


def _parent(process):
    return int(_field(process, "PPid"))


def _peak_bytes(process):
    return int(_field(process, "VmHWM").split()[0]) * 1024


def _field(process, name):
    lines = (process / "status").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:"))
