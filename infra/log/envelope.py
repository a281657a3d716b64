"""How an event is written: an envelope in msgspec JSON, and a SHA-256 chain over all records.

A record is (type, tags, data). `data` holds the envelope with the event's fields inside; the
recorder sees opaque bytes. The chain hashes the previous hash and each part with its length before
it, so that no two records share an input:

    hash(n) = SHA-256(hash(n-1) | len type | type | len tags | tags | len data | data)

with lengths as unsigned 32-bit big-endian integers, `tags` as a JSON array, and hash(0) = 32 zero
bytes.
"""

import functools
import hashlib
import struct
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import msgspec

from domain.kernel import Event, Recorded, behind, tags
from domain.upcasters import Upcasters, upcast

GENESIS: Final = bytes(32)
LENGTH_BYTES: Final = 4
_force: Final = msgspec.structs.force_setattr
_sha256: Final = hashlib.sha256
_pack: Final = struct.Struct(">I").pack


Data = TypeVar("Data", bound=Event)


class Around(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What an envelope says of the event in it."""

    id: str
    at: datetime
    v: int = 1
    stream: str
    actor: str
    via: str
    command: str
    correlation: str
    causation: str | None = None
    request: str | None = None  # digest of the request, on the first event under an idempotency key


class Told(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the index of the log takes of it; the time as it is spelled there."""

    id: str
    at: str
    stream: str
    actor: str
    correlation: str
    causation: str | None = None


class Envelope(Around, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is stored in `data`."""

    data: msgspec.Raw


class Opened(Recorded, Generic[Data], frozen=True, kw_only=True, gc=False):
    """An envelope with the event itself: the event as recorded, at the position that is told."""

    position: int = 0
    event: Data = msgspec.field(name="data")
    v: int = 1
    stream: str  # as it is stored: it need not be put together anew


class Record(msgspec.Struct, frozen=True):
    """What the recorder stores, without position and hash."""

    type: str
    tags: bytes  # JSON array
    data: bytes


class UnknownEvent(Exception):
    """A stored event that cannot be decoded: written by a newer version, or damaged."""

    def __init__(self, position: int, kind: str, cause: str) -> None:
        super().__init__(f"event {position} ({kind}) cannot be read: {cause}")
        self.position = position


_Type = tuple[type[Event], msgspec.json.Decoder[Opened[Any]]]
_encode: Final = msgspec.json.Encoder().encode
_envelope: Final = msgspec.json.Decoder(Envelope)
_told: Final = msgspec.json.Decoder(Told)
_tags: Final = msgspec.json.Decoder(list[str])
_fields: Final = msgspec.json.Decoder(dict[str, Any])


def chain(previous: bytes, record: Record) -> bytes:
    """The hash of a record behind the one with hash `previous`."""
    return link(previous, record.type.encode(), record.tags, record.data)


def link(previous: bytes, kind: bytes, labels: bytes, data: bytes) -> bytes:
    """The same of a record's parts, for those who have millions."""
    # Written out: a call and a tuple less, for each of millions.
    parts = (previous, _pack(len(kind)), kind, _pack(len(labels)), labels, _pack(len(data)), data)
    return _sha256(b"".join(parts)).digest()


def framed(record: Record) -> bytes:
    """A record as the chain hashes it: each part with its length before it."""
    return b"".join(_frames(record.type.encode(), record.tags, record.data))


def _frames(kind: bytes, labels: bytes, data: bytes) -> tuple[bytes, ...]:
    return _pack(len(kind)), kind, _pack(len(labels)), labels, _pack(len(data)), data


def unframed(data: bytes) -> Record:
    """The record of such bytes. Raises ValueError."""
    parts, rest = [], memoryview(data)
    for _ in range(3):
        if len(rest) < LENGTH_BYTES:
            raise ValueError("a length is missing")
        (size,) = struct.unpack(">I", rest[:LENGTH_BYTES])
        rest = rest[LENGTH_BYTES:]
        if len(rest) < size:
            raise ValueError("a part is cut off")
        parts.append(bytes(rest[:size]))
        rest = rest[size:]
    if rest:
        raise ValueError("there is something behind the last part")
    kind, labels, fields = parts
    return Record(kind.decode(), labels, fields)


def seal(event: Recorded, *, marks: tuple[str, ...] = (), request: str | None = None) -> Record:
    """The record of an event; its position is given by the recorder. `marks` are further tags."""
    labels = tags(event.event)
    return Record(
        event.type,
        _encode(list(dict.fromkeys((*labels, *marks)))),
        _encode(
            Envelope(
                id=event.id,
                at=event.at,
                v=event.event.version,
                stream=labels[0],
                actor=event.actor,
                via=event.via,
                command=event.command,
                correlation=event.correlation,
                causation=event.causation,
                request=request,
                data=msgspec.Raw(_encode(event.event)),
            )
        ),
    )


@functools.cache
def _known(event: type[Event]) -> _Type:
    """A type with its decoder, which is made once: it takes 0.1 ms, and there are hundreds."""
    return event, msgspec.json.Decoder(Opened[event])  # type: ignore[valid-type]  # known at run time


def begun(prefix: str) -> bytes:
    """How the beginning of a tag is stored; labels without it have no such tag."""
    return _encode(prefix)[:-1]


class Codec:
    """Records to events and back, for a fixed set of event types."""

    def __init__(self, events: Iterable[type[Event]], upcasters: Upcasters) -> None:
        self._types: Mapping[str, _Type] = {event.type_name(): _known(event) for event in events}
        self._upcasters = upcasters

    def envelope(self, data: bytes) -> Envelope:
        """The envelope alone, the event's fields undecoded."""
        return _envelope.decode(data)

    def told(self, position: int, kind: str, data: bytes) -> Told:
        """What the envelope says, without the event in it. Raises UnknownEvent."""
        try:
            return _told.decode(data)
        except msgspec.MsgspecError as error:
            raise UnknownEvent(position, kind, str(error)) from error

    def behind(self, prefix: str, position: int, kind: str, labels: bytes) -> str | None:
        """What stands behind this in the first tag that begins so. Raises UnknownEvent."""
        try:
            return behind(prefix, _tags.decode(labels))
        except msgspec.MsgspecError as error:
            raise UnknownEvent(position, kind, str(error)) from error

    def opened(self, position: int, kind: str, data: bytes) -> Opened[Event]:
        """The event of a record, in its newest shape. Raises UnknownEvent."""
        try:
            known, decoder = self._types[kind]
            try:
                opened = decoder.decode(data)
                if opened.v != known.version:
                    opened = self._upcast(position, kind, known, data)
            except msgspec.ValidationError:  # an older shape need not fit the newest
                opened = self._upcast(position, kind, known, data)
        except KeyError:
            raise UnknownEvent(position, kind, "no such type") from None
        except msgspec.MsgspecError as error:
            raise UnknownEvent(position, kind, str(error)) from error
        _force(opened, "position", position)  # nobody else has it yet
        return opened

    def open(self, position: int, kind: str, data: bytes) -> Recorded:
        """The same, without what is only stored."""
        opened = self.opened(position, kind, data)
        return Recorded(
            position=position,
            id=opened.id,
            at=opened.at,
            event=opened.event,
            actor=opened.actor,
            via=opened.via,
            command=opened.command,
            correlation=opened.correlation,
            causation=opened.causation,
        )

    def _upcast(self, position: int, kind: str, known: type[Event], data: bytes) -> Opened[Event]:
        envelope = _envelope.decode(data)
        if envelope.v == known.version:  # tells what does not fit
            msgspec.json.decode(envelope.data, type=known)
        fields, version = upcast(self._upcasters, kind, envelope.v, _fields.decode(envelope.data))
        if version != known.version:
            raise UnknownEvent(position, kind, f"version {envelope.v} is not known")
        around = msgspec.structs.asdict(envelope)
        del around["data"], around["request"]
        return Opened(**around, event=msgspec.convert(fields, known))
