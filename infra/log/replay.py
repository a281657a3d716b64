"""The events of a log, decoded, in order."""

from collections.abc import Iterator
from pathlib import Path

from domain.kernel import Recorded
from infra.log.envelope import Codec
from infra.log.sqlite import stream


def replay(codec: Codec, log: Path, *, upto: int | None = None) -> Iterator[Recorded]:
    """From the first to the last, or to `upto`. Raises UnknownEvent."""
    for position, kind, _, data in stream(log, upto=upto):
        yield codec.open(position, kind, data)
