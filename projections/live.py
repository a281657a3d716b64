"""What goes out live: events as frames, encoded once, in one ring that every client reads along.

A frame has `type` and `event` (the same name, for clients of the existing product), `timestamp`,
`position`, `actor`, and the event's own fields. A client is a cursor into the ring and costs no
queue; who is behind the ring's oldest frame reads the log instead. Progress is shown by frames
without a position: it is not an event and is not replayed.
"""

import asyncio
import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from domain import freshness, model_runs, monitor_runs, syncs
from domain.kernel import Event, Recorded

RING_FRAMES_MAX: Final = 20_000
RING_BYTES_MAX: Final = 16 * 1024 * 1024

_encode: Final = msgspec.json.Encoder().encode

Fields = dict[str, Any]


class Frame(msgspec.Struct, frozen=True):
    """One message to clients. `position` is that of the event it tells of, None for progress."""

    position: int | None
    kind: str
    permission: str
    data: str


# What a type's frame carries beside or instead of the event's own fields. Names that the reference
# or the existing product's clients know are kept; lists that can be long stay in the log.
_SHAPES: Final[Mapping[type[Event], Callable[[Any], Fields]]] = {
    syncs.SyncCompleted: lambda e: {
        "source": e.source,
        "job": e.job,
        "rows": e.rows,
        "rows_loaded": e.rows,
        "file_count": e.file_count,
        "file_bytes": e.file_bytes,
        "duration_seconds": e.duration_s,
        "snapshot": e.snapshot,
    },
    syncs.SyncFailed: lambda e: {
        "source": e.source,
        "job": e.job,
        "error": e.reason,
        "file": e.file,
        "line": e.line,
        "duration_seconds": e.duration_s,
    },
    model_runs.ModelCompleted: lambda e: {
        "model": e.model,
        "job": e.job,
        "status": e.status,
        "rows": e.rows,
        "error": e.message,
        "file": e.file,
        "line": e.line,
        "duration_seconds": e.duration_s,
        "snapshot": e.snapshot,
    },
    # Parts are values of rows: a replay must not tell what has been found to be personal since.
    monitor_runs.MonitorEvaluated: lambda e: {
        name: value for name, value in _fields(e).items() if name != "drill_down"
    },
}
# What clients know under another name than the log's.
_NAMES: Final[Mapping[type[Event], str]] = {
    model_runs.ModelStarted: "dbt_run_started",
    model_runs.ModelCompleted: "dbt_run_completed",
}


def frames(recorded: Recorded) -> list[Frame]:
    """The frames of one event.

    Only the last one shows the position: a client that is cut off between them resumes before
    the event, and gets all of them again.
    """
    event = recorded.event
    shape = _SHAPES.get(type(event))
    fields = shape(event) if shape is not None else _fields(event)
    found = []
    if isinstance(event, syncs.SyncCompleted | freshness.SourceTurnedStale):
        source = {"source": event.source}
        found.append(_frame(recorded, "freshness_update", source))
    own = {
        "position": recorded.position,
        "actor": recorded.actor,
        "stream": recorded.stream,
        "correlation": recorded.correlation,
        **fields,
    }
    found.append(_frame(recorded, _NAMES.get(type(event), recorded.type), own))
    return found


def progress(at: datetime, permission: str, kind: str, fields: Fields) -> Frame:
    """A frame that shows how far something is."""
    return Frame(None, kind, permission, _text(kind, at, fields))


def _fields(event: Event) -> Fields:
    fields: Fields = msgspec.to_builtins(event)
    fields.pop("type", None)
    return fields


def _frame(recorded: Recorded, kind: str, fields: Fields) -> Frame:
    text = _text(kind, recorded.at, fields)
    return Frame(recorded.position, kind, recorded.event.permission, text)


def _text(kind: str, at: datetime, fields: Fields) -> str:
    return _encode({"type": kind, "event": kind, "timestamp": at, **fields}).decode()


class Ring:
    """The newest frames in order. A cursor counts frames since the start of the process."""

    def __init__(self, head: int) -> None:
        """`head` is the position after which the ring begins."""
        self.head = head
        self.oldest = head  # all events after this position are in the ring
        self._frames: list[Frame] = []
        self._positions: list[int] = []  # of the last event at or before each frame
        self._first = 0  # the cursor of the first frame in the list
        self._bytes = 0
        self._news = asyncio.Event()

    @property
    def end(self) -> int:
        """The cursor behind the newest frame."""
        return self._first + len(self._frames)

    def publish(self, new: Iterable[Frame]) -> None:
        """Add frames and wake all who wait."""
        for frame in new:
            self.head = frame.position or self.head
            self._frames.append(frame)
            self._positions.append(self.head)
            self._bytes += len(frame.data)
        if len(self._frames) > RING_FRAMES_MAX or self._bytes > RING_BYTES_MAX:
            self._shrink()
        news, self._news = self._news, asyncio.Event()
        news.set()

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Publish events; the writer's listener."""
        self.publish(frame for each in recorded for frame in frames(each))

    def cursor(self, position: int) -> int | None:
        """Where the frames after a position begin; None when some of them are gone."""
        if position < self.oldest:
            return None
        return self._first + bisect.bisect_right(self._positions, position)

    def read(self, cursor: int, limit: int) -> Sequence[Frame] | None:
        """The next frames from a cursor on; None when the ring has passed it by."""
        start = cursor - self._first
        return None if start < 0 else self._frames[start : start + limit]

    async def wait(self, cursor: int) -> None:
        """Wait until there is something behind a cursor."""
        while cursor >= self.end:
            await self._news.wait()

    def _shrink(self) -> None:
        """Drop the older half: cheap on the average, and no cursor is told."""
        count = max(1, len(self._frames) // 2)
        self._bytes -= sum(len(frame.data) for frame in self._frames[:count])
        self.oldest = self._positions[count - 1]
        self._first += count
        del self._frames[:count], self._positions[:count]
