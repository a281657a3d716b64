"""What children print, as lines of the server's log: short ones, and not too many."""

import asyncio
import logging
import os

LINE_BYTES_MAX = 2000
LINES_PER_S_MAX = 50
READ_BYTES = 16 * 1024

log = logging.getLogger("infra.workers")


class Copier:
    """Reads one pipe until its end, on the event loop, and never keeps more than a line of it."""

    def __init__(self, name: str, pid: int, descriptor: int) -> None:
        self._label = f"{name}[{pid}]"
        self._descriptor = descriptor
        self._rest = b""
        self._second = 0
        self._lines = 0
        self._loop = asyncio.get_running_loop()
        os.set_blocking(descriptor, False)
        self._loop.add_reader(descriptor, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except BlockingIOError:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not data and self._rest:
            lines.append(self._rest)
        for line in lines:
            self._write(line)
        self._rest = self._rest[:LINE_BYTES_MAX]
        if not data:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)

    def _write(self, line: bytes) -> None:
        second = int(self._loop.time())
        if second != self._second:
            if self._lines > LINES_PER_S_MAX:
                log.warning("%s: %d lines dropped", self._label, self._lines - LINES_PER_S_MAX)
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines <= LINES_PER_S_MAX:
            text = line[:LINE_BYTES_MAX].decode("utf-8", "replace").rstrip()
            log.info("%s: %s", self._label, text)


def copy_lines(name: str, pid: int, descriptor: int) -> None:
    """Copy what comes out of the pipe to the log; closes the descriptor at its end."""
    Copier(name, pid, descriptor)
