"""The master key of a project, and the keys derived from it.

It comes from DANGO_MASTER_KEY (64 hex digits) or from `.dango/master.key` (0600), which `dango
init` makes. Sub-keys by HKDF-SHA256 (RFC 5869), one for each use.
"""

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
VARIABLE: Final = "DANGO_MASTER_KEY"


class KeyUnusable(Exception):
    """There is no master key, it is malformed, or others can read it."""


def create(path: Path) -> None:
    """Write a new key, readable by its owner alone; never over an existing one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())


class Keys:
    """The derived keys; `id` names the master key without telling it."""

    def __init__(self, master: bytes) -> None:
        self.id = hashlib.sha256(b"dango key id" + master).hexdigest()[:16]
        self.vault = _derive(master, b"vault")
        self._digest = _derive(master, b"digest")

    def digest(self, kind: str, value: str) -> str:
        """HMAC-SHA256 of a value of a kind, as 64 hex digits."""
        message = f"{kind}\0{value}".encode()
        return hmac.new(self._digest, message, hashlib.sha256).hexdigest()


def load(path: Path) -> Keys:
    """The keys of the project. Raises KeyUnusable with what to do."""
    text = os.environ.get(VARIABLE)
    if text is None:
        try:
            if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise KeyUnusable(f"{path} can be read by others; run: chmod 600 {path}")
            text = path.read_text()
        except FileNotFoundError:
            raise KeyUnusable(
                f"{path} is missing and {VARIABLE} is not set; without the key of this project"
                " its accounts and secrets cannot be read"
            ) from None
    try:
        master = bytes.fromhex(text.strip())
    except ValueError:
        master = b""
    if len(master) != KEY_BYTES:
        raise KeyUnusable(f"the master key must be {KEY_BYTES * 2} hex digits")
    return Keys(master)


def _derive(master: bytes, use: bytes) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"dango " + use)
    return kdf.derive(master)
