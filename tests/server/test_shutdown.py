"""SIGTERM with a thousand open sockets and requests under way; and a server that does not grow.

The process of the test needs a thousand descriptors too: it raises its own soft limit, and fails
where the hard one (`ulimit -Hn`) is below FILES.
"""

import asyncio
import contextlib
import itertools
import resource
import signal
import time
from pathlib import Path

import httpx
import msgspec
import pytest

from tests import patience
from tests.server.forks import Forks
from tests.server.harness import copied, rss, tell
from tests.server.killing import stored_keys
from tests.server.sockets import Socket
from tests.server.template import crowd

SOCKETS, SOCKETS_CANARY = 1_000, 50
EACH = 50  # sockets of one account at most
AT_ONCE = 40  # handshakes, which have to find room in the backlog
FILES = 4_096
CLIENTS, RATE = 8, 40  # requests a second of all clients together
BEFORE_S = 1.0  # how long there is load before the signal
EXIT_S = 10.0
SENT_S = 0.02  # from the call in the client to the bytes in the server's socket
SLOW = "select count(*) from range(3000) a, range(20000) b where (a.range * b.range) % 7 = 1"
SOAK_RATE, SOAK_S, SAMPLE_S = 20, 180, 2
WARM_EVENTS = 25_000  # fill what has a bound: the ring of frames, the cache of folds
FLAT = 0.05  # how much of what it was at first may come or go


class Loaded(msgspec.Struct):
    """What requests came to; ids of requests."""

    done: dict[str, str]  # answered 200, with the key that was made
    cut: dict[str, float]  # not answered, and when they were sent
    other: dict[str, int]  # answered otherwise


async def load(server, number, found, stopped):
    """Make keys at a steady rate until told to stop, or until nobody listens."""
    cookies = {"dango_session": server.people.sessions["editor"]}
    begun = time.monotonic()
    async with httpx.AsyncClient(base_url=server.url, cookies=cookies, timeout=30) as client:
        for turn in itertools.count():
            await asyncio.sleep(begun + turn * CLIENTS / RATE - time.monotonic())
            if stopped.is_set():
                return
            id, sent = f"load-{number}-{turn}", time.monotonic()
            try:
                answer = await client.post(
                    "/api/auth/api-keys", json={"name": id}, headers={"x-request-id": id}
                )
            except httpx.TransportError:
                found.cut[id] = sent
                return
            if answer.status_code == 200:
                found.done[id] = answer.json()["id"]
            else:
                found.other[id] = answer.status_code


async def query(server, role):
    key = {"authorization": f"Bearer {server.people.keys[role]}"}
    async with httpx.AsyncClient(base_url=server.url, headers=key, timeout=30) as client:
        return (await client.post("/api/query", json={"sql": SLOW})).status_code


async def opened(server, sessions, count):
    """So many sockets, of one account as many as may be."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number):
        async with room:
            return await Socket.open(server.port, sessions[number // EACH])

    return await asyncio.gather(*map(one, range(count)))


class Ending(msgspec.Struct):
    """How a server ended."""

    codes: list[int | None]  # of the close frames
    slow: list[int]  # what the long requests were answered
    load: Loaded
    signalled: float
    took: float


async def ended(server, sessions, count):
    """Open sockets, make load, send SIGTERM; answers how all of it ended."""
    sockets = await opened(server, sessions, count)
    closes = [asyncio.create_task(socket.ended()) for socket in sockets]
    found, stopped = Loaded({}, {}, {}), asyncio.Event()
    loads = [asyncio.create_task(load(server, n, found, stopped)) for n in range(CLIENTS)]
    slow = [asyncio.create_task(query(server, role)) for role in ("admin", "editor")]
    await asyncio.sleep(BEFORE_S)
    await patience.until(lambda: len(found.done) > BEFORE_S * RATE / 4)
    signalled = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(server.process.wait, EXIT_S * 2)
    took = time.monotonic() - signalled
    stopped.set()
    await asyncio.gather(*loads)
    codes, answers = await asyncio.gather(*closes), await asyncio.gather(*slow)
    return Ending(codes, answers, found, signalled, took)


@pytest.fixture
def _files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FILES), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.alone  # what is under way has the server's grace to end in, and the machine to itself
@pytest.mark.usefixtures("_files")
def test_sigterm_under_load_cuts_nobody_off(own):
    sessions = crowd(own.root, SOCKETS // EACH - 1)
    own.start()
    sessions.append(own.people.sessions["admin"])  # sees all events; the others see few

    ending = asyncio.run(ended(own, sessions, SOCKETS))

    codes, done = ending.codes, ending.load.done
    tell(
        f"SIGTERM with {len(codes)} sockets and {RATE} requests/s: gone after {ending.took:.2f} s,"
        f" {len(done)} acknowledged, {len(codes) - codes.count(None)} close frames"
    )
    assert ending.took < EXIT_S
    assert 0 == codes.count(None)
    assert [200, 200] == ending.slow
    in_flight = [sent for sent in ending.load.cut.values() if sent < ending.signalled - SENT_S]
    assert [] == in_flight
    assert {503} >= set(ending.load.other.values())
    assert len(done) > BEFORE_S * RATE / 4
    own.start()
    stored = stored_keys(own.client(session="admin"))
    assert {id: [key] for id, key in done.items()} == {id: stored.get(id) for id in done}
    assert "Traceback" not in own.text()


def test_a_server_that_drops_its_sockets_is_found_out(template, tmp_path):
    with (
        contextlib.closing(Forks("sockets_cut")) as forks,
        copied(template, tmp_path / "forked", forks=forks) as server,
    ):
        server.start()
        ending = asyncio.run(ended(server, [server.people.sessions["admin"]], SOCKETS_CANARY))

    assert ending.codes.count(None) > SOCKETS_CANARY / 2


# a server that runs for long


def sampled(server):
    """Memory, descriptors and threads of the server."""
    folders = (Path(f"/proc/{server.pid}/{name}") for name in ("fd", "task"))
    return rss(server.pid), *(sum(1 for _ in folder.iterdir()) for folder in folders)


async def turn(client):
    """Four requests of several kinds."""
    made = await client.post("/api/auth/api-keys", json={"name": "steady"})
    await client.get("/api/sources")
    assert 200 == (await client.post("/api/query", json={"sql": "select 1"})).status_code
    await client.delete(f"/api/auth/api-keys/{made.json()['id']}")


async def warmed(server):
    """Make and take keys as fast as it goes."""
    cookies = {"dango_session": server.people.sessions["editor"]}

    async def write():
        async with httpx.AsyncClient(base_url=server.url, cookies=cookies, timeout=30) as client:
            for _ in range(WARM_EVENTS // CLIENTS // 2):
                made = await client.post("/api/auth/api-keys", json={"name": "warm"})
                await client.delete(f"/api/auth/api-keys/{made.json()['id']}")

    await asyncio.gather(*(write() for _ in range(CLIENTS)))


async def steady(server, seconds):
    """Ask at a steady rate; answers the samples."""
    cookies = {"dango_session": server.people.sessions["editor"]}
    begun, samples = time.monotonic(), []
    async with httpx.AsyncClient(base_url=server.url, cookies=cookies, timeout=30) as client:
        for number in range(seconds * SOAK_RATE // 4):
            await turn(client)
            if number % (SAMPLE_S * SOAK_RATE // 4) == 0:
                samples.append(sampled(server))
            await asyncio.sleep(begun + (number + 1) * 4 / SOAK_RATE - time.monotonic())
    return samples


@pytest.mark.soak
def test_memory_descriptors_and_threads_stay_as_they_are(own):
    own.start()
    asyncio.run(warmed(own))
    samples = asyncio.run(steady(own, SOAK_S))
    columns = zip(*samples, strict=True)
    for name, values in zip(("memory", "descriptors", "threads"), columns, strict=True):
        tell(f"{name}: {values[0]:,} at first, {min(values):,} to {max(values):,} in {SOAK_S} s")
        assert max(values) - min(values) <= max(FLAT * values[0], 1), name
