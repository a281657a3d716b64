"""The events of a log, decoded, in order."""

from collections.abc import Iterator

from domain.kernel import Recorded
from infra.log.envelope import Codec, Record
from infra.log.places import archive
from infra.log.port import Place


def replay(codec: Codec, log: Place, *, upto: int | None = None) -> Iterator[Recorded]:
    """From the first to the last, or to `upto`. Raises UnknownEvent."""
    for position, kind, _, data in archive(log).stream(log, upto=upto):
        yield codec.open(position, kind, data)


def chained(log: Place, after: int = 0) -> Iterator[tuple[int, Record, bytes]]:
    """All records behind a position, with their stored hashes."""
    for position, kind, labels, data, digest in archive(log).links(log, after):
        yield position, Record(kind.decode(errors="replace"), labels, data), digest
