"""What the server needs of an event log, whichever database keeps it.

`Log` is an open log with one writer. `Archive` is what the module of each database offers to who
only reads, from any process: it takes a place, which is the path of an SQLite file, or
`postgresql://…#schema`.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple, Protocol

from eventsourcing.dcb.api import DCBQuery

from infra.log.envelope import Record

Place = Path | str
Row = tuple[int, str, bytes, bytes]  # position, type, tags, data
Link = tuple[int, bytes, bytes, bytes, bytes]  # position, type, tags, data, hash
Mark = tuple[str, str]  # kind and id: a place among the rows of the vault, which lie in this order


class Failure(Enum):
    """What an error of the database means for what was to be written."""

    FULL = "full"  # nothing was written; space is wanting
    BUSY = "busy"  # nothing was written; try again
    LOST = "lost"  # the outcome is unknown; nothing may be written until a restart
    BUG = "bug"  # nothing was written; the statement is wrong


class LogInUse(Exception):
    """Another server holds this log."""


class Sealed(NamedTuple):
    """A row of the vault; `expires_at` is in ISO 8601."""

    kind: str
    id: str
    key_id: str
    nonce: bytes
    sealed: bytes
    expires_at: str | None
    owner: str | None


class Beside(NamedTuple):
    """All rows of a log that are no events, for who moves it."""

    vault: list[Sealed]
    keys: list[tuple[str, bytes, bytes]]
    policies: list[tuple[str, int]]


class Log(Protocol):
    """An open log. What moves within a transaction belongs to the writer's thread alone."""

    unerased: bool  # something was deleted from the vault or the keys since `erase` came to its end
    last: int  # the last position, as the open transaction sees it
    errors: tuple[type[Exception], ...]  # what its database raises

    @property
    def place(self) -> str:
        """What another process needs to read it."""

    @property
    def digest(self) -> bytes:
        """The hash of the last record, as the open transaction sees it."""

    def failure(self, error: Exception) -> Failure | None:
        """What an error means; None when the open transaction can go on without its statement."""

    def begin(self) -> None:
        """Take the write lock; what is read from here on cannot change until the commit."""

    def commit(self) -> None:
        """Make it durable: returns after the disk has it."""

    def rollback(self) -> None:
        """Forget everything since `begin`."""

    def insert(self, records: Sequence[Record]) -> int:
        """Append within the open transaction; answers the last position."""

    def select(
        self,
        query: DCBQuery | None,
        *,
        after: int = 0,
        upto: int | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        """Matching rows as the open transaction sees them."""

    def at(self, position: int) -> tuple[Row, bytes] | None:
        """One committed row and its hash."""

    def fetch(self, query: DCBQuery | None, *, after: int = 0, limit: int | None) -> list[Row]:
        """Matching committed rows."""

    def head(self) -> int:
        """The last committed position, 0 when the log is empty."""

    def close(self) -> None:
        """Give back its connections."""

    # beside the events

    def policy_position(self, name: str) -> int | None:
        """How far a policy has acted; None when it is new here."""

    def move_policy(self, name: str, position: int) -> None:
        """Note how far a policy has acted, within the open transaction."""

    def key(self, name: str) -> tuple[bytes, bytes] | None:
        """Nonce and sealed value of a key."""

    def all_keys(self) -> list[tuple[str, bytes, bytes]]:
        """Name, nonce and sealed value of all keys."""
        ...

    def put_key(self, name: str, nonce: bytes, sealed: bytes) -> None:
        """Keep a key by a name that none has, within the open transaction."""

    def change_key(self, name: str, nonce: bytes, sealed: bytes) -> None:
        """Keep a key that is there in another seal, within the open transaction."""

    def drop_key(self, name: str) -> None:
        """Delete a key, within the open transaction."""

    def sealed(self, kind: str, id: str) -> Sealed | None:
        """A committed row of the vault."""

    def vault_bytes(self) -> int:
        """What the values of the vault take, sealed."""
        ...

    def any_sealed(self) -> Sealed | None:
        """Some committed row of the vault."""

    def key_ids(self) -> set[str]:
        """The keys that rows of the vault are sealed with, as the open transaction sees them."""
        ...

    def sizes(self, after: Mark, limit: int) -> list[tuple[str, str, int]]:
        """Kind, id and sealed bytes of the next rows, as the open transaction sees them."""
        ...

    def sealed_between(self, after: Mark, upto: Mark) -> list[Sealed]:
        """The rows behind a place up to another one, as the open transaction sees them."""
        ...

    def seal(self, *rows: Sealed) -> None:
        """Put rows into the vault, within the open transaction."""

    def forget(self, kind: str | None, id: str) -> None:
        """Delete from the vault, within the open transaction; without a kind all of an id."""

    def has_expired(self, now: str) -> bool:
        """Whether a committed row of the vault has run out."""

    def expire(self, now: str) -> None:
        """Delete from the vault what has run out, within the open transaction."""

    def erase(self) -> None:
        """Leave no copy of what was deleted from the vault beside its table; tries again later.

        Between two transactions. What the database keeps elsewhere for itself is not reached.
        """

    def replace_beside(self, rows: Beside) -> None:
        """Put these rows in place of all that are no events, within the open transaction."""


class Archive(Protocol):
    """The module of a database, for who only reads, and for who makes and moves logs."""

    @property
    def ERRORS(self) -> tuple[type[Exception], ...]:  # noqa: N802 - a constant of the module
        """What its database raises."""

    def shown(self, place: Place) -> str:
        """The place in words for people, without secrets."""

    def exists(self, place: Place) -> bool:
        """Whether there is a log."""

    def discard(self, place: Place) -> None:
        """Delete a log, if there is one."""

    def rename(self, place: Place, new: Place) -> None:
        """Give a log that nobody has open another name."""

    def stream(
        self,
        place: Place,
        after: int = 0,
        *,
        upto: int | None = None,
        types: Sequence[str] | None = None,
    ) -> Iterator[Row]:
        """All rows, or those of some types, in order, in pages, on a connection of its own."""

    def links(self, place: Place, after: int = 0) -> Iterator[Link]:
        """All records with their stored hashes, as they lie there."""

    def beside(self, place: Place) -> Beside:
        """All rows that are no events."""

    def counts(self, place: Place) -> dict[str, int]:
        """How many rows of the vault are sealed with each key, by its id."""
        ...

    def misplaced_tag(self, place: Place, unwanted: Callable[[], bool] = bool) -> int | None:
        """The first position where the tags by which events are found are not those they carry.

        Ends without an answer, or with an error, once it is `unwanted`.
        """
