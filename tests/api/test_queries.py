"""Queries of one user leave room for those of others."""

import asyncio

import msgspec
import pytest

from api import turns
from api.platform import HttpSettings
from api.turns import Turns
from commands.ports import Busy, Queried
from domain.permissions import Role
from tests.api.access import Server

EDITORS = ("one@localhost", "other@localhost")
PASSWORD = "a tiger in the rain"


class SlowWarehouse:
    """Answers when it is let; knows how many queries run and ever ran at once."""

    def __init__(self):
        self.running, self.most, self.let = 0, 0, asyncio.Event()

    async def query(self, query, deadline_s):
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.let.wait()
        finally:
            self.running -= 1
        rows = msgspec.Raw(b"[]")
        return Queried(columns=(), types=(), rows=rows, row_count=0, truncated=False)


async def until(holds):
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is awaited is inside of the server
            await asyncio.sleep(0.005)


@pytest.fixture
def asked(tmp_path):
    """Run a story over a warehouse and one logged-in client for each editor."""

    def run(story, **settings):
        server, warehouse = Server(tmp_path, settings=HttpSettings(**settings)), SlowWarehouse()
        object.__setattr__(server.platform, "warehouse", warehouse)
        object.__setattr__(server.platform, "query_turns", Turns(wait_s=0.3))

        async def whole():
            for email in EDITORS:
                await server.add(email, PASSWORD, Role.EDITOR)
            await story(warehouse, *[await server.logged_in(e, PASSWORD) for e in EDITORS])

        server.run(whole)
        return server

    return run


def ask(client, count=1):
    sent = (client.post("/api/query", json={"sql": "SELECT 1"}) for _ in range(count))
    return [asyncio.ensure_future(one) for one in sent]


def test_a_third_query_of_one_user_waits_and_anothers_does_not(asked):
    async def story(warehouse, one, other):
        mine = ask(one, 4)
        await until(lambda: warehouse.running == 2)
        theirs = ask(other)
        await until(lambda: warehouse.running == 3)
        warehouse.let.set()
        assert {200} == {answer.status_code for answer in await asyncio.gather(*mine, *theirs)}
        assert 3 == warehouse.most

    asked(story)


def test_who_waits_too_long_is_told_when_to_come_again_and_nothing_is_recorded(asked):
    async def story(warehouse, one, other):
        mine = ask(one, 3)
        await until(lambda: any(answer.done() for answer in mine))
        (late,) = [answer.result() for answer in mine if answer.done()]
        assert 503 == late.status_code
        assert str(turns.RETRY_AFTER_S) == late.headers["Retry-After"]
        assert "2 queries of yours are running" in late.json()["detail"]
        warehouse.let.set()
        assert [200, 200, 503] == sorted(a.status_code for a in await asyncio.gather(*mine))

    assert 2 == asked(story).types().count("query_executed")


def test_the_bound_is_a_setting(asked):
    async def story(warehouse, one, other):
        mine = ask(one, 4)
        await until(lambda: warehouse.running == 3)
        warehouse.let.set()
        await asyncio.gather(*mine)
        assert 3 == warehouse.most

    asked(story, queries_per_user_max=3)


def test_a_line_has_an_end_and_leaves_nothing_behind():
    async def story():
        line, done = Turns(), asyncio.Event()

        async def run():
            async with line.take("user:1", 1):
                await done.wait()

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run()) for _ in range(1 + turns.WAITING_PER_CALLER_MAX)]
            await asyncio.sleep(0)
            with pytest.raises(Busy):
                async with line.take("user:1", 1):
                    pass
            tasks[-1].cancel()  # gives up its place in the line
            await asyncio.sleep(0)
            done.set()
        assert {} == line._lines

    asyncio.run(story())
