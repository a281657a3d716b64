"""`dango vault` as the owner runs it: new keys, a new master key, and what each still opens."""

import asyncio
import contextlib
import shutil

import pytest

from api.cli import doctor
from api.cli.world import Level
from infra import keys, master_keys
from infra.log.places import open_log
from infra.log.vault import Vault
from infra.master_keys import VARIABLE
from tests.api.cli.conftest import run
from tests.core import Clock

NEW = bytes(range(32)).hex()


@pytest.fixture(autouse=True)
def _no_key_around(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


def refused(ran):
    """The one line that says why."""
    assert (1, "", 1) == (ran.code, ran.out, len(ran.err.splitlines())), ran.err
    return ran.err


def proved(root):
    """How many values open with the keys that are there, and the key of all of them."""
    masters = master_keys.load(root / ".dango" / "master.key")
    with contextlib.closing(open_log(root / ".dango" / "events.db")) as log:
        vault = Vault(log, keys.unlock(masters, log), Clock())
        (key_id,) = vault.counts()
        return vault.prove(), key_id


def test_keys_are_changed_without_a_server_and_backups_open_with_the_master_key_of_their_time(
    alone, tmp_path, monkeypatch
):
    file, place, back = alone.root / ".dango" / "master.key", tmp_path / "kept", tmp_path / "back"
    old = file.read_text()
    before = alone("vault", "status", "--json").json

    rotated = alone("vault", "rotate", "--json").json
    assert 0 == alone("backup", "create", "--to", str(place)).code
    both = alone("vault", "rotate", "--master")

    assert ("rotated", before["rows"], False) == (
        rotated["status"],
        rotated["rows"],
        rotated["master"],
    )
    assert before["key_id"] != rotated["key_id"]
    assert f"{before['rows']} values were sealed anew with key" in both.out
    assert "Backups that were made before" in both.err
    told = alone("vault", "status")
    assert ["rotated", "rotated"] == [
        line.split()[0] for line in told.out.splitlines() if line.startswith("rotated")
    ]
    values, newest = proved(alone.root)
    assert (before["rows"], True) == (values, newest not in (before["key_id"], rotated["key_id"]))

    run("backup", "restore", str(place), str(back))
    shutil.copy(file, back / ".dango" / "master.key")
    there = ("vault", "status", "--json", "--project", str(back))
    assert "the master key is not the one of this project" in refused(run(*there))
    (back / ".dango" / "master.key").write_text(old)
    assert (rotated["key_id"], 0) == ((f := run(*there).json)["key_id"], f["older_rows"])
    assert (values, rotated["key_id"]) == proved(back)

    now = file.read_text().strip()
    monkeypatch.setenv(VARIABLE, now)
    assert "set it to the new key, a comma and the old one" in refused(
        alone("vault", "rotate", "--master")
    )
    for given in (f"{NEW},{now}", NEW):
        monkeypatch.setenv(VARIABLE, given)
        assert 0 == alone("vault", "status").code
    monkeypatch.setenv(VARIABLE, now)
    assert "not the one of this project" in refused(alone("vault", "status"))


class Answering:
    """An API that answers one thing."""

    def __init__(self, **answer):
        self.answer = {"rows": 9, "older_rows": 0, "key_id": "k", "running": None, **answer}

    async def get(self, _path):
        return self.answer


@pytest.mark.parametrize(
    ("answer", "level"),
    [
        ({"keys": []}, Level.OK),
        ({"older_rows": 2, "keys": [{"rows": 2, "known": True}]}, Level.WARN),
        ({"older_rows": 2, "keys": [], "running": {"job": 7}}, Level.OK),
        ({"older_rows": 2, "keys": [{"rows": 2, "known": False}]}, Level.FAIL),
    ],
)
def test_the_doctor_tells_of_values_under_older_keys_and_of_those_without_one(answer, level):
    found = asyncio.run(doctor._vault(Answering(**answer)))

    assert ("vault", level) == (found.name, found.level)
