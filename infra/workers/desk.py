"""What a handler in a child may ask of the server: to be heard, to hold the write lease.

A handler module has `start(config: msgspec.Raw) -> Run`; `Run` takes one encoded task and the desk
and gives a result that msgspec can encode. It raises WorkRefused or WorkFailed with a sentence fit
for the user; anything else that it raises is a bug, logged here and answered without its text.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from commands import ports
from infra.workers import wire

PROGRESS_INTERVAL_S = 0.1

Run = Callable[[msgspec.Raw, "Desk"], Any]
Send = Callable[[bytes], None]


class Desk:
    """The child's side of the talk with the server, for the length of one task or more."""

    def __init__(self, send: Send, grants: "queue.SimpleQueue[None]") -> None:
        self._send = send
        self._grants = grants
        self._lock = threading.Lock()
        self._phase = ""
        self._next_at = 0.0

    def progress(self, progress: ports.Progress) -> None:
        """Show how far the work is; dropped when one of the same phase went out just before."""
        now = time.monotonic()
        with self._lock:
            if progress.phase == self._phase and now < self._next_at:
                return
            self._phase, self._next_at = progress.phase, now + PROGRESS_INTERVAL_S
        self._send(wire.frame(wire.Tag.PROGRESS, msgspec.json.encode(progress)))

    def report(self, told: msgspec.Struct) -> None:
        """Tell what became of a part of the task; unlike progress, each one arrives."""
        self._send(wire.frame(wire.Tag.REPORT, msgspec.json.encode(told)))

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Hold the warehouse's write lease; the server takes it back when this process dies."""
        self._send(wire.frame(wire.Tag.LEASE))
        self._grants.get()
        try:
            yield
        finally:
            self._send(wire.frame(wire.Tag.RELEASE))
