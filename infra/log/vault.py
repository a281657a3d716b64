"""Personal data and secrets, sealed in a table beside the log, written in the same transaction.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce. The additional data name kind, record and
key, so that a ciphertext moved to another row does not open.
"""

import os
import sqlite3
import threading
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commands.kernel import Clock, Forget, Keep
from infra.keys import Keys
from infra.log.sqlite import open_database

NONCE_BYTES: Final = 12

_KEEP: Final = (
    "INSERT INTO vault VALUES (?,?,?,?,?,?,?) ON CONFLICT (kind, id) DO UPDATE SET"
    " key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed,"
    " expires_at = excluded.expires_at, owner = excluded.owner"
)


class VaultDamaged(Exception):
    """A sealed value does not open: a wrong key, or a row that was changed from outside."""


class Vault:
    """The `Secrets` port: digests and sealed values."""

    def __init__(self, path: Path, keys: Keys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._cipher = AESGCM(keys.vault)
        self._read = open_database(path, readonly=True)
        self._reading = threading.Lock()

    def close(self) -> None:
        """Give back the reading connection."""
        self._read.close()

    def digest(self, kind: str, value: str) -> str:
        """As the port says."""
        return self._keys.digest(kind, value)

    def read(self, kind: str, id: str) -> bytes | None:
        """As the port says. Raises VaultDamaged."""
        with self._reading:
            row = self._read.execute(
                "SELECT key_id, nonce, sealed, expires_at FROM vault WHERE kind = ? AND id = ?",
                (kind, id),
            ).fetchone()
        if row is None:
            return None
        key_id, nonce, sealed, expires_at = row
        if expires_at is not None and datetime.fromisoformat(expires_at) <= self._clock():
            return None
        return self._open(kind, id, key_id, nonce, sealed)

    def write(self, database: sqlite3.Connection, changes: Iterable[Keep | Forget]) -> None:
        """Carry out changes inside the open transaction of the log's writer, all or none."""
        # Sealed before the first one is written: what cannot be sealed leaves nothing half done.
        for sql, values in [self._statement(change) for change in changes]:
            database.execute(sql, values)

    def _statement(self, change: Keep | Forget) -> tuple[str, tuple[str | bytes | None, ...]]:
        if isinstance(change, Keep):
            nonce = os.urandom(NONCE_BYTES)
            aad = _additional(change.kind, change.id, self._keys.id)
            sealed = self._cipher.encrypt(nonce, change.value, aad)
            expires_at = change.expires_at.isoformat() if change.expires_at else None
            row = (change.kind, change.id, self._keys.id, nonce, sealed, expires_at)
            return _KEEP, (*row, change.owner)
        if change.kind is None:
            return "DELETE FROM vault WHERE id = ? OR owner = ?", (change.id, change.id)
        return "DELETE FROM vault WHERE kind = ? AND id = ?", (change.kind, change.id)

    def expired(self) -> bool:
        """Whether there is something that has run out."""
        with self._reading:
            row = self._read.execute(
                "SELECT 1 FROM vault WHERE expires_at <= ? LIMIT 1", (self._clock().isoformat(),)
            ).fetchone()
        return row is not None

    def expire(self, database: sqlite3.Connection) -> None:
        """Delete what has run out, inside the open transaction."""
        database.execute("DELETE FROM vault WHERE expires_at <= ?", (self._clock().isoformat(),))

    def check(self) -> None:
        """Open one row, so that a wrong master key is noticed at start. Raises VaultDamaged."""
        row = self._read.execute("SELECT kind, id, key_id, nonce, sealed FROM vault").fetchone()
        if row is not None:
            self._open(*row)

    def _open(self, kind: str, id: str, key_id: str, nonce: bytes, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(nonce, sealed, _additional(kind, id, key_id))
        except InvalidTag:
            hint = "" if key_id == self._keys.id else "; it was sealed with another master key"
            raise VaultDamaged(f"vault entry {kind} cannot be opened{hint}") from None


def _additional(kind: str, id: str, key_id: str) -> bytes:
    return f"{kind}\0{id}\0{key_id}".encode()
