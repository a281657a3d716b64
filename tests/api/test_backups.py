"""/api/backups: asked for at the place of project.yml, and listed with how they ended."""

import pytest

from api.platform import HttpSettings
from commands.backups import EndBackup, StartBackup
from commands.kernel import Origin
from domain.backups import BackupFailed
from tests.api.access import Server

POLICY = Origin(actor="policy:backups", via="policy", correlation="test")


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path, settings=HttpSettings(backups_to="/b"))


def test_a_backup_is_asked_for_listed_and_no_second_one_beside_it(server):
    async def story():
        admin = await server.logged_in()
        asked = await admin.post("/api/backups")
        job = asked.json()["job_id"]
        again = await admin.post("/api/backups", json={})
        assert (200, 409, job) == (asked.status_code, again.status_code, again.json()["job_id"])
        await server.writer.send(StartBackup(job=job), POLICY)
        ending = BackupFailed(job=job, reason="The disk is full.")
        await server.writer.send(EndBackup(ending=ending), POLICY)
        (found,) = (await admin.get("/api/backups")).json()["backups"]
        assert (job, "failed", "/b", "The disk is full.") == tuple(
            found[name] for name in ("job", "status", "place", "error")
        )
        before = (await admin.get(f"/api/backups?as_of={job}")).json()["backups"]
        assert ["queued"] == [each["status"] for each in before]

    server.run(story)


def test_only_the_owner_may_name_another_place(server):
    async def story():
        admin = await server.logged_in()
        assert 403 == (await admin.post("/api/backups", json={"to": "/etc"})).status_code

    server.run(story)
    assert "backup_requested" not in server.types()


def test_without_a_place_there_is_a_word_about_it(tmp_path):
    server = Server(tmp_path)

    async def story():
        answer = await (await server.logged_in()).post("/api/backups")
        assert 409 == answer.status_code
        assert "backups.to" in answer.json()["detail"]

    server.run(story)
