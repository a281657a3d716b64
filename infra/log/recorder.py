"""What the logs of both databases have in common.

The chain, the library's port, and the tables beside the events, in SQL that both take (`?` stands
for a value).

Positions are dense in both: they are counted under the write lock, never drawn from a sequence, so
that the order of positions is the order of commits, and a reader that tails the log misses none.
"""

import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from eventsourcing.dcb.api import (
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBReadResponse,
    DCBRecorder,
    DCBSequencedEvent,
)
from eventsourcing.persistence import IntegrityError

from infra.log.envelope import GENESIS, Record, chain
from infra.log.port import Beside, Mark, Row, Sealed

_VAULT: Final = "SELECT kind, id, key_id, nonce, sealed, expires_at, owner FROM vault"
_KEYS: Final = "SELECT name, nonce, sealed FROM keys"
_SEAL: Final = (
    "INSERT INTO vault VALUES (?,?,?,?,?,?,?) ON CONFLICT (kind, id) DO UPDATE SET"
    " key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed,"
    " expires_at = excluded.expires_at, owner = excluded.owner"
)

Rows = list[tuple[int, str, bytes, bytes, bytes]]  # position, type, tags, data, hash
Labels = list[tuple[str, str, int]]  # tag, type, position
_encode: Final = msgspec.json.Encoder().encode
_labels: Final = msgspec.json.Decoder(list[str])


class Recorder(DCBRecorder):
    """The parts of a log above its database. Its port, `infra.log.port.Log`, says what is what."""

    last: int
    _hash: bytes

    def __init__(self) -> None:
        self._appending = threading.RLock()
        self.unerased = True  # a crash may have left copies

    @abstractmethod
    def begin(self) -> None: ...
    @abstractmethod
    def commit(self) -> None: ...
    @abstractmethod
    def rollback(self) -> None: ...
    @abstractmethod
    def select(
        self,
        query: DCBQuery | None,
        *,
        after: int = 0,
        upto: int | None = None,
        limit: int | None = None,
    ) -> list[Row]: ...
    @abstractmethod
    def fetch(self, query: DCBQuery | None, *, after: int = 0, limit: int | None) -> list[Row]: ...
    @abstractmethod
    def head(self) -> int: ...

    @abstractmethod
    def _append(self, rows: Rows) -> None:
        """Write rows, and a row for each of their tags, within the open transaction."""

    @abstractmethod
    def _do(self, sql: str, *rows: Sequence[object]) -> None:
        """Write within the open transaction, once for each row of values."""

    @abstractmethod
    def _ask(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Read what is committed."""

    @abstractmethod
    def _see(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Read what the open transaction sees."""

    @property
    def digest(self) -> bytes:
        return self._hash

    def insert(self, records: Sequence[Record]) -> int:
        rows: Rows = []
        digest, position = self._hash, self.last
        for record in records:
            position += 1
            digest = chain(digest, record)
            rows.append((position, record.type, record.tags, record.data, digest))
        self._append(rows)
        self.last, self._hash = position, digest
        return position

    # beside the events

    def policy_position(self, name: str) -> int | None:
        rows = self._ask("SELECT position FROM policies WHERE name = ?", (name,))
        return int(rows[0][0]) if rows else None

    def move_policy(self, name: str, position: int) -> None:
        self._do(
            "INSERT INTO policies VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET position = excluded.position",
            (name, position),
        )

    def key(self, name: str) -> tuple[bytes, bytes] | None:
        rows = self._ask("SELECT nonce, sealed FROM keys WHERE name = ?", (name,))
        return (rows[0][0], rows[0][1]) if rows else None

    def put_key(self, name: str, nonce: bytes, sealed: bytes) -> None:
        self._do("INSERT INTO keys VALUES (?, ?, ?)", (name, nonce, sealed))

    def all_keys(self) -> list[tuple[str, bytes, bytes]]:
        return [(row[0], row[1], row[2]) for row in self._ask(_KEYS)]

    def change_key(self, name: str, nonce: bytes, sealed: bytes) -> None:
        self.unerased = True
        self._do("UPDATE keys SET nonce = ?, sealed = ? WHERE name = ?", (nonce, sealed, name))

    def drop_key(self, name: str) -> None:
        self.unerased = True
        self._do("DELETE FROM keys WHERE name = ?", (name,))

    def sealed(self, kind: str, id: str) -> Sealed | None:
        rows = self._ask(f"{_VAULT} WHERE kind = ? AND id = ?", (kind, id))
        return Sealed(*rows[0]) if rows else None

    def vault_bytes(self) -> int:
        (row,) = self._ask("SELECT coalesce(sum(length(nonce) + length(sealed)), 0) FROM vault")
        return int(row[0])

    def any_sealed(self) -> Sealed | None:
        rows = self._ask(f"{_VAULT} LIMIT 1")
        return Sealed(*rows[0]) if rows else None

    def key_ids(self) -> set[str]:
        return {key_id for (key_id,) in self._see("SELECT DISTINCT key_id FROM vault")}

    def sizes(self, after: Mark, limit: int) -> list[tuple[str, str, int]]:
        rows = self._see(
            "SELECT kind, id, length(sealed) FROM vault WHERE (kind, id) > (?, ?)"
            " ORDER BY kind, id LIMIT ?",
            (*after, limit),
        )
        return [(kind, id, int(size_bytes)) for kind, id, size_bytes in rows]

    def sealed_between(self, after: Mark, upto: Mark) -> list[Sealed]:
        where = f"{_VAULT} WHERE (kind, id) > (?, ?) AND (kind, id) <= (?, ?) ORDER BY kind, id"
        return [Sealed(*row) for row in self._see(where, (*after, *upto))]

    def seal(self, *rows: Sealed) -> None:
        self._do(_SEAL, *rows)

    def forget(self, kind: str | None, id: str) -> None:
        self.unerased = True
        if kind is None:
            self._do("DELETE FROM vault WHERE id = ? OR owner = ?", (id, id))
        else:
            self._do("DELETE FROM vault WHERE kind = ? AND id = ?", (kind, id))

    def has_expired(self, now: str) -> bool:
        return bool(self._ask("SELECT 1 FROM vault WHERE expires_at <= ? LIMIT 1", (now,)))

    def expire(self, now: str) -> None:
        self.unerased = True
        self._do("DELETE FROM vault WHERE expires_at <= ?", (now,))

    def erase(self) -> None:
        self.unerased = False

    def replace_beside(self, rows: Beside) -> None:
        """Put these rows in place of all that are no events, within the open transaction."""
        for table in ("vault", "keys", "policies"):
            self._do(f"DELETE FROM {table}", ())  # noqa: S608 - built of constants
        self.seal(*rows.vault)
        for key in rows.keys:
            self.put_key(*key)
        for policy in rows.policies:
            self.move_policy(*policy)

    # the library's port

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        rows = self.fetch(query, after=after or 0, limit=limit)
        head = (rows[-1][0] if rows else None) if limit is not None else self.head() or None
        return _Response(rows, head)

    def append(
        self, events: Sequence[DCBEvent], condition: DCBAppendCondition | None = None
    ) -> int:
        with self._appending:
            self.begin()
            try:
                if condition is not None and self.select(
                    condition.fail_if_events_match, after=condition.after or 0, limit=1
                ):
                    raise IntegrityError(condition)
                position = self.insert([Record(e.type, _encode(e.tags), e.data) for e in events])
                self.commit()
            except BaseException:
                self.rollback()
                raise
        self._appended()
        return position

    def _appended(self) -> None:
        """Wake those who subscribed, where the database does not."""


def labels(rows: Rows) -> Labels:
    """A row for each tag."""
    return [
        (tag, kind, position)
        for position, kind, tags, _, _ in rows
        for tag in set(_labels.decode(tags))
    ]


def all_beside(ask: Callable[[str], Sequence[tuple[Any, ...]]]) -> Beside:
    """All rows that are no events; `ask` runs one SELECT."""
    return Beside(
        [Sealed(*row) for row in ask(_VAULT)],
        [(row[0], row[1], row[2]) for row in ask(_KEYS)],
        [(row[0], row[1]) for row in ask("SELECT name, position FROM policies")],
    )


def counted(ask: Callable[[str], Sequence[tuple[Any, ...]]]) -> dict[str, int]:
    """How many rows are sealed with each key; `ask` runs one SELECT."""
    rows = ask("SELECT key_id, count(*) FROM vault GROUP BY key_id")
    return {key_id: int(count) for key_id, count in rows}


def tail(rows: Sequence[tuple[Any, ...]]) -> tuple[int, bytes]:
    """Position and hash of the last record, of the rows of a SELECT of it."""
    return (int(rows[0][0]), rows[0][1]) if rows else (0, GENESIS)


class _Response(DCBReadResponse):
    def __init__(self, rows: list[Row], head: int | None) -> None:
        self._rows = iter(rows)
        self._head = head

    @property
    def head(self) -> int | None:
        return self._head

    def __next__(self) -> DCBSequencedEvent:
        position, kind, labels, data = next(self._rows)
        return DCBSequencedEvent(DCBEvent(kind, data, _labels.decode(labels)), position)
