"""Sealed values: not to be read, moved or kept longer than they should."""

import contextlib
import time
from datetime import timedelta
from random import Random

import pytest

from commands.kernel import Forget, Keep
from infra.keys import Keys
from infra.log.port import Sealed as Row
from infra.log.sqlite import BUSY_TIMEOUT_S, SQLiteLog, open_database
from infra.log.vault import Vault, VaultDamaged
from tests.core import KEYS, Clock

SECRET = b"anna.example@nowhere.test"


class Sealed:
    """A log's file with a vault in it."""

    def __init__(self, path):
        self.path, self.clock = path, Clock()
        self.log = SQLiteLog(path)
        self.vault = Vault(self.log, KEYS, self.clock)

    def write(self, *changes):
        self.log.begin()
        self.vault.write(changes)
        self.log.commit()

    def execute(self, sql, *values):
        return self.log.connection.execute(sql, values).fetchall()

    def bytes(self):
        """All that lies on the disk."""
        return b"".join(path.read_bytes() for path in self.path.parent.iterdir())

    def close(self):
        self.log.close()


@pytest.fixture
def sealed(tmp_path):
    with contextlib.closing(Sealed(tmp_path / "events.db")) as sealed:
        yield sealed


def test_a_value_comes_back_and_a_newer_one_takes_its_place(sealed):
    sealed.write(Keep("email", "anna", b"old"), Keep("email", "anna", SECRET))

    assert SECRET == sealed.vault.read("email", "anna")
    assert None is sealed.vault.read("email", "ben")
    assert None is sealed.vault.read("display_name", "anna")


def test_the_same_value_is_never_sealed_alike(sealed):
    sealed.write(Keep("email", "anna", SECRET), Keep("email", "ben", SECRET))

    rows = sealed.execute("SELECT DISTINCT nonce, sealed FROM vault")

    assert 2 == len({nonce for nonce, _ in rows}) == len({value for _, value in rows})


def test_no_plain_value_lies_on_the_disk(sealed):
    sealed.write(Keep("email", "anna", SECRET))
    with_wal = sealed.bytes()
    sealed.close()

    assert SECRET not in with_wal
    assert SECRET not in sealed.path.read_bytes()


@pytest.mark.parametrize("column", ["kind", "id"])
def test_a_value_that_was_moved_does_not_open(sealed, column):
    sealed.write(Keep("email", "anna", SECRET))
    sealed.execute(f"UPDATE vault SET {column} = 'other'")
    where = {"kind": "email", "id": "anna", column: "other"}

    with pytest.raises(VaultDamaged):
        sealed.vault.read(where["kind"], where["id"])


def test_values_of_two_rows_cannot_be_exchanged(sealed):
    sealed.write(Keep("email", "anna", b"one"), Keep("email", "ben", b"other"))
    rows = sealed.execute("SELECT nonce, sealed, id FROM vault ORDER BY id")
    for (nonce, value, _), (_, _, user) in zip(rows, reversed(rows), strict=True):
        sealed.execute("UPDATE vault SET nonce = ?, sealed = ? WHERE id = ?", nonce, value, user)

    for user in ("anna", "ben"):
        with pytest.raises(VaultDamaged):
            sealed.vault.read("email", user)


def test_another_key_opens_nothing_and_says_why(sealed):
    sealed.write(Keep("email", "anna", SECRET))
    stranger = Vault(sealed.log, Keys(bytes([1]) * 32), sealed.clock)

    with pytest.raises(VaultDamaged, match="another master key"):
        stranger.check()
    sealed.vault.check()


def test_an_empty_vault_fits_any_key(sealed):
    sealed.vault.check()


def test_any_bit_that_was_flipped_is_noticed(sealed):
    sealed.write(Keep("email", "anna", SECRET))
    ((key_id, nonce, value),) = sealed.execute("SELECT key_id, nonce, sealed FROM vault")
    random = Random(3)  # noqa: S311 - seeded
    vault, row = sealed.vault, Row("email", "anna", key_id, nonce, value, None, None)
    assert SECRET == vault._open(row, vault.ring)
    for _ in range(1_000):
        both = bytearray(nonce + value)
        both[random.randrange(len(both))] ^= 1 << random.randrange(8)
        with pytest.raises(VaultDamaged):
            vault._open(row._replace(nonce=bytes(both[:12]), sealed=bytes(both[12:])), vault.ring)


def test_a_value_that_expired_is_not_told_and_goes_when_it_is_swept(sealed):
    ends = sealed.clock() + timedelta(minutes=10)
    sealed.write(Keep("answer", "k1", SECRET, ends), Keep("answer", "k2", SECRET))

    sealed.clock.forward(minutes=9, seconds=59, microseconds=1)
    assert SECRET == sealed.vault.read("answer", "k1")
    sealed.clock.now = ends
    assert None is sealed.vault.read("answer", "k1")

    sealed.vault.expire()
    assert [("k2",)] == sealed.execute("SELECT id FROM vault")


@pytest.mark.parametrize("past", [timedelta(microseconds=1), timedelta(seconds=1)])
def test_what_has_time_left_is_not_swept(sealed, past):
    sealed.write(Keep("answer", "k1", SECRET, sealed.clock() + past))

    sealed.vault.expire()

    assert [("k1",)] == sealed.execute("SELECT id FROM vault")


def test_one_kind_is_forgotten_or_all_of_an_id(sealed):
    kinds = ("email", "display_name", "password")
    sealed.write(*(Keep(kind, user, SECRET) for kind in kinds for user in ("anna", "ben")))

    sealed.write(Forget("email", "anna"))
    assert 5 == len(sealed.execute("SELECT 1 FROM vault"))
    sealed.write(Forget(None, "anna"))

    assert [("ben",)] == sealed.execute("SELECT DISTINCT id FROM vault")
    assert SECRET == sealed.vault.read("email", "ben")


def test_with_an_id_goes_what_it_owns(sealed):
    sealed.write(Keep("session", "s1", SECRET, owner="anna"), Keep("email", "anna", SECRET))
    sealed.write(Keep("session", "s2", SECRET, owner="ben"), Forget(None, "anna"))

    assert [("s2",)] == sealed.execute("SELECT id FROM vault")


@pytest.mark.parametrize("last", [Forget("email", "anna"), Keep("email", "anna", b"x" * 900)])
def test_what_is_forgotten_or_replaced_leaves_not_even_its_seal_behind(sealed, last):
    sealed.write(*(Keep("email", f"user-{number}", SECRET) for number in range(200)))
    sealed.write(Keep("email", "anna", SECRET * 20))
    sealed.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ((value,),) = sealed.execute("SELECT sealed FROM vault WHERE id = 'anna'")
    assert value[:32] in sealed.bytes()

    sealed.write(last)
    sealed.close()

    assert value[:32] not in sealed.bytes()
    assert value[-32:] not in sealed.bytes()


def test_what_cannot_be_sealed_changes_nothing(sealed):
    with pytest.raises(UnicodeEncodeError):
        sealed.vault.write([Keep("email", "anna", SECRET), Keep("email", "\udfff", SECRET)])

    assert [] == sealed.execute("SELECT 1 FROM vault")


def test_the_sealed_bytes_of_what_was_deleted_leave_the_disk(sealed):
    for number in range(200):
        sealed.write(Keep("email", f"user-{number}", SECRET * 3, owner=f"user-{number}"))
    rows = sealed.execute("SELECT id, sealed FROM vault ORDER BY id")
    gone = {id: value for id, value in rows if int(id.partition("-")[2]) % 3 == 0}
    for id in gone:
        sealed.write(Forget(None, id))
    assert any(value in sealed.bytes() for value in gone.values())
    assert sealed.log.unerased

    sealed.log.erase()

    left = sealed.bytes()
    assert [] == [id for id, value in gone.items() if value in left]
    assert [id for id, _ in rows if id not in gone] == [id for id, v in rows if v in left]
    assert not sealed.log.unerased


def test_erasing_waits_for_who_reads_and_does_not_hold_up_the_log(sealed):
    sealed.write(Keep("email", "anna", SECRET))
    reader = open_database(sealed.path, readonly=True)
    with contextlib.closing(reader):
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM vault").fetchall()
        sealed.write(Forget("email", "anna"))
        begun = time.monotonic()
        sealed.log.erase()
        assert sealed.log.unerased
        assert time.monotonic() - begun < BUSY_TIMEOUT_S / 2
        sealed.write(Keep("email", "ben", SECRET))
    sealed.log.erase()
    assert not sealed.log.unerased
