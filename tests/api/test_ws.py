"""/ws: who may listen, for how long, and that each socket ends."""

import asyncio
import contextlib
import dataclasses

import msgspec
import pytest

from api import sockets, ws
from api.platform import HttpSettings
from commands.kernel import Origin
from commands.users import DeactivateUser
from domain.permissions import Role
from projections.live import Ring
from tests.api.access import ADMIN, Server

TEST = Origin(actor="cli:test", via="control", correlation="test")


class Browser:
    """One client of a socket, without a network; `stuck` takes nothing."""

    def __init__(self, live, cookie=None, *, query=b"", headers=()):
        self.said, self.frames, self.stuck = asyncio.Queue(), [], False
        self.news = asyncio.Event()
        pairs = [(b"host", b"127.0.0.1:8800"), *headers]
        if cookie is not None:
            pairs.append((b"cookie", f"dango_session={cookie}".encode()))
        scope = {
            "type": "websocket",
            "http_version": "1.1",
            "client": ("127.0.0.1", 50_000),
            "path": "/ws",
            "query_string": query,
            "headers": pairs,
            "extensions": {"websocket.http.response": {}},
        }
        self.said.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(live(scope, self.said.get, self._take))

    async def _take(self, message):
        if self.stuck:
            await asyncio.Event().wait()
        self.frames.append(message)
        self.news.set()

    async def until(self, kind, timeout_s=1.0):
        async with asyncio.timeout(timeout_s):
            while True:
                if found := [frame for frame in self.frames if frame["type"] == kind]:
                    return found[-1]
                self.news.clear()
                await self.news.wait()

    async def status(self):
        await self.until("websocket.http.response.body")
        return self.frames[0]["status"]

    def close(self):
        self.said.put_nowait({"type": "websocket.disconnect", "code": 1000})


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


def story(test):
    """Run an async test over all sockets of a server, inside its life."""

    def run(server):
        async def whole():
            ring = Ring(server.log.head())
            server.writer.listeners.append(ring.committed)
            live = ws.Live(dataclasses.replace(server.platform, ring=ring))
            try:
                await test(server, live)
            finally:
                live.stop()
                await asyncio.sleep(0.01)
                if live.crowd._sweeper is not None:
                    live.crowd._sweeper.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await live.crowd._sweeper

        server.run(whole)

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def cookie_of(server, email=ADMIN["email"]):
    client = await server.logged_in(email)
    return client.cookies["dango_session"]


@story
async def test_a_revoked_session_closes_its_socket_at_once_and_no_other(server, live):
    user = await server.add("ada@example.org", ADMIN["password"], Role.EDITOR)
    hers = Browser(live, await cookie_of(server, "ada@example.org"))
    other = Browser(live, await cookie_of(server))
    await hers.until("websocket.send")
    await other.until("websocket.send")
    await asyncio.sleep(0.05)  # the first look is over: only the event leads to the next
    await server.writer.send(DeactivateUser(user_id=user), TEST)
    assert 4401 == (await hers.until("websocket.close", 0.5))["code"]
    assert not other.task.done()


@story
async def test_what_ends_by_time_alone_is_seen_soon_under_constant_news(server, live):
    browser = Browser(live, await cookie_of(server))
    await browser.until("websocket.send")
    server.clock.forward(days=8)
    begun = asyncio.get_running_loop().time()
    while not browser.task.done():
        await server.add(f"{begun}@example.org", ADMIN["password"])
        begun += 1
        await asyncio.sleep(0.02)
        assert len(browser.frames) < 1_000
    assert 4401 == browser.frames[-1]["code"]


@story
async def test_broken_views_close_the_sockets_and_do_not_end_the_sweep(server, live):
    cookie = await cookie_of(server)
    browser = Browser(live, cookie)
    await browser.until("websocket.send")
    server.views.broken = RuntimeError("event 5")
    assert 503 == await Browser(live, cookie).status()
    frame = await browser.until("websocket.close", sockets.RECHECK_S + 1)
    server.views.broken = None
    assert 1013 == frame["code"]
    assert not live.crowd._sweeper.done() or live.crowd._sweeper.exception() is None


@story
async def test_an_error_while_rights_are_looked_at_closes_that_socket_alone(server, live):
    cookies = [await cookie_of(server), await cookie_of(server)]
    authenticate = live._platform.authenticate

    def faulty(authorization, cookie, platform, **more):
        if cookie == cookies[0] and failing:
            raise OSError("disk")
        return authenticate(authorization, cookie, platform, **more)

    failing = False
    live._platform = dataclasses.replace(live._platform, authenticate=faulty)
    live.crowd._platform = live._platform
    first, second = (Browser(live, cookie) for cookie in cookies)
    await first.until("websocket.send")
    await second.until("websocket.send")
    failing = True
    assert 1013 == (await first.until("websocket.close", sockets.RECHECK_S + 1))["code"]
    assert not second.task.done()
    assert not live.crowd._sweeper.done()


@story
async def test_a_stuck_client_is_released_and_counts_until_then(server, live):
    browser = Browser(live, await cookie_of(server))
    await browser.until("websocket.send")
    browser.stuck = True
    live.stop()
    await asyncio.sleep(sockets.LAST_S / 2)
    assert 1 == len(live.clients)
    await asyncio.wait_for(browser.task, sockets.LAST_S)
    assert not live.clients


@story
async def test_one_account_has_so_many_sockets_and_others_have_theirs(server, live):
    await server.add("ada@example.org", ADMIN["password"])
    cookie = await cookie_of(server, "ada@example.org")
    browsers = [Browser(live, cookie) for _ in range(ws.USER_CLIENTS_MAX)]
    await browsers[-1].until("websocket.accept")
    assert 429 == await Browser(live, cookie).status()
    await Browser(live, await cookie_of(server)).until("websocket.accept")
    browsers[0].close()
    await asyncio.wait_for(browsers[0].task, 1)
    await Browser(live, cookie).until("websocket.accept")


@story
async def test_a_position_that_is_none_is_422(server, live):
    cookie = await cookie_of(server)
    for after in ("9" * 5_000, "-1", "\u00b2", "1" * 19, "999999", "x", "1.0"):
        browser = Browser(live, cookie, query=f"after={after}".encode())
        assert 422 == await browser.status()
        assert "after" in msgspec.json.decode(browser.frames[1]["body"])["detail"]


@story
async def test_without_authentication_a_local_caller_listens_and_a_proxy_does_not(server, live):
    live._platform = dataclasses.replace(live._platform, settings=HttpSettings(auth_enabled=False))
    await Browser(live).until("websocket.accept")
    assert 401 == await Browser(live, headers=[(b"x-real-ip", b"203.0.113.7")]).status()
