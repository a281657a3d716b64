"""Master keys: several in one place, the first seals, all open; a file is changed whole."""

import contextlib
import stat

import pytest

from infra import doctor, keys, master_keys
from infra.backups import content
from infra.log.sqlite import SQLiteLog
from infra.master_keys import KEYS_MAX, VARIABLE, KeyUnusable, MasterKeys
from infra.project import Project

OLD, NEW, OTHER = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    return tmp_path / "master.key"


def written(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.fixture
def log(tmp_path):
    with contextlib.closing(SQLiteLog(tmp_path / "events.db")) as log:
        yield log


@pytest.mark.parametrize("between", ["\n", ",", ", ", "\r\n", "\n\n", " "])
def test_several_keys_stand_in_lines_or_between_commas(path, monkeypatch, between):
    text = between.join((NEW.hex(), OLD.hex().upper(), NEW.hex())) + "\n"

    assert ((NEW, OLD), path) == (
        (found := master_keys.load(written(path, text))).keys,
        found.path,
    )
    monkeypatch.setenv(VARIABLE, text)
    assert ((NEW, OLD), None) == ((found := master_keys.load(path)).keys, found.path)


@pytest.mark.parametrize(
    "text",
    [
        *("", "\n", ",", "x" * 64, NEW.hex()[:-1], f"{NEW.hex()},{OLD.hex()[:-2]}", NEW.hex() * 2),
        "\n".join(bytes([n] * 32).hex() for n in range(KEYS_MAX + 1)),
    ],
)
def test_what_are_no_keys_is_refused(path, monkeypatch, text):
    with pytest.raises(KeyUnusable, match="64 hex digits"):
        master_keys.load(written(path, text))
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(KeyUnusable, match="64 hex digits"):
        master_keys.load(path)


def test_a_file_that_others_can_read_or_that_is_not_there_is_refused(path):
    with pytest.raises(KeyUnusable, match="is missing"):
        master_keys.load(path)
    written(path, NEW.hex()).chmod(0o640)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        master_keys.load(path)


def test_a_file_is_replaced_whole_readable_by_its_owner_alone(path, tmp_path):
    master_keys.create(path)
    there = master_keys.load(path)
    (tmp_path / "master.key.new").write_text("what a process left that was killed")

    master_keys.replace(there.followed_by(NEW))

    assert (NEW, *there.keys) == master_keys.load(path).keys
    assert stat.S_IRUSR | stat.S_IWUSR == stat.S_IMODE(path.stat().st_mode)
    assert ["master.key"] == [each.name for each in tmp_path.iterdir()]


def test_of_a_link_what_it_leads_to_is_replaced(path, tmp_path):
    real = tmp_path / "keys" / "shop.key"
    real.parent.mkdir()
    master_keys.create(real)
    path.symlink_to(real)

    master_keys.replace(master_keys.load(path).followed_by(NEW))

    assert path.is_symlink()
    assert NEW == master_keys.load(real).keys[0]


def test_at_a_start_what_an_older_key_seals_is_sealed_under_the_first(log):
    first = keys.unlock(MasterKeys(OLD), log)
    log.begin()
    keys.draw(MasterKeys(OLD), log, "vault 3")
    log.commit()
    ring = keys.read(MasterKeys(OLD), log).ring

    both = keys.unlock(MasterKeys(NEW, OLD), log)
    alone = keys.unlock(MasterKeys(NEW), log)

    assert first.id == both.id == alone.id
    assert first.digest("email", "a") == alone.digest("email", "a")
    assert (ring.current, 3) == (alone.ring.current, alone.ring.number)
    with pytest.raises(KeyUnusable, match="not the one of this project"):
        keys.unlock(MasterKeys(OLD), log)


def test_a_start_with_the_keys_in_the_wrong_order_keeps_both_of_use(log):
    keys.unlock(MasterKeys(OLD), log)

    keys.unlock(MasterKeys(OLD, NEW), log)
    keys.unlock(MasterKeys(NEW, OLD), log)
    keys.unlock(MasterKeys(OTHER, NEW), log)

    assert keys.unlock(MasterKeys(OTHER), log).id


def test_none_of_several_wrong_keys_opens_a_project(log):
    keys.unlock(MasterKeys(OLD), log)

    with pytest.raises(KeyUnusable, match="not the one of this project"):
        keys.unlock(MasterKeys(NEW, OTHER), log)


def test_no_bit_of_a_sealed_key_can_be_changed():
    masters = MasterKeys(NEW)
    nonce, sealed = masters.seal("vault 1", OLD)

    assert (OLD, True) == masters.open("vault 1", nonce, sealed)
    for at in range(len(sealed)):
        with pytest.raises(KeyUnusable):
            masters.open("vault 1", nonce, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
    for name in ("vault 2", "root"):
        with pytest.raises(KeyUnusable):
            masters.open(name, nonce, sealed)


def test_no_file_of_master_keys_is_in_a_backup(tmp_path):
    project = Project.create(tmp_path / "shop", "shop")
    for name in ("master.key.new", "master.key.old"):
        (project.folder / name).write_text("x")

    found = [part.path for part in content._project(project.root, "s3://b/x")]

    assert ".dango/project.yml" in found
    assert [] == [path for path in found if "master" in path]


def test_the_doctor_tells_of_older_keys(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    project = Project.create(tmp_path / "shop", "shop")
    assert doctor.OK == doctor._key(project).level

    master_keys.replace(master_keys.load(project.master_key).followed_by(NEW))

    found = doctor._key(project)
    assert (doctor.WARN, True) == (found.level, found.detail.startswith("1 older"))
