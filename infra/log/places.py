"""Which database keeps a log. A driver is loaded only where it is used."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infra.log import sqlite
from infra.log.envelope import Record
from infra.log.port import Archive, Log, Place

SCHEMES: Final = ("postgresql://", "postgres://")


def remote(place: Place) -> bool:
    """Whether a log lies in PostgreSQL."""
    return str(place).startswith(SCHEMES)


def archive(place: Place) -> Archive:
    """Reading a log, from any process."""
    if not remote(place):
        return sqlite
    from infra.log import postgres_archive

    return postgres_archive


def chained(log: Place, after: int = 0) -> Iterator[tuple[int, Record, bytes]]:
    """All records behind a position, with their stored hashes."""
    for position, kind, labels, data, digest in archive(log).links(log, after):
        yield position, Record(kind.decode(errors="replace"), labels, data), digest


def beside(place: Place) -> str:
    """The place where a log is made, until it is whole and gets its name."""
    return f"{place}_new" if remote(place) else f"{place}.new"


def aside(place: Place, head: int, number: int = 1) -> Place:
    """A name for a log that has moved away at this position; further ones when it is taken."""
    more = "" if number == 1 else f"_{number}"
    return f"{place}_moved_{head}{more}" if remote(place) else f"{place}.moved-{head}{more}"


def open_log(place: Place) -> Log:
    """The log, for this process alone. Raises LogInUse."""
    if not remote(place):
        return sqlite.SQLiteLog(Path(place))
    from infra.log.postgres import PostgresLog

    return PostgresLog(str(place), alone=True)
