"""The master key of a project, the root key that it opens, and the keys derived from that.

The master key comes from DANGO_MASTER_KEY (64 hex digits) or from `.dango/master.key` (0600), which
`dango init` makes. It only seals the root key, which is random and lies beside the events: so the
master key can be changed while digests in the log keep their meaning. Sub-keys by HKDF-SHA256
(RFC 5869), one for each use.
"""

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:  # the command line reads keys without any log
    from infra.log.port import Log

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
ROOT: Final = b"dango root key"  # the additional data under which the root key is sealed
ROOT_NAME: Final = "root"
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
    """The keys derived from the root key; `id` names it without telling it."""

    def __init__(self, root: bytes) -> None:
        self.id = hashlib.sha256(b"dango key id" + root).hexdigest()[:16]
        self.vault = _derive(root, b"vault")
        self._digest = _derive(root, b"digest")

    def digest(self, kind: str, value: str) -> str:
        """HMAC-SHA256 of a value of a kind, as 64 hex digits."""
        message = f"{kind}\0{value}".encode()
        return hmac.digest(self._digest, message, "sha256").hex()


def unlock(master: bytes, log: "Log") -> Keys:
    """The keys of a log; a new one gets its root key. Raises KeyUnusable."""
    cipher = AESGCM(_derive(master, b"root"))
    row = log.key(ROOT_NAME)
    if row is None:
        root, nonce = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(NONCE_BYTES)
        sealed = cipher.encrypt(nonce, root, ROOT)
        log.begin()
        log.put_key(ROOT_NAME, nonce, sealed)
        log.commit()
        return Keys(root)
    nonce, sealed = row
    try:
        return Keys(cipher.decrypt(nonce, sealed, ROOT))
    except InvalidTag:
        raise KeyUnusable("the master key is not the one of this project") from None


def load(path: Path) -> bytes:
    """The master key of the project. Raises KeyUnusable with what to do."""
    text = os.environ.get(VARIABLE)
    if text is None:
        try:
            if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise KeyUnusable(f"{path} can be read by others; run: chmod 600 {path}")
            text = path.read_text(errors="replace")
        except FileNotFoundError:
            raise KeyUnusable(
                f"{path} is missing and {VARIABLE} is not set; without the key of this project"
                " its accounts and secrets cannot be read"
            ) from None
        except OSError as error:
            raise KeyUnusable(f"{path} cannot be read: {error.strerror}") from None
    try:
        master = bytes.fromhex(text.strip())
    except ValueError:
        master = b""
    if len(master) != KEY_BYTES:
        raise KeyUnusable(f"the master key must be {KEY_BYTES * 2} hex digits")
    return master


def _derive(master: bytes, use: bytes) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"dango " + use)
    return kdf.derive(master)
