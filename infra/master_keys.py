"""The master keys of a project: they open the keys that lie sealed beside the events.

They come from DANGO_MASTER_KEY or from `.dango/master.key` (0600), which `dango init` makes: 64 hex
digits each, a line for each or commas between them, the newest first. The first one seals; all may
open. So a key is changed without a moment at which none of them fits.
"""

import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from infra import durable

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
KEYS_MAX: Final = 8  # more of them are a mistake
TEXT_BYTES_MAX: Final = 4_096  # of the file
ROOT: Final = b"dango root key"  # the additional data under which the root key is sealed
ROOT_NAME: Final = "root"
VARIABLE: Final = "DANGO_MASTER_KEY"
MALFORMED: Final = (
    f"the master key must be {KEY_BYTES * 2} hex digits, or up to {KEYS_MAX} such keys,"
    " the newest first, with commas or line ends between them"
)


class KeyUnusable(Exception):
    """There is no master key, it is malformed, others can read it, or it does not fit."""


class MasterKeys:
    """Keys that seal and open other keys; `path` is their file, None when they were given."""

    def __init__(self, *keys: bytes, path: Path | None = None) -> None:
        self.keys, self.path = keys, path
        self._ciphers = tuple(AESGCM(derive(key, b"root")) for key in keys)

    @property
    def newest(self) -> Self:
        """The first one alone."""
        return type(self)(self.keys[0], path=self.path)

    def followed_by(self, key: bytes) -> Self:
        """The same, with a newer one before them."""
        return type(self)(key, *self.keys, path=self.path)

    def seal(self, name: str, key: bytes) -> tuple[bytes, bytes]:
        """Nonce and sealed value of a key that is kept by this name, under the first of them."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce, self._ciphers[0].encrypt(nonce, key, _additional(name))

    def open(self, name: str, nonce: bytes, sealed: bytes) -> tuple[bytes, bool]:
        """A key, and whether it was the first of them that sealed it. Raises KeyUnusable."""
        for number, cipher in enumerate(self._ciphers):
            try:
                return cipher.decrypt(nonce, sealed, _additional(name)), number == 0
            except InvalidTag:
                continue
        if name == ROOT_NAME:
            raise KeyUnusable("the master key is not the one of this project")
        raise KeyUnusable(
            f"the key {name!r} beside the events does not open: it was changed from outside, or"
            " sealed with another master key"
        )


def create(path: Path) -> None:
    """Write a new key, readable by its owner alone; never over an existing one."""
    _write(path, [secrets.token_bytes(KEY_BYTES)])


def replace(masters: MasterKeys) -> None:
    """Put these into their file, in place of those in it: the old ones or these, nothing between.

    Raises OSError.
    """
    if masters.path is None:
        raise RuntimeError("these keys have no file")
    path = masters.path.resolve()  # of a link, what it leads to is replaced
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)  # of a process that was killed
    _write(new, masters.keys)
    new.replace(path)
    durable.sync(path.parent)


def load(path: Path) -> MasterKeys:
    """The master keys of the project. Raises KeyUnusable with what to do."""
    text = os.environ.get(VARIABLE)
    if text is not None:
        return MasterKeys(*_parsed(text))
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyUnusable(f"{path} can be read by others; run: chmod 600 {path}")
        with path.open(errors="replace") as file:
            text = file.read(TEXT_BYTES_MAX)
    except FileNotFoundError:
        raise KeyUnusable(
            f"{path} is missing and {VARIABLE} is not set; without the key of this project"
            " its accounts and secrets cannot be read"
        ) from None
    except OSError as error:
        raise KeyUnusable(f"{path} cannot be read: {error.strerror}") from None
    return MasterKeys(*_parsed(text), path=path)


def derive(key: bytes, use: bytes) -> bytes:
    """A key for one use, by HKDF-SHA256 (RFC 5869)."""
    kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"dango " + use)
    return kdf.derive(key)


def _parsed(text: str) -> list[bytes]:
    try:
        found = [bytes.fromhex(part) for part in text.replace(",", " ").split()]
    except ValueError:
        raise KeyUnusable(MALFORMED) from None
    if not 0 < len(found) <= KEYS_MAX or any(len(key) != KEY_BYTES for key in found):
        raise KeyUnusable(MALFORMED)
    return list(dict.fromkeys(found))


def _write(path: Path, keys: Iterable[bytes]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{key.hex()}\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())


def _additional(name: str) -> bytes:
    """What a sealed key is bound to, so that one put in another's place does not open."""
    return ROOT if name == ROOT_NAME else b"dango key " + name.encode()
