"""Queries over HTTP: turns, cancelling, formats, masks, and how workers end."""

import asyncio

import msgspec
import pytest

from api import turns
from api.platform import HttpSettings
from api.turns import Turns
from commands.ports import (
    Busy,
    MaskedColumn,
    Queried,
    WorkDied,
    WorkRefused,
    WorkTimedOut,
    WorkTooLarge,
)
from domain.permissions import Role
from domain.queries import QueryExecuted
from tests.api.access import Server

EDITORS = ("one@localhost", "other@localhost")
PASSWORD = "a tiger in the rain"


class SlowWarehouse:
    """Answers when it is let; knows how many queries run and ever ran at once."""

    def __init__(self):
        self.running, self.most, self.let = 0, 0, asyncio.Event()
        self.asked, self.error, self.hidden = [], None, ()

    async def query(self, query, deadline_s):
        self.asked.append(query)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.let.wait()
        finally:
            self.running -= 1
        if self.error is not None:
            raise self.error
        rows, file = msgspec.Raw(b"[]"), query.format.encode()
        return Queried(
            columns=(), types=(), rows=rows, file=file, row_count=0, truncated=True,
            masked=self.hidden,
        )  # fmt: skip


async def until(holds):
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is awaited is inside of the server
            await asyncio.sleep(0.005)


@pytest.fixture
def asked(tmp_path):
    """Run a story over a warehouse and one logged-in client for each editor."""

    def run(story, *, admin=False, masked_columns=None, **settings):
        server, warehouse = Server(tmp_path, settings=HttpSettings(**settings)), SlowWarehouse()
        object.__setattr__(server.platform, "warehouse", warehouse)
        if masked_columns is not None:
            object.__setattr__(server.platform, "masked_columns", masked_columns)
        object.__setattr__(server.platform, "query_turns", Turns(wait_s=0.3))
        warehouse.queries = server.platform.queries

        async def whole():
            for email in EDITORS:
                await server.add(email, PASSWORD, Role.EDITOR)
            clients = [await server.logged_in(email, PASSWORD) for email in EDITORS]
            await story(warehouse, *clients, *([await server.logged_in()] if admin else ()))

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


# Cancelling


ID = "0b2d8f3a-77aa-4c1e-9d0f-0123456789ab"
PLAIN = ID.replace("-", "")


async def named(client, query_id=ID, **more):
    return await client.post("/api/query", json={"sql": "SELECT 1", "query_id": query_id}, **more)


def test_a_running_query_is_ended_by_the_id_that_it_was_given(asked):
    async def story(warehouse, one, other):
        mine = asyncio.ensure_future(named(one))
        await until(lambda: warehouse.running == 1)
        (listed,) = (await one.get("/api/query/running")).json()["queries"]
        assert PLAIN == listed["query_id"]
        answer = await one.post(f"/api/query/{ID}/cancel")
        assert {"success": True, "query_id": PLAIN} == answer.json()
        ended = await mine
        assert (409, "The query was cancelled.") == (ended.status_code, ended.json()["detail"])
        assert ("query_cancelled", PLAIN) == (
            ended.json()["error_code"],
            ended.headers["X-Query-Id"],
        )
        await until(lambda: warehouse.running == 0)
        assert {"queries": []} == (await one.get("/api/query/running")).json()

    server = asked(story)
    cancelled, executed = server.recorded[-2:]
    assert ("query_cancelled", PLAIN) == (cancelled.type, cancelled.event.query_id)
    assert ("cancelled", PLAIN) == (executed.event.outcome, executed.event.query_id)


def test_a_query_that_waits_for_its_turn_is_ended_too(asked):
    async def story(warehouse, one, other):
        mine = ask(one, 2)
        await until(lambda: warehouse.running == 2)
        third = asyncio.ensure_future(named(one))
        await until(lambda: len(warehouse.queries.every()) == 3)
        assert 200 == (await one.post(f"/api/query/{ID}/cancel")).status_code
        assert 409 == (await third).status_code
        assert 2 == warehouse.running
        warehouse.let.set()
        await asyncio.gather(*mine)

    asked(story)


def test_another_users_query_is_as_good_as_none(asked):
    async def story(warehouse, one, other):
        mine = asyncio.ensure_future(named(one))
        await until(lambda: warehouse.running == 1)
        theirs = await other.post(f"/api/query/{ID}/cancel")
        nobodys = await other.post(f"/api/query/{ID[:-1]}0/cancel")
        assert {404} == {theirs.status_code, nobodys.status_code}
        assert theirs.json()["detail"].replace(ID, "") == nobodys.json()["detail"].replace(
            f"{ID[:-1]}0", ""
        )
        assert {"queries": []} == (await other.get("/api/query/running")).json()
        warehouse.let.set()
        assert 200 == (await mine).status_code

    assert "query_cancelled" not in asked(story).types()


def test_who_manages_the_platform_ends_any(asked):
    async def story(warehouse, one, other, admin):
        mine = ask(one)
        await until(lambda: warehouse.running == 1)
        (listed,) = (await admin.get("/api/query/running")).json()["queries"]
        answer = await admin.post(f"/api/query/{listed['query_id']}/cancel")
        assert 200 == answer.status_code
        assert 409 == (await mine[0]).status_code

    asked(story, admin=True)


def test_an_id_is_taken_once(asked):
    async def story(warehouse, one, other):
        mine = asyncio.ensure_future(named(one))
        await until(lambda: warehouse.running == 1)
        assert 409 == (await named(other, PLAIN.upper())).status_code
        warehouse.let.set()
        assert PLAIN == (await mine).json()["query_id"]
        late = await named(other)
        assert (409, "query_there") == (late.status_code, late.json()["error_code"])
        assert 404 == (await one.post(f"/api/query/{ID}/cancel")).status_code

    assert 1 == asked(story).types().count("query_executed")


@pytest.mark.parametrize("query_id", ["", "x", "1", f"{ID}0", "../../etc", f"{ID}\n", 7])
def test_an_id_is_a_uuid(query_id, asked):
    async def story(warehouse, one, other):
        answer = await named(one, query_id)
        assert 422 == answer.status_code
        assert "query_id" in answer.json()["detail"]

    asked(story)


# Formats


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("csv", "text/csv; header=present; charset=utf-8"),
        ("arrow", "application/vnd.apache.arrow.stream"),
        ("parquet", "application/vnd.apache.parquet"),
    ],
)
def test_a_file_is_an_attachment_with_a_safe_name(kind, media_type, asked):
    async def story(warehouse, one, other):
        warehouse.let.set()
        for where in ({"params": {"format": kind}}, {}):
            body = {"sql": "SELECT 1", **({} if where else {"format": kind})}
            answer = await one.post("/api/query", json=body, **where)
            assert (200, kind.encode()) == (answer.status_code, answer.content)
            assert media_type == answer.headers["Content-Type"]
            name = f"query-{answer.headers['X-Query-Id']}.{kind}"
            assert f'attachment; filename="{name}"' == answer.headers["Content-Disposition"]
            assert "true" == answer.headers["X-Truncated"]

    asked(story)


def test_json_tells_of_truncation_in_a_header_too(asked):
    async def story(warehouse, one, other):
        warehouse.let.set()
        (answer,) = await asyncio.gather(*ask(one))
        assert "true" == answer.headers["X-Truncated"]
        assert answer.json()["query_id"] == answer.headers["X-Query-Id"]
        assert "Content-Disposition" not in answer.headers

    asked(story)


@pytest.mark.parametrize("where", ["params", "json"])
def test_a_format_that_is_none_is_refused(where, asked):
    async def story(warehouse, one, other):
        sent = {"json": {"sql": "SELECT 1"}}
        sent[where] = {**sent.get(where, {}), "format": "xlsx"}
        answer = await one.post("/api/query", **sent)
        assert 422 == answer.status_code
        assert "format" in answer.json()["detail"]

    asked(story)


def test_a_file_under_an_idempotency_key_comes_again_as_it_was(asked):
    async def story(warehouse, one, other):
        warehouse.let.set()
        first, again = [
            await one.post(
                "/api/query?format=csv",
                json={"sql": "SELECT 1"},
                headers={"Idempotency-Key": "k"},
            )
            for _ in range(2)
        ]
        assert first.content == again.content == b"csv"
        for name in ("X-Query-Id", "X-Truncated", "Content-Disposition", "Content-Type"):
            assert first.headers[name] == again.headers[name]

    assert 1 == asked(story).types().count("query_executed")


# Masks


HIDDEN = MaskedColumn(schema="raw_people", table="people", column="email")


def test_who_lacks_the_permission_asks_with_masks(asked):
    async def story(warehouse, one, other):
        warehouse.let.set()
        body = {"name": "narrow", "permissions": ["query.execute"]}
        key = (await one.post("/api/auth/api-keys", json=body)).json()["key"]
        bearer = {"Authorization": f"Bearer {key}"}
        await one.post("/api/query", json={"sql": "SELECT 1"})
        one.cookies.clear()
        await one.post("/api/query", json={"sql": "SELECT 1"}, headers=bearer)
        await one.post("/api/query?as_of=1", json={"sql": "SELECT 1"}, headers=bearer)
        assert [(), (HIDDEN,)] == [query.masked for query in warehouse.asked]

    asked(story, masked_columns=lambda reader, past: (HIDDEN,))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (WorkRefused("No."), 400),
        (WorkTimedOut("Too long."), 408),
        (WorkTooLarge("Too large."), 400),
        (WorkDied("It died."), 503),
        (Busy("Full."), 503),
    ],
)
def test_how_a_worker_ends_is_how_the_request_is_answered(error, status, asked):
    async def story(warehouse, one, other):
        warehouse.error = error
        warehouse.let.set()
        (answer,) = await asyncio.gather(*ask(one))
        assert (status, error.reason) == (answer.status_code, answer.json()["detail"])
        assert (status == 503) == ("Retry-After" in answer.headers)

    asked(story)


def test_the_log_says_in_which_format_a_query_was_answered_and_how_much_was_masked(tmp_path):
    server, warehouse = Server(tmp_path), SlowWarehouse()
    object.__setattr__(server.platform, "warehouse", warehouse)
    warehouse.hidden = ("raw_people.people.email", "raw_people.people.name")

    async def story():
        warehouse.let.set()
        admin = await server.logged_in()
        await admin.post("/api/query?format=csv", json={"sql": "SELECT 1"})
        warehouse.error = WorkRefused("no")
        await admin.post("/api/query", json={"sql": "SELECT 1"})

    server.run(story)

    told = [r.event for r in server.recorded if isinstance(r.event, QueryExecuted)]
    assert [("csv", 2), ("json", None)] == [(each.format, each.masked_columns) for each in told]


def test_who_wants_masks_gets_them_whatever_they_may_see(asked):
    async def story(warehouse, one, other):
        warehouse.let.set()
        for value in ("always", "", "no"):
            headers = {"X-Dango-Mask": value}
            await one.post("/api/query", json={"sql": "SELECT 1"}, headers=headers)
        await one.post("/api/query", json={"sql": "SELECT 1"})
        assert [(HIDDEN,), (HIDDEN,), (HIDDEN,), ()] == [q.masked for q in warehouse.asked]

    asked(story, masked_columns=lambda reader, past: (HIDDEN,))


def test_an_answer_without_masks_is_not_given_again_to_who_wants_them(asked):
    async def story(warehouse, one, other):
        warehouse.let.set()
        key, body = {"Idempotency-Key": "k"}, {"sql": "SELECT 1"}
        plain = await one.post("/api/query", json=body, headers=key)
        masked = await one.post("/api/query", json=body, headers={**key, "X-Dango-Mask": "always"})
        assert [200, 422] == [plain.status_code, masked.status_code]

    asked(story, masked_columns=lambda reader, past: (HIDDEN,))
