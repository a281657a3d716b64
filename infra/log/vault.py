"""Personal data and secrets, sealed in a table beside the log, written in the same transaction.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce. The additional data name kind, record and
key, so that a ciphertext moved to another row does not open.
"""

import os
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commands.kernel import Clock, Forget, Keep
from infra.keys import Keys
from infra.log.places import archive
from infra.log.port import Log, Sealed

NONCE_BYTES: Final = 12


class VaultDamaged(Exception):
    """A sealed value does not open: a wrong key, or a row that was changed from outside."""


class Vault:
    """The `Secrets` port: digests and sealed values."""

    def __init__(self, log: Log, keys: Keys, clock: Clock) -> None:
        self._log = log
        self._keys = keys
        self._clock = clock
        self._cipher = AESGCM(keys.vault)

    def digest(self, kind: str, value: str) -> str:
        """As the port says."""
        return self._keys.digest(kind, value)

    def read(self, kind: str, id: str) -> bytes | None:
        """As the port says. Raises VaultDamaged."""
        row = self._log.sealed(kind, id)
        if row is None:
            return None
        if row.expires_at is not None and datetime.fromisoformat(row.expires_at) <= self._clock():
            return None
        return self._open(kind, id, row.key_id, row.nonce, row.sealed)

    def write(self, changes: Iterable[Keep | Forget]) -> None:
        """Carry out changes inside the open transaction of the log's writer, all or none."""
        self.put(self.seal(changes))

    def seal(self, changes: Iterable[Keep | Forget]) -> list[Sealed | Forget]:
        """What `put` will write; all that can fail of a change fails here."""
        return [self._row(change) for change in changes]

    def put(self, rows: Iterable[Sealed | Forget]) -> None:
        """Write inside the open transaction of the log's writer."""
        together: list[Sealed] = []
        for row in rows:
            if isinstance(row, Sealed):
                together.append(row)
                continue
            self._log.seal(*together)
            together.clear()
            self._log.forget(row.kind, row.id)
        self._log.seal(*together)

    def _row(self, change: Keep | Forget) -> Sealed | Forget:
        if isinstance(change, Forget):
            return change
        nonce = os.urandom(NONCE_BYTES)
        aad = _additional(change.kind, change.id, self._keys.id)
        return Sealed(
            kind=change.kind,
            id=change.id,
            key_id=self._keys.id,
            nonce=nonce,
            sealed=self._cipher.encrypt(nonce, change.value, aad),
            expires_at=change.expires_at.isoformat() if change.expires_at else None,
            owner=change.owner,
        )

    def expired(self) -> bool:
        """Whether there is something that has run out."""
        return self._log.has_expired(self._clock().isoformat())

    def expire(self) -> None:
        """Delete what has run out, inside the open transaction."""
        self._log.expire(self._clock().isoformat())

    def check(self) -> None:
        """Open one row, so that a wrong master key is noticed at start. Raises VaultDamaged."""
        row = self._log.any_sealed()
        if row is not None:
            self._open(row.kind, row.id, row.key_id, row.nonce, row.sealed)

    def prove(self) -> int:
        """Open every row; answers how many there are. Raises VaultDamaged."""
        rows = archive(self._log.place).beside(self._log.place).vault
        for row in rows:
            self._open(row.kind, row.id, row.key_id, row.nonce, row.sealed)
        return len(rows)

    def _open(self, kind: str, id: str, key_id: str, nonce: bytes, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(nonce, sealed, _additional(kind, id, key_id))
        except InvalidTag:
            hint = "" if key_id == self._keys.id else "; it was sealed with another master key"
            raise VaultDamaged(f"vault entry {kind} of {id} cannot be opened{hint}") from None


def _additional(kind: str, id: str, key_id: str) -> bytes:
    return f"{kind}\0{id}\0{key_id}".encode()
