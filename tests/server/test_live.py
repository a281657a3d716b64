"""/ws under load: each client gets each event once, in order and soon; who reads none is cut."""

import asyncio
import contextlib
import itertools
import json
import os
import socket as sockets
import time
from datetime import datetime
from random import Random

import httpx
import msgspec
import pytest

from tests.server.forks import Forks
from tests.server.harness import copied, rss, tell
from tests.server.sockets import HANDSHAKE, Socket

CLIENTS = 20
WRITERS = 4
EVENTS, EVENTS_SOAK, EVENTS_CANARY = 1_200, 100_000, 300
RATE = 400  # events a second, which a busy machine can keep up with
STAY_FRAMES = (50, 800)  # after how many frames a client is gone without a word
AWAY_S = 0.3
GROWTH_BYTES_MAX = 50 * 1024**2
DELAY_P99_S = 0.25
NOISE = 2.0  # how many times slower a busy machine may be
CUT_S = 40
SEED = int(os.environ.get("DANGO_TEST_SEED", "20261121"))


class Client:
    """One listener that leaves at random and resumes behind what it saw last."""

    def __init__(self, server, number):
        self._server, self._random = server, Random(SEED + number)  # noqa: S311 - seeded
        self.session = server.people.sessions["admin"]
        self.seen, self.delays, self.left = [], [], 0

    async def follow(self, after, upto):
        """Listen from behind a position until one has come, or `upto` says that it is in vain."""
        self.seen.append(after)
        while self.seen[-1] < upto():
            socket = await Socket.open(self._server.port, self.session, self.seen[-1])
            await self._listen(socket, upto)
            socket.drop()
            self.left += 1
            await asyncio.sleep(self._random.uniform(0, AWAY_S))

    async def _listen(self, socket, upto):
        for _ in range(self._random.randint(*STAY_FRAMES)):
            if self.seen[-1] >= upto():
                return
            frame = json.loads(await socket.text())
            if frame.get("position") is None:
                continue
            self.seen.append(frame["position"])
            if frame["position"] > socket.connected:  # live, not replayed
                sent = datetime.fromisoformat(frame["timestamp"]).timestamp()
                self.delays.append(time.time() - sent)


class Course(msgspec.Struct):
    """What came out."""

    gaps: int  # clients that did not get each position once and in order
    resumed: int
    growth: int
    delays: list[float]

    @property
    def p99(self):
        return sorted(self.delays)[len(self.delays) * 99 // 100]


async def write(server, number, events, begun):
    """Make keys and take them back, no faster than the rate."""
    cookies = {"dango_session": server.people.sessions["editor"]}
    async with httpx.AsyncClient(base_url=server.url, cookies=cookies, timeout=30) as client:
        for turn in itertools.count():
            if turn * 2 >= events:
                return
            await asyncio.sleep(begun + turn * 2 * WRITERS / RATE - time.monotonic())
            made = await client.post("/api/auth/api-keys", json={"name": f"{number}-{turn}"})
            path = f"/api/auth/api-keys/{made.json()['id']}"
            assert 200 == (await client.delete(path)).status_code


async def followed(server, events):
    """Let clients follow while events are written; answers how it went."""
    admin = server.client(session="admin")
    start, upto = server.head(admin), [1 << 62]
    clients = [Client(server, number) for number in range(CLIENTS)]
    tasks = [asyncio.create_task(client.follow(start, lambda: upto[0])) for client in clients]
    await asyncio.gather(*(write(server, n, 100, time.monotonic()) for n in range(WRITERS)))
    before = rss(server.pid)
    begun = time.monotonic()
    await asyncio.gather(*(write(server, n, events // WRITERS, begun) for n in range(WRITERS)))
    growth = rss(server.pid) - before
    upto[0] = server.head(admin)
    await write(server, "last", 2, begun)  # so that whoever waits looks up
    async with asyncio.timeout(CUT_S):
        await asyncio.gather(*tasks)
    whole = list(range(start, upto[0] + 1))
    return Course(
        gaps=sum([at for at in client.seen if at <= upto[0]] != whole for client in clients),
        resumed=sum(client.left - 1 for client in clients),
        growth=growth,
        delays=[delay for client in clients for delay in client.delays],
    )


class Stuck:
    """A client that never reads, until it looks what has become of it."""

    def __init__(self, server):
        self._socket = sockets.socket()
        self._socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", server.port))
        session = server.people.sessions["admin"]
        text = HANDSHAKE.format(query="", port=server.port, session=session)
        self._socket.sendall(text.encode())

    def taken(self):
        """How many bytes came before the connection ended; None when it has not ended."""
        taken, end = 0, time.monotonic() + CUT_S
        self._socket.settimeout(2.0)
        try:
            while time.monotonic() < end:
                data = self._socket.recv(65_536)
                if not data:
                    return taken
                taken += len(data)
        except ConnectionResetError:
            return taken
        except TimeoutError:
            return None
        finally:
            self._socket.close()
        return None


@pytest.fixture
def forked(template, tmp_path):
    """A server that starts with one of the defects."""
    with contextlib.ExitStack() as stack:

        def made(defect):
            forks = stack.enter_context(contextlib.closing(Forks(defect)))
            server = stack.enter_context(copied(template, tmp_path / "forked", forks=forks))
            server.start()
            return server

        yield made


def each_gets_each_once(server, events):
    stuck = Stuck(server)
    course = asyncio.run(followed(server, events))

    tell(
        f"{CLIENTS} clients, {events} events, {course.resumed} resumed, seed {SEED}: {course.gaps}"
        f" with a gap or a double, p99 {course.p99 * 1000:.0f} ms of {len(course.delays)} frames,"
        f" {course.growth / 1024**2:.1f} MB more"
    )
    assert 0 == course.gaps
    assert course.resumed > CLIENTS
    assert course.growth < GROWTH_BYTES_MAX
    assert course.p99 < DELAY_P99_S * NOISE
    assert (taken := stuck.taken()) is not None, "the client that never reads was not cut off"
    assert 0 < taken < events * 300


@pytest.mark.alone  # it measures how late frames are
def test_each_client_gets_each_event_once_and_in_order(forked):
    each_gets_each_once(forked("impatient"), EVENTS)


@pytest.mark.soak
def test_each_client_gets_each_of_very_many_events(own):
    own.start()
    each_gets_each_once(own, EVENTS_SOAK)


def test_a_ring_that_forgets_a_frame_is_found_out(forked):
    course = asyncio.run(followed(forked("frame_forgotten"), EVENTS_CANARY))

    assert course.gaps
