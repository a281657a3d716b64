"""Sealed files: they come back as they were, and nothing that was changed opens."""

import hashlib
from random import Random

import pytest

from infra.backups import sealing
from infra.backups.sealing import BLOCK_BYTES, MAGIC, SALT_BYTES, BackupDamaged, seal, unseal

KEY, OTHER = bytes(range(32)), bytes(32)
HEAD = len(MAGIC) + SALT_BYTES
BLOCK = BLOCK_BYTES + sealing.TAG_BYTES
SIZES = (0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES + 7)


def text(size):
    return Random(size).randbytes(size)  # noqa: S311 - the same each time


def sealed(data, name="00000001"):
    return b"".join(seal(KEY, name, (data[i : i + 70_000] for i in range(0, len(data), 70_000))))


def opened(data, name="00000001", key=KEY):
    return b"".join(unseal(key, name, (data[i : i + 90_000] for i in range(0, len(data), 90_000))))


@pytest.mark.parametrize("size", SIZES)
def test_what_is_sealed_comes_back(size):
    assert text(size) == opened(sealed(text(size)))


def test_a_sealed_file_shows_nothing_of_what_is_in_it():
    data = sealed(b"planted-Secret-77" * 1000)

    assert b"planted" not in data
    assert data != sealed(b"planted-Secret-77" * 1000)


@pytest.mark.parametrize("size", [0, 5, BLOCK_BYTES + 1])
def test_no_bit_can_be_flipped(size):
    whole, random = sealed(text(size)), Random(1)  # noqa: S311 - likewise
    places = {0, len(whole) - 1, *(random.randrange(len(whole)) for _ in range(60))}
    for place in places:
        broken = bytearray(whole)
        broken[place] ^= 1 << random.randrange(8)
        with pytest.raises(BackupDamaged):
            opened(bytes(broken))


def _swapped(data):
    first, second = data[HEAD : HEAD + BLOCK], data[HEAD + BLOCK : HEAD + 2 * BLOCK]
    return data[:HEAD] + second + first + data[HEAD + 2 * BLOCK :]


@pytest.mark.parametrize(
    "change",
    [
        _swapped,
        lambda data: data[: HEAD + BLOCK],  # cut between two blocks
        lambda data: data[:HEAD],
        lambda data: data[:10],
        lambda data: data + data[-20:],
        lambda data: data[: HEAD + BLOCK] + data[HEAD:],  # a block twice
    ],
    ids=["swapped", "cut", "head", "shorter", "longer", "twice"],
)
def test_blocks_are_neither_swapped_nor_cut_nor_repeated(change):
    with pytest.raises(BackupDamaged):
        opened(change(sealed(text(3 * BLOCK_BYTES))))


def test_another_key_or_name_opens_nothing():
    data = sealed(b"x")

    for name, key in (("00000002", KEY), ("00000001", OTHER)):
        with pytest.raises(BackupDamaged):
            opened(data, name, key)


def test_a_key_is_64_digits_that_nobody_else_can_read(tmp_path, monkeypatch):
    monkeypatch.delenv(sealing.VARIABLE, raising=False)
    file = tmp_path / "key"
    digits = hashlib.sha256(b"k").hexdigest()
    file.write_text(f"{digits}\n")
    file.chmod(0o600)
    assert bytes.fromhex(digits) == sealing.key(str(file))
    assert None is sealing.key(None)

    file.chmod(0o640)
    for problem in (str(file), str(tmp_path / "none")):
        with pytest.raises(sealing.BackupKeyUnusable):
            sealing.key(problem)
    monkeypatch.setenv(sealing.VARIABLE, "")
    assert None is sealing.key(None)
    monkeypatch.setenv(sealing.VARIABLE, digits[:-1])
    with pytest.raises(sealing.BackupKeyUnusable):
        sealing.key(None)
