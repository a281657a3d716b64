"""/api/secrets: masked, bounded, told with who uses it; a value is nowhere but in the vault."""

import pytest

from commands.kernel import Origin
from commands.sources import ApplySources
from domain.sources import Source
from tests.api.access import Server

VALUE = "sk_live_hunter_2222"


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


async def registered(server, **options):
    source = Source(name="shop", type="stripe", schema="raw_shop", table="shop", options=options)
    origin = Origin(actor="system:configuration", via="watcher", correlation="test")
    await server.writer.send(ApplySources(sources=(source,)), origin)


def test_a_secret_is_set_listed_masked_and_removed(server):
    async def story():
        await registered(server, api_key="${SHOP_KEY}", other="${NOT_SET}")
        admin = await server.logged_in()
        body = {"key": "SHOP_KEY", "value": VALUE}
        assert "Secret created." == (await admin.post("/api/secrets", json=body)).json()["message"]
        assert "Secret updated." == (await admin.post("/api/secrets", json=body)).json()["message"]
        listed = await admin.get("/api/secrets")
        (secret,) = listed.json()["env_vars"]
        assert ("SHOP_KEY", "****2222", ["shop"]) == (
            secret["key"],
            secret["masked_value"],
            secret["used_by"],
        )
        assert [{"key": "NOT_SET", "used_by": ["shop"]}] == listed.json()["missing"]
        assert VALUE not in listed.text
        assert 200 == (await admin.delete("/api/secrets/SHOP_KEY")).status_code
        assert [] == (await admin.get("/api/secrets")).json()["env_vars"]
        assert server.vault.read("secret", "SHOP_KEY") is None

    server.run(story)
    assert ["secret_set", "secret_removed"] == [t for t in server.types() if "secret" in t]
    assert VALUE.encode() not in server.log.path.read_bytes()


def test_a_short_value_shows_nothing_of_itself(server):
    async def story():
        admin = await server.logged_in()
        await admin.post("/api/secrets", json={"key": "PIN", "value": "4711"})
        (secret,) = (await admin.get("/api/secrets")).json()["env_vars"]
        assert "****" == secret["masked_value"]

    server.run(story)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"key": "A"}, 422),
        ({"value": "x"}, 422),
        ({"key": None, "value": "x"}, 422),
        ({"key": 5, "value": "x"}, 422),
        ({"key": "A", "value": 5}, 422),
        ({"key": "A", "value": None}, 422),
        ({"key": "A", "value": ""}, 422),
        ({"key": "", "value": "x"}, 422),
        ({"key": "BAD KEY\nINJ=1", "value": "x"}, 422),
        ({"key": "A" * 129, "value": "x"}, 422),
        ({"key": "A", "value": "x" * 65_537}, 422),
        ({"key": "A", "value": "x", "more": 1}, 422),
        ([], 422),
        ({"key": "A", "value": "x" * 10_000_000}, 413),
    ],
)
def test_a_bad_body_is_refused_and_not_repeated(server, body, status):
    async def story():
        admin = await server.logged_in()
        answer = await admin.post("/api/secrets", json=body)
        assert status == answer.status_code
        assert answer.json()["detail"]
        assert "INJ" not in answer.text

    server.run(story)
    assert [] == [t for t in server.types() if "secret" in t]


@pytest.mark.parametrize("body", [b'{"key": "A", "value": "\xff"}', b'{"key": "A"', b""])
def test_a_malformed_body_is_refused(server, body):
    async def story():
        admin = await server.logged_in()
        headers = {"Content-Type": "application/json"}
        answer = await admin.post("/api/secrets", content=body, headers=headers)
        assert answer.status_code in (400, 422)

    server.run(story)


def test_what_is_not_there_cannot_be_removed(server):
    async def story():
        admin = await server.logged_in()
        for name in ("NONE", "..%2f..", "%00", "a" * 5_000):
            assert 404 == (await admin.delete(f"/api/secrets/{name}")).status_code, name

    server.run(story)
