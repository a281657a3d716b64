"""/api/initial-sync: the token begins one run, sees it to its end, and nothing else."""

import asyncio

import pytest

from commands.kernel import Origin
from commands.sources import ApplySources
from commands.syncs import CompleteSync, FailSync, StartSync
from tests.api.access import Server
from tests.datasets import source

ROOT = "/api/initial-sync"
SYSTEM = Origin(actor="policy:syncs", via="policy", correlation="test")


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


async def ready(server):
    known = (source("orders"), source("users"), source("off", enabled=False))
    await server.writer.send(ApplySources(sources=known), SYSTEM)
    admin = await server.logged_in()
    made = await admin.post(f"{ROOT}/deploy-token")
    assert 200 == made.status_code, made.text
    return admin, server.client(Authorization=f"Bearer {made.json()['token']}")


async def ends(server, job, name, command):
    await server.writer.send(StartSync(source=name, job=job, schema=f"raw_{name}"), SYSTEM)
    await server.writer.send(command, SYSTEM)


def test_a_token_begins_one_run_and_sees_it_to_its_end(server):
    async def story():
        admin, deploy = await ready(server)
        assert "idle" == (await deploy.get(f"{ROOT}/status")).json()["phase"]
        begun = (await deploy.post(f"{ROOT}/start")).json()
        assert ("started", "Syncing 2 source(s)") == (begun["status"], begun["message"])
        job = begun["job_id"]
        assert 409 == (await deploy.post(f"{ROOT}/start")).status_code
        status = (await deploy.get(f"{ROOT}/status")).json()
        assert ("syncing", 2, job) == (status["phase"], status["total_sources"], status["job_id"])
        done = CompleteSync(source="orders", job=job, rows=1, tables=(), snapshot=1)
        await ends(server, job, "orders", done)
        status = (await deploy.get(f"{ROOT}/status")).json()
        assert ["orders"] == status["completed_sources"]
        await ends(server, job, "users", FailSync(source="users", job=job, reason="No file."))
        assert 401 == (await deploy.get(f"{ROOT}/status")).status_code
        status = (await admin.get(f"{ROOT}/status")).json()
        assert ("complete", [{"name": "users", "error": "No file."}]) == (
            status["phase"],
            status["failed_sources"],
        )
        assert 401 == (await deploy.post(f"{ROOT}/start")).status_code

    server.run(story)


def test_a_token_reaches_nothing_else(server):
    async def story():
        _, deploy = await ready(server)
        assert 401 == (await deploy.get("/api/admin/users")).status_code
        assert 401 == (await deploy.post(f"{ROOT}/cancel")).status_code
        assert 401 == (await deploy.post(f"{ROOT}/skip-source")).status_code
        assert 401 == (await deploy.post(f"{ROOT}/deploy-token")).status_code
        assert 401 == (await deploy.post("/api/sync/trigger", json={"sources": []})).status_code
        other = server.client(Authorization=f"Bearer dango_dt_{'A' * 43}")
        assert 401 == (await other.get(f"{ROOT}/status")).status_code

    server.run(story)


def test_a_token_that_was_used_up_does_not_see_a_later_run(server):
    async def story():
        admin, deploy = await ready(server)
        await deploy.post(f"{ROOT}/start")
        await admin.post(f"{ROOT}/cancel")
        assert 401 == (await deploy.get(f"{ROOT}/status")).status_code
        assert "started" == (await admin.post(f"{ROOT}/start")).json()["status"]
        assert 401 == (await deploy.get(f"{ROOT}/status")).status_code

    server.run(story)


def test_a_token_that_nobody_used_expires_and_one_in_use_does_not(server):
    async def story():
        _, deploy = await ready(server)
        server.clock.forward(hours=71)
        assert 200 == (await deploy.get(f"{ROOT}/status")).status_code
        server.clock.forward(hours=1)
        assert 401 == (await deploy.post(f"{ROOT}/start")).status_code
        admin = await server.logged_in()
        made = (await admin.post(f"{ROOT}/deploy-token")).json()
        other = server.client(Authorization=f"Bearer {made['token']}")
        assert "started" == (await other.post(f"{ROOT}/start")).json()["status"]
        server.clock.forward(hours=73)
        assert "syncing" == (await other.get(f"{ROOT}/status")).json()["phase"]

    server.run(story)


def test_of_fifty_at_once_one_begins_the_run(server):
    async def story():
        _, deploy = await ready(server)
        answers = await asyncio.gather(*(deploy.post(f"{ROOT}/start") for _ in range(50)))
        assert [200, *[409] * 49] == sorted(answer.status_code for answer in answers)

    server.run(story)


@pytest.mark.parametrize(
    "spelled",
    [
        "{token}A",
        "{token} x",
        "dango_dt_",
        pytest.param("{token:.51}", id="short"),
        pytest.param("DANGO_DT_{bare}", id="case"),
        pytest.param("{bare}", id="bare"),
    ],
)
def test_a_token_that_is_almost_right_is_none(server, spelled):
    async def story():
        _, deploy = await ready(server)
        token = deploy.headers["authorization"].removeprefix("Bearer ")
        wrong = spelled.format(token=token, bare=token.removeprefix("dango_dt_"))
        other = server.client(Authorization=f"Bearer {wrong}")
        assert 401 == (await other.post(f"{ROOT}/start")).status_code
        bare = server.client()
        assert 401 == (await bare.post(f"{ROOT}/start?token={token}")).status_code

    server.run(story)


def test_a_source_is_skipped_and_the_rest_cancelled(server):
    async def story():
        admin, _ = await ready(server)
        assert 409 == (await admin.post(f"{ROOT}/cancel")).status_code
        assert 409 == (await admin.post(f"{ROOT}/skip-source")).status_code
        await admin.post(f"{ROOT}/start")
        assert "Skipping orders" == (await admin.post(f"{ROOT}/skip-source")).json()["message"]
        assert 200 == (await admin.post(f"{ROOT}/cancel")).status_code
        status = (await admin.get(f"{ROOT}/status")).json()
        assert ("cancelled", True, ["orders"], {"orders": "skipped", "users": "cancelled"}) == (
            status["phase"],
            status["cancel_requested"],
            status["skipped_sources"],
            status["sources"],
        )

    server.run(story)


def test_without_sources_there_is_nothing_to_do(server):
    async def story():
        admin = await server.logged_in()
        assert "skipped" == (await admin.post(f"{ROOT}/start")).json()["status"]

    server.run(story)
