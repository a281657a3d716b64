"""A log from its export (api/export.py): each hash is computed again before anything is kept."""

import itertools
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from domain.registry import EVENTS
from domain.upcasters import UPCASTERS
from infra.log.envelope import GENESIS, Codec, Record, UnknownEvent, chain, unframed
from infra.log.places import archive, chained, open_log
from infra.log.port import Log, Place

PAGE_EVENTS: Final = 1_000
LINE_BYTES_MAX: Final = 64 * 1024 * 1024


class NotImported(Exception):
    """The file is no export of this log, or of a whole one. Nothing was changed."""


class Imported(msgspec.Struct, frozen=True):
    """What stands in the log now; `events` is how many of it came with this call."""

    events: int
    head: int
    hash: str


class _Line(msgspec.Struct, frozen=True):
    """What counts of a line; the rest is for other programs."""

    position: int
    hash: str
    record: bytes


class _Bad(Exception):
    """What is wrong with a line."""


_decode: Final = msgspec.json.Decoder(_Line).decode
_labels: Final = msgspec.json.Decoder(list[str]).decode


def load(place: Place, file: BinaryIO) -> Imported:
    """Append what the log has not yet; what it has must be what the file begins with.

    All or nothing, in one transaction. Vault and keys are in no export; what lies beside the
    events stays. Policies are told the new events at the next start, and find there what followed
    from them. Raises NotImported, and LogInUse when a server holds the log.
    """
    new = not archive(place).exists(place)
    log = open_log(place)
    try:
        before = log.last
        log.begin()
        try:
            _append(log, place, _records(file))
            log.commit()
        except BaseException:
            log.rollback()
            raise
        found = Imported(events=log.last - before, head=log.last, hash=log.digest.hex())
    except BaseException:
        log.close()
        if new:
            archive(place).discard(place)
        raise
    log.close()
    return found


def _append(log: Log, place: Place, records: Iterator[tuple[Record, bytes]]) -> None:
    for kept, (_, record, digest) in enumerate(chained(place), 1):
        ours = next(records, None)
        if ours is None:
            raise NotImported(f"The log has more events than the file, which ends at {kept - 1}.")
        if ours != (record, digest):
            raise NotImported(f"Line {kept}, position {kept}: the log has another event there.")
    while page := list(itertools.islice(records, PAGE_EVENTS)):
        log.insert([record for record, _ in page])
        if log.digest != page[-1][1]:
            raise NotImported(f"The log has changed before {log.last}.")
    if not log.last:
        raise NotImported("The file holds no events.")


def _records(file: BinaryIO) -> Iterator[tuple[Record, bytes]]:
    """The records of a file with their hashes, both as the chain proves them."""
    codec = Codec(EVENTS, UPCASTERS)
    digest = GENESIS
    for number in itertools.count(1):
        text = file.readline(LINE_BYTES_MAX)
        if not text:
            return
        try:
            record, digest = _proven(codec, text, number, digest)
        except (_Bad, UnknownEvent, ValueError) as error:
            raise NotImported(f"Line {number}, position {number}: {error}.") from None
        yield record, digest


def _proven(codec: Codec, text: bytes, number: int, before: bytes) -> tuple[Record, bytes]:
    if not text.endswith(b"\n"):
        raise _Bad("the line is cut off, or too long")
    line = _decode(text)
    if line.position != number:
        raise _Bad(f"event {number} is missing")
    record = unframed(line.record)
    digest = chain(before, record)
    if digest.hex() != line.hash:
        raise _Bad("its hash does not fit its content")
    _labels(record.tags)
    codec.open(number, record.type, record.data)
    return record, digest
