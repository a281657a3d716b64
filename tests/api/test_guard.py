"""What comes before every handler: the body, then who it is, and whether they may."""

import asyncio
import dataclasses

import httpx
import pytest

from api import app, asgi, bodies, senders
from api.callers import Caller
from api.platform import HttpSettings
from commands.kernel import Origin
from commands.users import DeactivateUser
from domain.permissions import Role
from infra.server import Doors
from tests.api.access import ADMIN, Server

KEYS, ME, LIVE = "/api/auth/api-keys", "/api/auth/me", "/api/health/live"
TEST = Origin(actor="cli:test", via="control", correlation="test")
JSON = {"content-type": "application/json"}
OWNER = Caller(actor="cli:test", via="control", role=Role.ADMIN)


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


def test_a_command_whose_body_came_after_the_session_ended_is_not_carried_out(server):
    async def story():
        user = await server.add("ada@example.org", ADMIN["password"], Role.EDITOR)
        client = await server.logged_in("ada@example.org")

        async def held():
            yield b'{"name":'
            await server.writer.send(DeactivateUser(user_id=user), TEST)
            yield b'"stolen"}'

        answer = await client.post(KEYS, content=held(), headers=JSON)
        assert 401 == answer.status_code
        assert "api_key_created" not in server.types()

    server.run(story)


def test_a_body_that_does_not_come_is_408(server, monkeypatch):
    monkeypatch.setattr(bodies, "ARRIVAL_S", 0.05)

    async def story():
        client = await server.logged_in()

        async def never():
            yield b"{"
            await asyncio.sleep(30)

        answer = await client.post(KEYS, content=never(), headers=JSON)
        assert 408 == answer.status_code
        assert "The body did not come in time." == answer.json()["detail"]

    server.run(story)


@pytest.mark.parametrize("path", ["/api/auth/login", KEYS, "/login", "/api/auth/logout"])
@pytest.mark.parametrize(
    "body", [b'{"name":"a","name":"b"}', b'{"name":"\\u0000"}', b'{"name":"a"}', b""]
)
def test_multipart_is_taken_by_no_route_of_json_or_forms(server, path, body):
    async def story():
        client = await server.logged_in()
        for kind in ("multipart/form-data", "Multipart/Form-Data; boundary=x"):
            answer = await client.post(path, content=body, headers={"content-type": kind})
            assert 415 == answer.status_code

    server.run(story)


class Upkeep:
    def __init__(self, views):
        self.views = views

    def status(self):
        return [{"name": "sources"}]

    async def rebuild(self):
        self.views.broken = None
        return 7


def test_broken_views_are_rebuilt_by_the_owner_and_do_not_redden_liveness(server):
    async def story():
        client = await server.logged_in()
        upkeep = Upkeep(server.views)
        rebuilding = app.create(dataclasses.replace(server.platform, upkeep=upkeep))
        server.views.broken = RuntimeError("event 5")

        for path, status in ((LIVE, 200), ("/api", 200), (ME, 503), ("/api/sources", 503)):
            assert status == (await client.get(path)).status_code, path
        answer = await client.post("/api/projections/all/rebuild")
        assert 401 == answer.status_code  # whose cookie that is cannot be told

        async def owners(scope, receive, send):
            await rebuilding({**scope, asgi.LOCAL: OWNER}, receive, send)

        owner = httpx.AsyncClient(transport=httpx.ASGITransport(owners), base_url="http://dango")
        assert 503 == (await owner.get("/api/admin/users")).status_code
        answer = await owner.post("/api/projections/all/rebuild")
        assert 200 == answer.status_code, answer.text
        assert "7" == answer.headers["x-position"]
        assert 200 == (await client.get(ME)).status_code

    server.run(story)


def scope_of(*headers, client="127.0.0.1", version="1.1", host="127.0.0.1:8800"):
    pairs = [("host", host), *headers]
    return {
        "client": (client, 50_000),
        "http_version": version,
        "headers": [(name.encode(), value.encode()) for name, value in pairs],
    }


@pytest.mark.parametrize(
    ("scope", "local"),
    [
        (scope_of(), True),
        (scope_of(host="localhost:8800"), True),
        (scope_of(host="[::1]:8800", client="::1"), True),
        (scope_of(("accept", "*/*"), ("x-request-id", "a")), True),
        (scope_of(host="evil.example"), False),
        (scope_of(("host", "127.0.0.1")), False),
        (scope_of(client="203.0.113.7"), False),
        (scope_of(version="1.0"), False),
        *(
            (scope_of((name, "x")), False)
            for name in (
                "forwarded",
                "x-forwarded-for",
                "x-forwarded-server",
                "x-real-ip",
                "via",
                "cf-connecting-ip",
                "cf-ray",
                "true-client-ip",
                "X-Forwarded-For",
            )
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_only_who_calls_from_here_directly_is_local(server, kind, scope, local):
    settings = HttpSettings(auth_enabled=False)
    platform = dataclasses.replace(server.platform, settings=settings)
    sender = senders.sender({**scope, "type": kind}, platform)
    assert local is senders.is_local(scope, settings)
    assert ("local" if local else "anonymous") == sender.actor
    server.run(nothing)


async def nothing():
    pass


@pytest.mark.parametrize(
    ("server_of", "owner"),
    [
        (("/project/.dango/control.sock", None), True),
        (["/project/.dango/control.sock", None], True),
        (("/elsewhere.sock", None), False),
        (("127.0.0.1", 8800), False),
        (None, False),
    ],
)
def test_the_owner_comes_through_the_control_socket_alone(tmp_path, server_of, owner):
    found = []

    async def application(scope, receive, send):
        found.append(asgi.local(scope))

    doors = Doors(application, tmp_path.__class__("/project/.dango/control.sock"))
    asyncio.run(doors({"type": "http", "server": server_of}, None, None))
    assert owner is (found[0] is not None)
