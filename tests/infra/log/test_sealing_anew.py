"""Rows of a vault sealed anew, and what opens them while that goes on and after it."""

import pytest

from commands.kernel import Forget, Keep
from commands.ports import WorkFailed
from infra import keys
from infra.log import vault as vaults
from infra.log.port import Sealed
from infra.log.vault import Vault, VaultDamaged
from infra.master_keys import KeyUnusable
from tests.core import Clock
from tests.engines import SQLite
from tests.infra.rotating import filled, living, unseen

SECRET = b"anna.example@nowhere.test"


def test_pages_are_bounded_by_rows_and_by_bytes(tmp_path, engine, monkeypatch):
    monkeypatch.setattr(vaults, "PAGE_ROWS", 5)
    monkeypatch.setattr(vaults, "PAGE_BYTES_MAX", 3_000)
    with living(tmp_path, engine) as process:
        process.keep(*(Keep("a", f"{each:02}", b"x") for each in range(12)))
        process.keep(*(Keep("b", f"{each:02}", b"x" * 1_400) for each in range(3)))
        process.keep(Keep("c", "large", b"x" * 9_000), Keep("d", "last", b"x"))
        mark, pages = vaults.BEGINNING, []
        process.log.begin()
        process.vault.turn(ring_of(process))
        while mark is not None:
            page = process.vault.seal_anew(mark)
            pages.append(page.rows)
            mark = page.upto
        process.log.commit()
        assert [5, 5, 4, 1, 1, 1] == pages
        assert 17 == process.vault.prove()


def ring_of(process):
    """The keys of a process, and one more."""
    root = {name: process.masters.open(name, *rest)[0] for name, *rest in process.log.all_keys()}
    return keys.Keys(root["root"], {1: bytes(range(32))}).ring


def test_owner_and_end_of_a_value_stay_what_they_are(tmp_path, engine):
    with living(tmp_path, engine) as process:
        ends = process.vault._clock().replace(year=2030)
        process.keep(Keep("session", "s1", SECRET, ends, "anna"), Keep("email", "anna", SECRET))
        before = process.log.sealed("session", "s1")
        process.rotate()
        after = process.log.sealed("session", "s1")
        assert (before.expires_at, "anna") == (after.expires_at, after.owner)
        assert before.key_id != after.key_id
        process.keep(Forget(None, "anna"))
        assert {} == process.vault.counts()


@pytest.mark.parametrize("how", ["bit", "moved", "swapped"])
def test_what_was_changed_from_outside_is_named_and_all_else_gets_the_new_key(
    tmp_path, engine, how
):
    """Then the old key stays, nothing is dropped, and the reason says which entry it is."""
    with living(tmp_path, engine) as process:
        filled(process, 5)
        process.rotate(1)
        rows = [process.log.sealed("email", f"user-{each}") for each in range(2)]
        tampered = {
            "bit": rows[0]._replace(sealed=bytes([rows[0].sealed[0] ^ 1]) + rows[0].sealed[1:]),
            "moved": rows[0]._replace(nonce=rows[1].nonce, sealed=rows[1].sealed),
            "swapped": rows[0]._replace(key_id="0" * 16),
        }[how]
        process.log.begin()
        process.log.seal(tampered)
        process.log.commit()
        with pytest.raises(WorkFailed, match="vault entry email of user-0 cannot be opened"):
            process.rotate(2)
        counts = process.vault.counts()
        assert (1, 4) == (counts[tampered.key_id], counts[process.vault.ring.current])
        kept = ["root", "vault 2"] if how == "swapped" else ["root", "vault 1", "vault 2"]
        assert kept == sorted(name for name, *_ in process.log.all_keys())
        with pytest.raises(VaultDamaged):
            process.vault.read("email", "user-0")
        assert b"4" == process.vault.read("email", "user-4")
        process.keep(Keep("email", "user-0", b"anew"))
        process.rotate(3)
        assert ["root", "vault 3"] == sorted(name for name, *_ in process.log.all_keys())


def test_of_many_that_do_not_open_one_is_named_and_the_others_are_counted(tmp_path):
    with living(tmp_path, SQLite()) as process:
        filled(process, 5)
        process.log.begin()
        for id in ("user-1", "user-2", "user-4"):
            process.log.seal(process.log.sealed("email", id)._replace(sealed=b"x" * 32))
        process.log.commit()
        with pytest.raises(WorkFailed, match=r"of user-1 cannot be opened, and 2 more cannot\."):
            process.rotate(1)
        assert {2, 3} == set(process.vault.counts().values())


def test_a_data_key_in_anothers_place_does_not_open(tmp_path, engine):
    with living(tmp_path, engine) as process:
        filled(process, 1)
        process.rotate(1)
        _, nonce, sealed = next(row for row in process.log.all_keys() if row[0] == "vault 1")
        process.log.begin()
        process.log.put_key("vault 9", nonce, sealed)
        process.log.commit()
    with pytest.raises(KeyUnusable, match="'vault 9' beside the events does not open"):
        living(tmp_path, engine).__enter__()


class Late(Vault):
    """A vault whose key is changed between the look at the ring and the row, or behind the row."""

    def __init__(self, process, before, behind):
        super().__init__(self, keys.read(process.masters, process.log), Clock())
        self._ring, self.log = process.vault.ring, process.log
        self.before, self.behind = before, behind

    def sealed(self, kind, id) -> Sealed | None:
        self.before()
        row = self.log.sealed(kind, id)
        self.behind()
        return row


@pytest.mark.parametrize("early", [True, False])
def test_a_value_is_read_while_its_key_changes(tmp_path, engine, early):
    with living(tmp_path, engine) as process:
        filled(process, 1)
        process.rotate(1)

        def change():
            process.rotate(2)
            late.turn(process.vault.ring)

        late = Late(process, *((change, unseen) if early else (unseen, change)))
        assert b"0" == late.read("email", "user-0")
        assert ["root", "vault 2"] == sorted(name for name, *_ in process.log.all_keys())
