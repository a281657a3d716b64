"""Files sealed in blocks, so that none needs to fit into memory.

AES-256-GCM over blocks of BLOCK_BYTES, each with its number in the nonce and a mark on the last
one: blocks that are changed, swapped, repeated or cut off do not open (the STREAM construction,
https://eprint.iacr.org/2015/189). Each file has a key of its own, by HKDF-SHA256 from the backup's
key, a random salt and the file's name: files cannot take each other's places.

    b"DANGOBK1" | salt (32) | blocks, each with its tag (16)
"""

import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC: Final = b"DANGOBK1"
BLOCK_BYTES: Final = 1024 * 1024
KEY_BYTES: Final = 32
SALT_BYTES: Final = 32
TAG_BYTES: Final = 16
VARIABLE: Final = "DANGO_BACKUP_KEY"


class BackupDamaged(Exception):
    """Something of a backup is missing, or is not what was written."""


class BackupKeyUnusable(Exception):
    """There is no key, it is malformed, or others can read it."""


def key(path: str | None) -> bytes | None:
    """The key of DANGO_BACKUP_KEY, else of this file; None without both.

    Raises BackupKeyUnusable.
    """
    text = os.environ.get(VARIABLE) or None  # empty, as compose files write it, is none
    if text is None and path is None:
        return None
    if text is None:
        text = _read(Path(path or ""))
    try:
        found = bytes.fromhex(text.strip())
    except ValueError:
        found = b""
    if len(found) != KEY_BYTES:
        raise BackupKeyUnusable(f"the backup key must be {KEY_BYTES * 2} hex digits")
    return found


def _read(path: Path) -> str:
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BackupKeyUnusable(f"{path} can be read by others; run: chmod 600 {path}")
        return path.read_text(errors="replace")
    except OSError as error:
        raise BackupKeyUnusable(f"{path} cannot be read: {error.strerror}") from None


def seal(key: bytes, name: str, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The sealed form of a file's blocks."""
    salt = secrets.token_bytes(SALT_BYTES)
    yield MAGIC + salt
    cipher, held, number = _cipher(key, salt, name), b"", 0
    for block in _even(blocks, BLOCK_BYTES):
        if number:
            yield cipher.encrypt(_nonce(number, last=False), held, None)
        held, number = block, number + 1
    yield cipher.encrypt(_nonce(max(number, 1), last=True), held, None)


def unseal(key: bytes, name: str, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """A file's blocks, out of its sealed form. Raises BackupDamaged."""
    stream = iter(blocks)
    head, rest = _head(stream)
    if not head.startswith(MAGIC) or len(head) != len(MAGIC) + SALT_BYTES:
        raise BackupDamaged(f"{name} is not sealed, though the backup is")
    cipher, held, number = _cipher(key, head[len(MAGIC) :], name), b"", 0
    try:
        for block in _even(_chained(rest, stream), BLOCK_BYTES + TAG_BYTES):
            if number:
                yield cipher.decrypt(_nonce(number, last=False), held, None)
            held, number = block, number + 1
        yield cipher.decrypt(_nonce(max(number, 1), last=True), held, None)
    except InvalidTag:
        raise BackupDamaged(
            f"{name} does not open: it was changed, or the key is another"
        ) from None


def _cipher(key: bytes, salt: bytes, name: str) -> AESGCM:
    info = b"dango backup " + name.encode()
    return AESGCM(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes((last,))


def _head(stream: Iterator[bytes]) -> tuple[bytes, bytes]:
    wanted, found = len(MAGIC) + SALT_BYTES, b""
    for block in stream:
        found += block
        if len(found) >= wanted:
            break
    return found[:wanted], found[wanted:]


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _even(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in blocks of one size; the last may be shorter."""
    held = bytearray()
    for block in blocks:
        held += block
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)
