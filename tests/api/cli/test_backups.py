"""`dango backup` as its owner runs it: with a server and without, and what is in the way."""

import json
import shutil
import stat

import pytest

from infra.backups.sealing import VARIABLE
from tests.api.cli.conftest import PASSWORD, run, serving
from tests.faults.full import small_disk

KEY, OTHER = "ab" * 32, "cd" * 32
DISK_BYTES = 64 * 1024


@pytest.fixture(autouse=True)
def _no_key_around(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "backup.key"
    path.write_text(KEY)
    path.chmod(0o600)
    return path


def refused(ran):
    """The one line that says why."""
    assert (1, "", 1) == (ran.code, ran.out, len(ran.err.splitlines())), ran.err
    return ran.err


def made(alone, place):
    ran = alone("backup", "create", "--to", str(place), "--json")
    assert 0 == ran.code, ran.err
    return ran.json


def encrypt(alone, key_file):
    path = alone.root / ".dango" / "project.yml"
    path.write_text(f"{path.read_text()}\nbackups: {{key_file: {key_file}}}\n")


def harm(place, found):
    """Change one byte in the middle of the largest file."""
    stored = max((place / found["backup"]).iterdir(), key=lambda file: file.stat().st_size)
    data = bytearray(stored.read_bytes())
    data[len(data) // 2] ^= 1
    stored.write_bytes(data)


def test_a_project_that_nobody_serves_is_backed_up_verified_and_restored(alone, tmp_path):
    place, back = tmp_path / "kept", tmp_path / "back"
    alone("sync", "orders")

    created = alone("backup", "create", "--to", str(place))
    (listed,) = alone("backup", "list", "--json").json
    verified = run("backup", "verify", str(place), "--json").json
    restored = run("backup", "restore", str(place), str(back))

    assert 0 == created.code, created.err
    assert created.out.startswith(f"{place}/{listed['backup']}\n")
    assert "It is not encrypted" in created.err
    assert ("made", listed["digest"], listed["upto"]) == (
        listed["status"],
        verified["digest"],
        verified["upto"],
    )
    assert f"{listed['backup']} was restored to {back}." in restored.out
    assert "Put the master key back" in restored.err
    assert "API keys and the deploy token end too" in restored.err
    there = ("--project", str(back))
    assert "master.key is missing" in refused(run("backup", "list", *there))
    shutil.copy(alone.root / ".dango" / "master.key", back / ".dango" / "master.key")
    (known,) = run("backup", "list", *there, "--json").json
    assert ("made", listed["digest"], None) == (known["status"], known["digest"], known["error"])
    assert 0 == run("projections", "check", *there).code
    sql = ("query", "select item from raw_orders.orders order by id", "--json")
    assert alone(*sql).json["rows"] == run(*sql, *there).json["rows"]
    assert alone("events", "verify", "--json").json["head"] > listed["upto"]


def test_a_running_server_makes_the_backup_and_what_is_restored_of_it_serves(alone, tmp_path):
    place, back = tmp_path / "kept", tmp_path / "back"
    with serving("serve", "--project", alone.root, "--port", "0"):
        found = made(alone, "kept")  # told from where the caller is
        assert 0 == alone("sync", "orders").code
        assert 0 == run("backup", "verify", str(place / found["backup"])).code
        restored = run("backup", "restore", str(place), str(back), "--json").json
        assert refused(run("backup", "restore", str(place), str(alone.root))).endswith(
            f"{alone.root} is not empty; name a folder that is, or that is not there\n"
        )
    assert (found["backup"], found["upto"]) == (restored["backup"], restored["upto"])
    shutil.copy(alone.root / ".dango" / "master.key", back / ".dango" / "master.key")
    with serving("serve", "--project", back, "--port", "0"):
        (known,) = run("backup", "list", "--project", str(back), "--json").json
        assert ("made", found["digest"]) == (known["status"], known["digest"])
        types = [
            event["type"]
            for event in run("events", "list", "--project", str(back), "--json").json["events"]
        ]
    assert "backup_restored" in types
    assert "backup_failed" not in types


def test_without_a_place_there_is_a_word_about_it(alone):
    assert "set backups.to" in refused(alone("backup", "create"))


def test_an_encrypted_backup_wants_its_key_and_no_other(alone, tmp_path, key_file, monkeypatch):
    place, back = tmp_path / "kept", tmp_path / "back"
    encrypt(alone, key_file)
    found = made(alone, place)
    wrong = tmp_path / "wrong.key"
    wrong.write_text(OTHER)
    wrong.chmod(stat.S_IRUSR)

    assert found["encrypted"]
    for words in (("verify", str(place)), ("restore", str(place), str(back))):
        assert "name its key with --key-file" in refused(run("backup", *words))
        assert refused(run("backup", *words, "--key-file", str(wrong))).startswith("dango: ")
        lost = str(tmp_path / "none")
        assert "cannot be read" in refused(run("backup", *words, "--key-file", lost))
        wrong.chmod(0o644)
        assert "chmod 600" in refused(run("backup", *words, "--key-file", str(wrong)))
        wrong.chmod(0o600)
        monkeypatch.setenv(VARIABLE, "xyz")
        assert "64 hex digits" in refused(run("backup", *words))
        monkeypatch.delenv(VARIABLE)
        assert not back.exists()
    assert 0 == run("backup", "verify", str(place), "--key-file", str(key_file)).code
    monkeypatch.setenv(VARIABLE, KEY)
    assert 0 == run("backup", "restore", str(place), str(back)).code


def test_a_damaged_file_is_named_and_becomes_no_project(alone, tmp_path):
    place, back = tmp_path / "kept", tmp_path / "back"
    found = made(alone, place)
    harm(place, found)

    assert "is not what was backed up" in refused(run("backup", "verify", str(place)))
    told = refused(run("backup", "restore", str(place), str(back)))
    assert "is not what was backed up" in told
    assert not (back / ".dango" / "events.db").exists()
    shutil.rmtree(place / found["backup"])
    assert f"there is no backup at {place}" in refused(run("backup", "verify", str(place)))


def test_settings_for_another_machine_take_the_place_of_those_in_the_backup(alone, tmp_path):
    place, back, yml = tmp_path / "kept", tmp_path / "back", tmp_path / "here.yml"
    made(alone, place)
    words = ("backup", "restore", str(place), str(back), "--settings", str(yml))

    assert f"{yml}: No such file or directory" in refused(run(*words))
    yml.write_text("storage: {events: '${LOG_OF_NOBODY}'}\n")
    assert "the environment has no LOG_OF_NOBODY" in refused(run(*words))
    yml.write_text("storage: {events: 'postgresql://anna:hunter2@127.0.0.1:1/shop'}\n")
    told = refused(run(*words))
    assert "database shop on 127.0.0.1 cannot be used" in told
    assert "hunter2" not in told
    assert not back.exists()
    yml.write_text("platform: {port: 8811}\n")
    assert 0 == run(*words).code
    assert yml.read_text() == (back / ".dango" / "project.yml").read_text()


def test_a_folder_that_holds_something_is_no_target(alone, tmp_path):
    place = tmp_path / "kept"
    made(alone, place)
    taken, file = tmp_path / "taken", tmp_path / "file"
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    file.write_text("mine")

    for target in (taken, file):
        told = refused(run("backup", "restore", str(place), str(target)))
        assert f"{target} is not empty" in told
    assert ["mine.txt"] == [path.name for path in taken.iterdir()]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert 0 == run("backup", "restore", str(place), str(empty)).code


def test_a_full_disk_is_told_by_both_and_leaves_nothing_half_made(alone, tmp_path):
    kept = tmp_path / "kept"
    made(alone, kept)
    with small_disk(tmp_path / "small", DISK_BYTES) as disk:
        place = disk.root / "kept"
        told = alone("backup", "create", "--to", str(place))
        assert 1 == told.code
        assert "No space left on device" in told.err
        assert [] == [path for path in place.rglob("*") if path.is_file()]
        newest, *_ = alone("backup", "list", "--json").json
        assert "failed" == newest["status"]
        assert "No space left on device" in newest["error"]
        back = disk.root / "back"
        told = refused(run("backup", "restore", str(kept), str(back)))
        assert "bytes left, and the backup needs" in told
        assert not back.exists()


def test_no_password_is_in_what_is_said(alone, tmp_path):
    ran = alone("backup", "create", "--to", str(tmp_path / "kept"))

    assert PASSWORD not in ran.out + ran.err


def test_whoever_restores_can_say_that_keys_stay(alone, tmp_path):
    place, back = tmp_path / "kept", tmp_path / "back"
    alone("backup", "create", "--to", str(place))

    restored = run("backup", "restore", str(place), str(back), "--keep-keys")

    assert "API keys and the deploy token stay" in restored.err
    note = json.loads((back / ".dango" / "restored.json").read_text())
    assert not note["keys_ended"]
