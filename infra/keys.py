"""The keys of a project's log: the root key, what is derived from it, and the keys of its vault.

The root key is random and lies beside the events, sealed by a master key: so the master key can be
changed while digests in the log keep their meaning. The vault is sealed with a key derived from the
root key until its keys are rotated, and from then on with data keys: random ones that lie beside
the events in the same way. A row tells which key it was sealed with; the newest one seals.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.master_keys import KEY_BYTES, ROOT_NAME, MasterKeys, derive

if TYPE_CHECKING:  # the command line reads keys without any log
    from infra.log.port import Log

DATA: Final = "vault "  # the name of a data key: this and a number, of which the highest is newest
DERIVED: Final = 0  # the number of the key that is derived from the root key, and kept nowhere


class Ring:
    """The keys of the vault by their ids. It is never changed, only exchanged for another."""

    def __init__(self, keys: Mapping[int, tuple[str, bytes]]) -> None:
        """`keys` are ids and keys by their numbers."""
        self.number = max(keys)
        self.current = keys[self.number][0]
        self.numbers = {id: number for number, (id, _) in keys.items()}
        self._ciphers = {id: AESGCM(key) for id, key in keys.values()}

    def cipher(self, key_id: str) -> AESGCM | None:
        """What opens a row that carries this id."""
        return self._ciphers.get(key_id)

    @property
    def newest(self) -> AESGCM:
        """What seals."""
        return self._ciphers[self.current]


class Keys:
    """What a root key leads to; `id` names it without telling it."""

    def __init__(self, root: bytes, data: Mapping[int, bytes] | None = None) -> None:
        """`data` are data keys by their numbers."""
        self.id = _name(root)
        derived = {DERIVED: (self.id, derive(root, b"vault"))}
        drawn = {number: (_name(key), key) for number, key in (data or {}).items()}
        self.ring = Ring(derived | drawn)
        self._digest = hmac.new(derive(root, b"digest"), digestmod="sha256")

    def digest(self, kind: str, value: str) -> str:
        """HMAC-SHA256 of a value of a kind, as 64 hex digits.

        By a copy, which keeps the interpreter's lock: `hmac.digest` lets go of it, and then waits
        for it behind the writer.
        """
        mac = self._digest.copy()
        mac.update(f"{kind}\0{value}".encode())
        return mac.hexdigest()


def unlock(masters: MasterKeys, log: "Log") -> Keys:
    """The keys of a log at a start; a new one gets its root key. Raises KeyUnusable.

    What an older master key still seals is sealed anew under the first one.
    """
    if log.key(ROOT_NAME) is None:
        draw(masters, log, ROOT_NAME, alone=True)
    if any(not first for *_, first in _opened(masters, log)):
        log.begin()
        try:
            seal_anew(masters, log)
            log.commit()
        except BaseException:
            log.rollback()
            raise
    return read(masters, log)


def read(masters: MasterKeys, log: "Log") -> Keys:
    """The keys as they lie there, committed. Raises KeyUnusable."""
    found = {name: key for name, key, _ in _opened(masters, log)}
    data = {name.removeprefix(DATA): key for name, key in found.items() if name.startswith(DATA)}
    return Keys(found[ROOT_NAME], {int(number): key for number, key in data.items()})


def draw(masters: MasterKeys, log: "Log", name: str, *, alone: bool = False) -> None:
    """Keep a new key by this name, if none is: in the open transaction, or in one of its own."""
    if log.key(name) is not None:
        return
    nonce, sealed = masters.seal(name, secrets.token_bytes(KEY_BYTES))
    if alone:
        log.begin()
    log.put_key(name, nonce, sealed)
    if alone:
        log.commit()


def seal_anew(masters: MasterKeys, log: "Log") -> None:
    """Seal all keys under the first master key, in the open transaction. Raises KeyUnusable."""
    for name, key, first in _opened(masters, log):
        if not first:
            log.change_key(name, *masters.seal(name, key))


def _opened(masters: MasterKeys, log: "Log") -> list[tuple[str, bytes, bool]]:
    return [(name, *masters.open(name, nonce, sealed)) for name, nonce, sealed in log.all_keys()]


def _name(key: bytes) -> str:
    return hashlib.sha256(b"dango key id" + key).hexdigest()[:16]
