"""Personal data and secrets, sealed in a table beside the log, written in the same transaction.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce. The additional data name kind, record and
key, so that a ciphertext moved to another row does not open. What is new is sealed with the newest
key of the ring; each row opens with the key that it names.
"""

import os
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag

from commands.kernel import Clock, Forget, Keep
from infra.keys import Keys, Ring
from infra.log.places import archive
from infra.log.port import Log, Mark, Sealed

NONCE_BYTES: Final = 12
PAGE_ROWS: Final = 100  # that are sealed anew in one transaction, at most
PAGE_BYTES_MAX: Final = 512 * 1024  # of their sealed values; a single larger one is a page
BEGINNING: Final[Mark] = ("", "")  # before the first row


class VaultDamaged(Exception):
    """A sealed value does not open: a wrong key, or a row that was changed from outside."""


class Page(NamedTuple):
    """What was done of sealing anew: how far, None at the end; how many; how many do not open."""

    upto: Mark | None
    rows: int
    damaged: int = 0
    first: str | None = None  # of the damaged ones, in words


class Vault:
    """The `Secrets` port: digests and sealed values."""

    def __init__(self, log: Log, keys: Keys, clock: Clock) -> None:
        self._log = log
        self._keys = keys
        self._clock = clock
        self._ring = keys.ring

    @property
    def ring(self) -> Ring:
        """The keys of now."""
        return self._ring

    def turn(self, ring: Ring) -> None:
        """Seal with the newest of these keys from now on.

        On the writer's thread, between two groups, once they lie in the log.
        """
        self._ring = ring

    def digest(self, kind: str, value: str) -> str:
        """As the port says."""
        return self._keys.digest(kind, value)

    def read(self, kind: str, id: str) -> bytes | None:
        """As the port says. Raises VaultDamaged."""
        ring = self._ring  # before the row: the key that the row has may be dropped meanwhile
        row = self._log.sealed(kind, id)
        if row is None:
            return None
        if row.expires_at is not None and datetime.fromisoformat(row.expires_at) <= self._clock():
            return None
        return self._open(row, ring)

    def write(self, changes: Iterable[Keep | Forget]) -> None:
        """Carry out changes inside the open transaction of the log's writer, all or none."""
        self.put(self.seal(changes))

    def seal(self, changes: Iterable[Keep | Forget]) -> list[Sealed | Forget]:
        """What `put` will write; all that can fail of a change fails here."""
        return [change if isinstance(change, Forget) else self._row(change) for change in changes]

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

    def seal_anew(self, after: Mark) -> Page:
        """Seal the next rows with the newest key, if they are not, inside the open transaction.

        They are read in it too: what was forgotten does not come back, and what was changed stays
        as it was changed.
        """
        upto, last = self._page(after)
        fresh, damaged = [], list[str]()
        for row in [] if upto is None else self._log.sealed_between(after, upto):
            if row.key_id == self._ring.current:
                continue
            try:
                value = self._open(row, self._ring)
            except VaultDamaged as error:
                damaged.append(str(error))
                continue
            key_id, nonce, sealed = self._sealed(row.kind, row.id, value)
            fresh.append(row._replace(key_id=key_id, nonce=nonce, sealed=sealed))
        self._log.seal(*fresh)
        return Page(None if last else upto, len(fresh), len(damaged), next(iter(damaged), None))

    def _page(self, after: Mark) -> tuple[Mark | None, bool]:
        """Where the page behind a place ends, None when there is none; whether it is the last."""
        sizes = self._log.sizes(after, PAGE_ROWS)
        upto, left = None, PAGE_BYTES_MAX
        for kind, id, size_bytes in sizes:
            left -= size_bytes
            if left < 0 and upto is not None:
                return upto, False
            upto = (kind, id)
        return upto, len(sizes) < PAGE_ROWS

    def _row(self, keep: Keep) -> Sealed:
        until = None if keep.expires_at is None else keep.expires_at.isoformat()
        sealed = self._sealed(keep.kind, keep.id, keep.value)
        return Sealed(keep.kind, keep.id, *sealed, expires_at=until, owner=keep.owner)

    def _sealed(self, kind: str, id: str, value: bytes) -> tuple[str, bytes, bytes]:
        """The id of the newest key, a nonce, and the value sealed with both."""
        ring, nonce = self._ring, os.urandom(NONCE_BYTES)
        aad = _additional(kind, id, ring.current)
        return ring.current, nonce, ring.newest.encrypt(nonce, value, aad)

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
            self._open(row, self._ring)

    def prove(self) -> int:
        """Open every row; answers how many there are. Raises VaultDamaged."""
        ring = self._ring
        rows = archive(self._log.place).beside(self._log.place).vault
        for row in rows:
            self._open(row, ring)
        return len(rows)

    def counts(self) -> dict[str, int]:
        """How many rows each key has, by its id; read on a connection of its own."""
        return archive(self._log.place).counts(self._log.place)

    def _open(self, row: Sealed, ring: Ring) -> bytes:
        """The value of a row that was read after the ring was looked at."""
        # A key that was drawn since then is in the ring of now.
        cipher = ring.cipher(row.key_id) or self._ring.cipher(row.key_id)
        try:
            if cipher is not None:
                return cipher.decrypt(
                    row.nonce, row.sealed, _additional(row.kind, row.id, row.key_id)
                )
        except InvalidTag:
            raise VaultDamaged(f"vault entry {row.kind} of {row.id} cannot be opened") from None
        raise VaultDamaged(
            f"vault entry {row.kind} of {row.id} cannot be opened; it was sealed with another"
            " master key, or its own key is gone"
        )


def _additional(kind: str, id: str, key_id: str) -> bytes:
    return f"{kind}\0{id}\0{key_id}".encode()
