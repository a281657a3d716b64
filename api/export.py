"""GET /api/events/export: the log as CloudEvents 1.0, one in a line.

Nothing is lost on the way: `record` holds the bytes that the chain hashes (infra/log/envelope.py),
so that the file is proved without this program, and a log can be made of it:

    hash(n) = SHA-256(hash(n-1) | record(n)), with hash(0) = 32 zero bytes
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final
from urllib.parse import quote

import msgspec
from litestar.response import Stream

from api.call import Call
from api.errors import invalid
from projections.audit import Stored

PAGE_EVENTS: Final = 200  # in memory at once
MEDIA_TYPE: Final = "application/x-ndjson"


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. Names of extensions are lower case, and none is a list: the standard says so."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str
    position: int
    hash: str  # hex
    tags: str  # a JSON array
    actor: str
    via: str
    command: str
    correlationid: str
    causationid: str | None = None
    record: bytes  # base64
    data: msgspec.Raw


_encode: Final = msgspec.json.Encoder().encode


async def export_events(call: Call, *, after: int = 0, upto: int | None = None) -> Stream:
    """Export events as CloudEvents, one in a line: behind `after`, and no further than `upto`."""
    for name, bound in (("after", after), ("upto", upto)):
        if bound is not None and not 0 <= bound < 1 << 63:
            raise invalid(name, "is not a position")
    head = call.views.position  # fixed now, so that the export of a busy log ends
    last = head if upto is None else min(upto, head)
    return Stream(_lines(call, after, last), media_type=MEDIA_TYPE)


async def _lines(call: Call, after: int, last: int) -> AsyncIterator[bytes]:
    source = f"/dango/{quote(call.platform.settings.project_name, safe='')}"
    while after < last:
        page = await call.platform.history.stored(after, min(PAGE_EVENTS, last - after))
        if not page:
            raise RuntimeError(f"the log ends before {last}")
        yield b"".join(_encode(_cloud_event(stored, source)) + b"\n" for stored in page)
        after = page[-1].position


def _cloud_event(stored: Stored, source: str) -> CloudEvent:
    return CloudEvent(
        specversion="1.0",
        id=stored.id,
        source=source,
        type=stored.type,
        subject=stored.stream,
        time=stored.at,
        datacontenttype="application/json",
        position=stored.position,
        hash=stored.hash,
        tags=stored.tags,
        actor=stored.actor,
        via=stored.via,
        command=stored.command,
        correlationid=stored.correlation,
        causationid=stored.causation,
        record=stored.record,
        data=stored.data,
    )
