"""The server under load: reading, writing, group commit, start, memory."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.bench.figures import Figure

READY_S = 30.0


def every(folder, seconds):
    project = folder / "project"
    cookies = json.loads(python("served", "make", str(project)).stdout)
    yield from _reading(project, cookies, seconds)
    yield from _writing(project, cookies, seconds)
    yield from _start(project)


def _reading(project, cookies, seconds):
    with served(project) as (port, _):
        one = _load("reads", port, seconds, 1, cookies)
        many = _load("reads", port, seconds, 16, cookies)
    note = f"p99 {one['p99_ms']:.1f} ms"
    yield Figure(
        name="GET /api/sources, 20 sources, 1 client, p50",
        value=one["p50_ms"],
        unit="ms",
        limit=1,
        least=False,
        note=note,
    )
    yield Figure(
        name="GET /api/sources, 16 clients",
        value=many["rate"],
        unit="req/s",
        limit=2_000,
        note=f"p99 {many['p99_ms']:.1f} ms",
    )


def _writing(project, cookies, seconds):
    with served(project) as (port, told):
        fast = _load("writes", port, seconds, 64, cookies)
    grouped = _per_commit(told)
    yield Figure(
        name="durable POST, 64 clients, this disk",
        value=fast["rate"],
        unit="req/s",
        limit=2_000,
        note=f"p99 {fast['p99_ms']:.1f} ms, {grouped:.1f} commands a commit",
    )
    with served(project, "slow") as (port, told):
        group = _load("writes", port, seconds, 64, cookies)
    grouped = _per_commit(told)
    with served(project, "slow", "alone") as (port, _):
        alone = _load("writes", port, seconds, 64, cookies)
    yield Figure(
        name="the same with commits 2 ms slower: group commit against one each",
        value=group["rate"] / alone["rate"],
        unit="ratio",
        limit=3,
        note=f"{group['rate']:,.0f} against {alone['rate']:,.0f} req/s",
    )
    yield Figure(name="commands in one fsync there", value=grouped, unit="commands", limit=4)


def _start(project):
    times, sizes = [], []
    for _ in range(3):
        begin = time.perf_counter()
        with served(project) as (_, told):
            times.append(time.perf_counter() - begin)
            time.sleep(2)
            sizes.append(_rss_mb(told["pid"]))
    yield Figure(
        name="cold start to the first 200, best of 3",
        value=min(times),
        unit="s",
        limit=1,
        least=False,
    )
    yield Figure(name="server process at rest", value=max(sizes), unit="MB", limit=120, least=False)


@contextlib.contextmanager
def served(project, *knobs):
    """A server on a free port; afterwards, what it counted is in the dictionary."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.bench.served", "run", str(project), str(port), *knobs]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    told = {"pid": process.pid}
    try:
        _wait(port, process)
        yield port, told
    finally:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
        if out.strip():
            told.update(json.loads(out))


def _wait(port, process):
    end = time.monotonic() + READY_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health/live", timeout=5).read()
            return
        time.sleep(0.01)
    raise RuntimeError("the server did not start")


def _load(work, port, seconds, clients, cookies):
    done = python("load", work, str(port), str(seconds), str(clients), stdin=json.dumps(cookies))
    result = json.loads(done.stdout)
    if result["bad"]:
        raise RuntimeError(f"{result['bad']} of {result['requests']} failed: {result['example']}")
    return result


def python(module, *arguments, stdin=None):
    return subprocess.run(
        [sys.executable, "-m", f"tests.bench.{module}", *arguments],
        input=stdin,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )


def _per_commit(told):
    return told["events"] / max(1, told["commits"])


def _rss_mb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
