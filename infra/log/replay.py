"""The events of a log, decoded, in order."""

from collections.abc import Iterator

from domain.kernel import Recorded
from infra.log.envelope import Codec
from infra.log.places import archive
from infra.log.port import Place


def replay(codec: Codec, log: Place, *, upto: int | None = None) -> Iterator[Recorded]:
    """From the first to the last, or to `upto`. Raises UnknownEvent."""
    for position, kind, _, data in archive(log).stream(log, upto=upto):
        yield codec.open(position, kind, data)
