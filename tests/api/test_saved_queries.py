"""Saved queries over HTTP: kept, shared, changed, deleted, and forgotten with their owner."""

import pytest

from api.saved_queries import SQL_BYTES_MAX
from domain.permissions import Role
from tests.api.access import Server

PASSWORD = "a tiger in the snow"
ALL = "/api/queries"
SALES = {"name": "Sales by day", "sql": "select 'ada@example.org'"}


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


def told(test):
    """Run an async test with an admin's, two editors' and a viewer's client."""

    def run(server):
        async def whole():
            clients = [await server.logged_in()]
            for name, role in (("ed", Role.EDITOR), ("eva", Role.EDITOR), ("vi", Role.VIEWER)):
                await server.add(f"{name}@example.org", PASSWORD, role)
                clients.append(await server.logged_in(f"{name}@example.org", PASSWORD))
            await test(server, *clients)

        server.run(whole)

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def saved(client, **more):
    answer = await client.post(ALL, json={**SALES, **more})
    assert 201 == answer.status_code, answer.text
    return f"{ALL}/{answer.json()['id']}"


async def names(client):
    return [each["name"] for each in (await client.get(ALL)).json()["queries"]]


@told
async def test_a_query_is_kept_for_oneself_until_it_is_shared(server, admin, ed, eva, vi):
    where = await saved(ed)
    mine = (await ed.get(where)).json()
    assert (SALES["name"], SALES["sql"], True, False) == tuple(
        mine[key] for key in ("name", "sql", "mine", "shared")
    )
    assert [] == await names(eva)
    for client in (admin, eva):
        assert 404 == (await client.get(where)).status_code
        assert 404 == (await client.delete(where)).status_code
    shared = await ed.put(where, json={"shared": True})
    assert (200, True, SALES["sql"]) == (
        shared.status_code, shared.json()["shared"], shared.json()["sql"],
    )  # fmt: skip
    theirs = (await eva.get(where)).json()
    assert (SALES["name"], False) == (theirs["name"], theirs["mine"])
    assert 404 == (await eva.put(where, json={"name": "Mine"})).status_code
    assert 404 == (await eva.delete(where)).status_code
    for method in (vi.get, vi.delete):
        assert 403 == (await method(where)).status_code


@told
async def test_what_somebody_shares_is_deleted_by_them_or_by_who_manages(server, admin, ed, *_):
    for deleter in (admin, ed):
        where = await saved(ed, shared=True)
        assert 200 == (await deleter.delete(where)).status_code
        assert [] == await names(ed)
        assert 404 == (await ed.get(where)).status_code
        assert 404 == (await deleter.delete(where)).status_code


@told
async def test_names_are_their_own_and_what_is_wrong_is_said(server, admin, ed, eva, vi):
    where = await saved(ed)
    again = await ed.post(ALL, json={**SALES, "name": "sales BY day "})
    assert (409, "by this name already" in again.text) == (again.status_code, True)
    await saved(eva)
    for body in (
        {**SALES, "name": ""}, {**SALES, "name": "x" * 121}, {**SALES, "name": "a\u202e"},
        {**SALES, "sql": " "}, {**SALES, "sql": "x" * (SQL_BYTES_MAX + 1)},
        {**SALES, "other": 1}, {"name": "only"},
    ):  # fmt: skip
        refused = await ed.post(ALL, json=body)
        assert (422, True) == (refused.status_code, "detail" in refused.json()), body
    before = len(server.recorded)
    assert 200 == (await ed.put(where, json={"name": SALES["name"]})).status_code
    assert before == len(server.recorded)


@told
async def test_neither_name_nor_text_stands_in_the_log_and_they_go_with_their_owner(
    server, admin, ed, eva, vi
):
    where = await saved(ed, shared=True)
    await ed.put(where, json={"sql": "select 'ada@example.org', 2"})
    assert ["query_saved", "saved_query_changed"] == server.types()[-2:]
    assert all(
        text not in data
        for *_, data in server.log.fetch(None, after=0, limit=1_000)
        for text in (b"Sales by day", b"ada@example.org")
    )
    users = {each["email"]: each["id"] for each in (await admin.get("/api/admin/users")).json()}
    gone = await admin.delete(f"/api/admin/users/{users['ed@example.org']}")
    assert 200 == gone.status_code, gone.text
    assert [] == await names(eva)
    assert 404 == (await eva.get(where)).status_code
