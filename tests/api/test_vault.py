"""/api/vault: how the vault is sealed; new keys by who may, the master key by the owner alone."""

import pytest

from api import asgi
from api.callers import Caller
from commands.kernel import Keep, Origin
from commands.vault import EndVaultRotation
from domain.permissions import Role
from domain.vault import VaultRotated, VaultRotationFailed
from infra.master_keys import VARIABLE
from tests.api.access import Server

POLICY = Origin(actor="policy:vault", via="policy", correlation="test")
OWNER = Caller(actor="cli:test", via="control", role=Role.ADMIN)
ROTATE = "/api/vault/rotate"


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


def test_new_keys_are_asked_for_shown_and_no_second_ones_beside_them(server):
    async def story():
        admin = await server.logged_in()
        await server.writer.keep(Keep("email", "x", b"y"))
        asked = await admin.post(ROTATE, json={})
        job = asked.json()["job_id"]
        again = await admin.post(ROTATE)
        assert (200, 409, job) == (asked.status_code, again.status_code, again.json()["job_id"])
        found = (await admin.get("/api/vault")).json()
        assert (job, "running", False) == tuple(
            found["running"][name] for name in ("job", "status", "master")
        )
        ending = VaultRotationFailed(job=job, reason="The disk is full.")
        await server.writer.send(EndVaultRotation(ending=ending), POLICY)
        job = (await admin.post(ROTATE, json={})).json()["job_id"]
        ending = VaultRotated(job=job, key_id="k", rows=3, duration_s=0.5)
        await server.writer.send(EndVaultRotation(ending=ending), POLICY)
        found = (await admin.get("/api/vault")).json()
        assert None is found["running"]
        assert ["rotated", "failed"] == [each["status"] for each in found["rotations"]]
        ring = server.vault.ring
        assert (ring.current, 0, "file") == (
            found["key_id"],
            found["older_rows"],
            found["master_key"],
        )
        assert [(ring.current, found["rows"], True, True)] == [
            tuple(each.values()) for each in found["keys"]
        ]
        assert found["since"] == "2026-01-01T12:00:00Z"

    server.run(story)
    assert ["vault_rotation_requested", "vault_rotation_failed"] == [
        each for each in server.types() if each.startswith("vault")
    ][:2]


def test_a_value_whose_key_is_not_there_is_told(server):
    async def story():
        admin = await server.logged_in()
        await server.writer.keep(Keep("email", "x", b"y"))
        row = server.log.sealed("email", "x")._replace(key_id="0" * 16)
        await server.writer.transact(lambda: server.log.seal(row))
        found = (await admin.get("/api/vault")).json()
        assert (1, [False, True]) == (
            found["older_rows"],
            sorted(each["known"] for each in found["keys"]),
        )

    server.run(story)


def test_nobody_but_an_admin_may_see_or_change_it(server):
    async def story():
        await server.add("e@example.org", "an owl over the river", Role.EDITOR)
        editor = await server.logged_in("e@example.org", "an owl over the river")
        nobody = server.client()
        for method, path in (("GET", "/api/vault"), ("POST", ROTATE), ("POST", "/secrets/rotate")):
            answers = [await each.request(method, path) for each in (editor, nobody)]
            assert 403 == answers[0].status_code, path
            assert answers[1].status_code in (303, 401), path

    server.run(story)
    assert [] == [each for each in server.types() if each.startswith("vault")]


def test_the_master_key_is_changed_by_the_owner_of_the_project_alone(server, monkeypatch):
    async def story():
        admin = await server.logged_in()
        refused = await admin.post(ROTATE, json={"master": True})
        assert (403, True) == (refused.status_code, "old one" in refused.json()["detail"])
        app = server.app

        async def local(scope, receive, send):
            await app({**scope, asgi.LOCAL: OWNER}, receive, send)

        server.app = local
        monkeypatch.setenv(VARIABLE, "ab" * 32)
        given = await server.client().post(ROTATE, json={"master": True})
        assert (409, True) == (given.status_code, "DANGO_MASTER_KEY" in given.json()["detail"])
        assert "environment" == (await admin.get("/api/vault")).json()["master_key"]
        monkeypatch.delenv(VARIABLE)
        assert 200 == (await server.client().post(ROTATE, json={"master": True})).status_code

    server.run(story)


def test_a_bad_body_is_refused(server):
    async def story():
        admin = await server.logged_in()
        for body in ({"master": "yes"}, {"more": 1}, {"master": None}, []):
            assert 422 == (await admin.post(ROTATE, json=body)).status_code

    server.run(story)
