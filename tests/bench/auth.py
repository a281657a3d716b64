"""Logging in under load, and what it costs to know who asks.

python -m tests.bench.auth FOLDER TOKEN     times requests inside a process, without a network
"""

import asyncio
import json
import secrets
import statistics
import sys
import time
from pathlib import Path

from api import app
from api.authentication import key_proof
from api.callers import Caller
from commands.api_keys import CreateApiKey
from domain import api_keys
from infra.configuration import project as configuration
from infra.ids import new_id
from infra.project import Project
from infra.runtime import Runtime
from tests.bench import http
from tests.bench.figures import Figure
from tests.bench.served import ORIGIN

CLIENTS = 8
LOGINS_MIN = 20  # a second
HELD_MS = 20
OWN_MS = 0.3
CALLS, WARM = 3_000, 300


def every(project, cookies, seconds):
    yield from _logins(project, cookies, seconds)
    spent = json.loads(http.python("auth", str(project), cookies[0]).stdout)
    for how in ("cookie", "key"):
        yield Figure(
            name=f"GET /api/auth/me by {how}, our own time, median",
            value=spent[how],
            unit="ms",
            limit=OWN_MS,
            least=False,
            note=f"nobody's: {spent['nobody']:.2f} ms",
        )


def _logins(project, cookies, seconds):
    with http.served(project, "watched") as (port, told):
        done = http._load("logins", port, seconds, CLIENTS, cookies)
    yield Figure(
        name=f"logins, {CLIENTS} clients, argon2id of 46 MiB",
        value=done["rate"],
        unit="logins/s",
        limit=LOGINS_MIN,
        note=f"p50 {done['p50_ms']:.0f} ms, p99 {done['p99_ms']:.0f} ms",
    )
    yield Figure(
        name="the longest that the event loop was held meanwhile",
        value=told["held_ms"],
        unit="ms",
        limit=HELD_MS,
        least=False,
        note=f"{told['held_cpu_ms']:.1f} ms of them at work",
    )


async def own(folder, token):
    """Medians of requests, from the application's door to its answer, in milliseconds."""
    project = Project(folder)
    with project.held():
        runtime = Runtime(project, configuration.read(project.folder))
        await runtime.start(policies=False)
        try:
            platform = runtime.platform
            caller = platform.authenticate(None, token, platform)
            key = await _key(runtime, caller)
            served = app.create(platform)
            ways = {
                "nobody": [],
                "cookie": [(b"cookie", f"dango_session={token}".encode())],
                "key": [(b"authorization", f"Bearer {key}".encode())],
            }
            return {how: await _median(served, headers) for how, headers in ways.items()}
        finally:
            await runtime.stop()


async def _key(runtime, caller: Caller):
    key, platform = api_keys.spell(secrets.token_bytes(32)), runtime.platform
    command = CreateApiKey(
        key_id=new_id(),
        user_id=caller.user_id,
        name="bench",
        proof=key_proof(key, platform),
        prefix=key[: api_keys.PREFIX_LENGTH],
        at=platform.clock(),
    )
    await runtime.writer.send(command, ORIGIN)
    return key


async def _median(served, headers):
    times = []
    for _ in range(WARM + CALLS):
        begun = time.perf_counter()
        await _ask(served, headers)
        times.append(time.perf_counter() - begun)
    return statistics.median(times[WARM:]) * 1000


async def _ask(served, headers):
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/auth/me",
        "raw_path": b"/api/auth/me",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), *headers],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8800),
        "state": {},
        "extensions": {},
    }
    statuses = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        statuses.append(message.get("status"))

    await served(scope, receive, send)
    assert statuses[0] == 200, statuses


if __name__ == "__main__":
    told = asyncio.run(own(Path(sys.argv[1]), sys.argv[2]))
    sys.stdout.write(json.dumps(told) + "\n")
