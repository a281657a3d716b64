"""What server and child say to each other: one tag byte, four bytes of length, then JSON."""

import enum
import struct
from typing import Any

import msgspec

from infra.workers.kinds import Kind

HEADER = struct.Struct(">BI")
# Progress and errors are small; only results may be larger, up to the kind's own bound.
MESSAGE_BYTES_MAX = 256 * 1024
REASON_CHARS_MAX = 2000


class Tag(enum.IntEnum):
    """Which message a frame holds."""

    START = 1  # to the child: Start
    TASK = 2  # to the child: the task
    GRANTED = 3  # to the child: it holds the write lease
    READY = 10
    PROGRESS = 11
    RESULT = 12
    REFUSED = 13  # Ending
    FAILED = 14  # Ending
    DIED = 15  # Ending; the child exits after it
    LEASE = 16  # asks for the write lease
    RELEASE = 17
    REPORT = 18  # what became of a part of the task; never dropped


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """The first message: what to be, and who is the parent."""

    kind: Kind
    config: msgspec.Raw
    parent: int


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """Why a task has no result."""

    reason: str
    facts: dict[str, Any] = {}


def frame(tag: Tag, payload: bytes = b"null") -> bytes:
    """Give one message as it goes over the socket."""
    return HEADER.pack(tag, len(payload)) + payload


def ending(reason: str, facts: dict[str, Any]) -> bytes:
    """Encode an ending; without its facts when they would be too large."""
    short = reason[:REASON_CHARS_MAX]
    payload = msgspec.json.encode(Ending(reason=short, facts=facts), enc_hook=str)
    if len(payload) <= MESSAGE_BYTES_MAX:
        return payload
    return msgspec.json.encode(Ending(reason=short))
