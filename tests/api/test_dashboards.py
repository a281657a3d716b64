"""/metabase and its config: each user with an account of their own, and nothing of ours beside it.

Against a double that follows Metabase's published interface; it was not run against Metabase.
"""

import asyncio
import dataclasses
import json

import msgspec
import pytest

from api import app, routes
from domain.dashboards import ASKS
from domain.permissions import Role
from infra.configuration.metabase import AdminBlock
from infra.dashboards import rights
from infra.dashboards.metabase import Metabase as Client
from infra.dashboards.wired import policy
from infra.policies import Runner
from infra.warehouse.settings import Settings
from tests.api import metabase
from tests.api.access import ADMIN, Server
from tests.patience import until

PASSWORD = ADMIN["password"]
WAREHOUSE = Settings(catalog="/srv/catalog.sqlite", data="/srv/data", temp_directory="/srv/tmp")


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


class Bridge:
    """The server with Metabase behind it, and the policy over its sessions."""

    def __init__(self, server, double):
        self.server, self.double = server, double
        self.knows(WAREHOUSE)
        codec = server.platform.history._codec
        self.runner = Runner(server.log, codec, server.writer, [self.policy])

    def knows(self, warehouse, database=None):
        """Begin with this warehouse, and with what metabase.yml says of it."""
        server = self.server
        admin = AdminBlock(email=metabase.ADMIN[0], password=metabase.ADMIN[1])
        client = Client(self.double.url, admin, warehouse, database)
        self.policy = policy(server.writer, client, server.vault, server.views)
        server.platform = dataclasses.replace(
            server.platform, dashboards=client, dashboard_sessions=self.policy
        )
        server.app = app.create(server.platform, routes.ROUTES)


def bridged(test):
    """Run an async test over Metabase's double."""

    def run(server):
        async def whole():
            async with metabase.Metabase() as double:
                bridge = Bridge(server, double)
                await bridge.runner.start()
                await server.add("ed@example.org", PASSWORD, Role.EDITOR)
                editor = await server.logged_in("ed@example.org", PASSWORD)
                admin = await server.logged_in()
                try:
                    await test(bridge, double, admin, editor)
                finally:
                    await bridge.runner.stop()
                    await server.platform.passage.close()

        server.run(whole)

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def current(client):
    answer = await client.get("/metabase/api/user/current")
    assert 200 == answer.status_code, answer.text
    return answer.json()


@bridged
async def test_each_user_has_an_account_of_their_own_that_names_nobody(
    bridge, double, admin, editor
):
    first, second = await current(admin), await current(editor)
    assert first["id"] != second["id"]
    assert first == await current(admin)
    assert "ed@example.org" not in str(double.users)
    assert all(user["email"].endswith("@dango.invalid") for user in list(double.users.values())[1:])
    assert 3 == len(double.users)
    assert {"dashboard_account_opened"} <= set(bridge.server.types())
    passwords = [user["password"] for user in double.users.values()]
    log = bridge.server.log.path.read_bytes()
    assert not any(password[:20].encode() in log for password in passwords)


@bridged
async def test_neither_sees_the_others_cookies(bridge, double, admin, editor):
    answer = await editor.get("/metabase/")
    assert (200, "<p>a page</p>") == (answer.status_code, answer.text)
    assert "set-cookie" not in answer.headers
    assert not any("cookie" in headers for _, _, headers, _ in double.asked)
    assert "session-" not in str(answer.headers)
    method, target, _, _ = double.asked[-1]
    assert ("GET", "/") == (method, target)


@bridged
async def test_assets_are_asked_for_where_metabase_has_them(bridge, double, admin, editor):
    for path in ("/app/dist/main.js?v=1", "/public/question/1", "/styles.css"):
        assert 200 == (await editor.get(path)).status_code
        assert path == double.asked[-1][1]


@bridged
async def test_a_session_that_metabase_forgot_is_begun_anew_and_the_request_sent_again(
    bridge, double, admin, editor
):
    before = await current(editor)
    double.sessions.clear()
    answer = await editor.post("/metabase/api/card", json={"name": "x" * 50_000})
    assert (200, before["id"]) == (answer.status_code, answer.json()["by"])
    assert 50_000 == len(answer.json()["named"])


@bridged
async def test_an_account_whose_password_was_changed_there_is_taken_back(
    bridge, double, admin, editor
):
    before = await current(editor)
    double.users[before["id"]].update(password="another", is_active=False)
    double.sessions.clear()
    assert before == await current(editor)


@bridged
async def test_a_session_there_ends_with_ours_and_an_account_with_its_user(
    bridge, double, admin, editor
):
    account = (await current(editor))["id"]
    assert account in double.sessions.values()
    await editor.post("/api/auth/logout")
    await until(lambda: account not in double.sessions.values())
    assert 401 == (await editor.get("/metabase/api/user/current")).status_code
    again = await bridge.server.logged_in("ed@example.org", PASSWORD)
    assert account == (await current(again))["id"]
    users = (await admin.get("/api/admin/users")).json()
    user = next(each["id"] for each in users if each["email"] == "ed@example.org")
    assert 200 == (await admin.post(f"/api/admin/users/{user}/deactivate")).status_code
    await until(lambda: not double.users[account]["is_active"])
    await until(lambda: "dashboard_account_closed" in bridge.server.types())
    assert account not in double.sessions.values()


@bridged
async def test_the_warehouse_is_connected_once(bridge, double, admin, editor):
    assert {"database_id": None, "configured": True} == (
        await admin.get("/api/metabase-config")
    ).json()
    assert 403 == (await editor.post("/api/metabase-config/connect")).status_code
    first = await admin.post("/api/metabase-config/connect")
    assert 200 == first.status_code, first.text
    assert first.json() == (await admin.post("/api/metabase-config/connect")).json()
    (database,) = double.databases
    assert ("duckdb", database["id"]) == (database["engine"], first.json()["database_id"])
    assert "READ_ONLY" in database["details"]["init_sql"]
    assert "http://127.0.0.1:8800/metabase".replace("127.0.0.1", "localhost") in (
        double.site_url.replace("127.0.0.1", "localhost")
    )
    config = (await admin.get("/api/metabase-config")).json()
    assert {"database_id": database["id"], "configured": True} == config


@bridged
async def test_a_metabase_that_nobody_has_set_up_is_set_up_once(bridge, double, admin, editor):
    double.fresh()
    first = await admin.post("/api/metabase-config/connect")
    assert 200 == first.status_code, first.text
    assert first.json() == (await admin.post("/api/metabase-config/connect")).json()
    made = [(user["email"], user["password"]) for user in double.users.values()]
    assert [metabase.ADMIN] == made
    (body,) = [json.loads(body) for _, path, _, body in double.asked if path == "/api/setup"]
    assert not body["prefs"]["allow_tracking"]


async def connected(admin):
    answer = await admin.post("/api/metabase-config/connect")
    assert 200 == answer.status_code, answer.text
    return answer.json()["database_id"]


def own(double):
    (number,) = [key for key, name in double.groups.items() if name == rights.GROUP]
    return number


@bridged
async def test_all_users_may_not_ask_the_warehouse_and_a_group_of_ours_may(
    bridge, double, admin, editor
):
    database = await connected(admin)
    assert "no" == double.may(1, database)
    assert "query-builder" == double.may(own(double), database)
    kept = {"view-data": "unrestricted", "create-queries": "no", "download": {"schemas": "full"}}
    assert kept == double.rights[1, database]
    revision = double.revision
    await connected(admin)
    assert revision == double.revision


@bridged
async def test_what_was_opened_there_is_closed_again_and_what_our_group_was_granted_stays(
    bridge, double, admin, editor
):
    database = await connected(admin)
    for group in (1, own(double)):
        double.rights[group, database]["create-queries"] = "query-builder-and-native"
    await connected(admin)
    assert "no" == double.may(1, database)
    assert "query-builder-and-native" == double.may(own(double), database)


@bridged
async def test_rights_that_somebody_changes_at_the_same_moment_are_closed_all_the_same(
    bridge, double, admin, editor
):
    def meanwhile():
        double.revision += 1

    double.at_graph = [meanwhile]
    assert "no" == double.may(1, await connected(admin))
    double.rights[1, double.databases[0]["id"]]["create-queries"] = "query-builder"
    double.at_graph = [meanwhile] * rights.TRIES_MAX
    answer = await admin.post("/api/metabase-config/connect")
    assert (502, True) == (answer.status_code, "All Users" in answer.json()["detail"])


@bridged
async def test_a_database_that_metabase_yml_names_is_closed_too(bridge, double, admin, editor):
    double.databases.append({"id": 5, "name": "Warehouse", "engine": "postgres"})
    double.rights[1, 5] = {"create-queries": "query-builder"}
    bridge.knows(msgspec.structs.replace(WAREHOUSE, catalog="postgres:x", data="s3://x"), 5)
    again = await bridge.server.logged_in()
    assert 5 == await connected(again)
    assert ("no", "query-builder") == (double.may(1, 5), double.may(own(double), 5))
    bridge.knows(WAREHOUSE, 6)
    again = await bridge.server.logged_in()
    answer = await again.post("/api/metabase-config/connect")
    assert (502, True) == (answer.status_code, "no database 6" in answer.json()["detail"])


@bridged
async def test_who_asks_there_is_who_sees_everything_here(bridge, double, admin, editor):
    await bridge.server.add("vera@example.org", PASSWORD, Role.VIEWER)
    viewer = await bridge.server.logged_in("vera@example.org", PASSWORD)
    await connected(admin)
    known = {(await current(client))["id"] for client in (admin, editor)}
    assert await current(viewer)
    assert known == double.within(rights.GROUP)


async def demoted(admin):
    """The editor is a viewer from now on."""
    users = (await admin.get("/api/admin/users")).json()
    user = next(each["id"] for each in users if each["email"] == "ed@example.org")
    answer = await admin.put(f"/api/admin/users/{user}/role", json={"role": "viewer"})
    assert 200 == answer.status_code, answer.text


@bridged
async def test_a_role_that_changes_counts_there_at_once(bridge, double, admin, editor):
    await connected(admin)
    account = (await current(editor))["id"]
    assert account in double.within(rights.GROUP)
    await demoted(admin)
    await until(lambda: account not in double.within(rights.GROUP))


@bridged
async def test_a_key_that_was_narrowed_reaches_no_further_there(bridge, double, admin, editor):
    narrow, wide = ["dashboard.view"], ["dashboard.view", *ASKS]
    for names, status in ((narrow, 403), (wide, 200)):
        body = {"name": "k", "permissions": names}
        key = (await editor.post("/api/auth/api-keys", json=body)).json()["key"]
        program = bridge.server.client(authorization=f"Bearer {key}")
        answer = await program.get("/metabase/api/user/current")
        assert status == answer.status_code, answer.text


@bridged
async def test_a_role_that_metabase_did_not_hear_of_counts_from_the_next_request(
    bridge, double, admin, editor
):
    await connected(admin)
    account = (await current(editor))["id"]
    double.broken.add("/api/permissions/membership")
    await demoted(admin)
    await until(lambda: account not in double.sessions.values())
    assert 502 == (await editor.get("/metabase/api/user/current")).status_code
    double.broken.clear()
    assert account == (await current(editor))["id"]
    assert account not in double.within(rights.GROUP)


@bridged
async def test_the_status_tells_whether_metabase_answers(bridge, double, admin, editor):
    assert "healthy" == (await admin.get("/api/status")).json()["services"]["metabase"]


@bridged
async def test_many_at_once_make_one_account(bridge, double, admin, editor):
    found = await asyncio.gather(*(current(editor) for _ in range(20)))
    assert 1 == len({each["id"] for each in found})
    assert 2 == len(double.users)


def test_without_metabase_it_is_said_what_to_do(server):
    async def story():
        client = await server.logged_in()
        answer = await client.get("/metabase/", headers={"accept": "text/html"})
        assert 502 == answer.status_code
        assert "text/html" in answer.headers["content-type"]
        assert "metabase.yml" in answer.text
        assert 502 == (await client.get("/metabase/api/card")).status_code
        assert "not_found" == (await client.get("/api/status")).json()["services"]["metabase"]
        config = (await client.get("/api/metabase-config")).json()
        assert {"database_id": None, "configured": False} == config
        assert 401 == (await server.client().get("/metabase/")).status_code

    server.run(story)


def test_a_metabase_that_is_down_is_502(server):
    async def story():
        async with metabase.Metabase() as double:
            Bridge(server, double)
        client = await server.logged_in()
        answer = await client.get("/metabase/", headers={"accept": "text/html"})
        assert (502, True) == (answer.status_code, "Metabase" in answer.text)
        assert "unhealthy" == (await client.get("/api/status")).json()["services"]["metabase"]
        await server.platform.passage.close()

    server.run(story)
