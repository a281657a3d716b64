"""One child process as the server sees it: started, spoken to, killed, buried."""

import asyncio
import logging
import os
import signal
import site
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import msgspec

import infra
from commands import ports
from infra.workers import wire
from infra.workers.kinds import Kind
from infra.workers.log import copy_lines

UNHEARD = frozenset({wire.Tag.PROGRESS, wire.Tag.REPORT})  # when nobody listens
ENVIRONMENT_KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")

log = logging.getLogger("infra.workers")

OnProgress = Callable[[ports.Progress], None]
OnReport = Callable[[bytes], None]


class Process:
    """A child that is ready or at work on one task. Made by `spawn`."""

    def __init__(
        self,
        kind: Kind,
        process: asyncio.subprocess.Process,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        lease: asyncio.Lock | None,
    ) -> None:
        self.kind = kind
        self.tasks_done = 0
        self.isolated = False
        self._process = process
        self._reader, self._writer = streams
        self._lease = lease
        self._holds_lease = self._over = False
        self._farewell = ""
        self.buried = asyncio.create_task(self._bury())

    @property
    def pid(self) -> int:
        """The process id, which is the id of its process group as well."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """False as soon as its end is known."""
        return self._process.returncode is None and not self._reader.at_eof()

    async def perform(
        self, task: bytes, on_progress: OnProgress | None, on_report: OnReport | None = None
    ) -> bytes:
        """Give the task to the child; its encoded result, or what it raised."""
        self._send(wire.Tag.TASK, task)
        await self._drain()
        while True:
            tag, payload = await self._receive()
            if tag is wire.Tag.RESULT:
                self.tasks_done += 1
                return payload
            if tag is wire.Tag.PROGRESS and on_progress is not None:
                on_progress(msgspec.json.decode(payload, type=ports.Progress))
            elif tag is wire.Tag.REPORT and on_report is not None:
                on_report(payload)
            elif tag is wire.Tag.LEASE:
                await self._grant()
            elif tag is wire.Tag.RELEASE:
                self._release()
            elif tag not in UNHEARD:
                self._raise(tag, payload)

    def kill(self, farewell: str = "") -> None:
        """End the child and all that it started, now; `buried` tells when it is over."""
        self._farewell = self._farewell or farewell
        if self._process.returncode is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                log.debug("%s worker %d was gone already", self.kind.name, self.pid)

    async def ready(self) -> None:
        """Wait until the handler has warmed up."""
        try:
            async with asyncio.timeout(self.kind.start_s_max):
                tag, payload = await self._receive()
        except TimeoutError:
            self.kill()
            limit_s = self.kind.start_s_max
            reason = f"The {self.kind.name} worker was not ready after {limit_s:.0f} s."
            raise ports.WorkFailed(reason) from None
        if tag is not wire.Tag.READY:
            self._raise(tag, payload)
        self.isolated = msgspec.json.decode(payload, type=dict[str, bool])["isolated"]

    def greet(self, config: msgspec.Raw) -> None:
        """Send the start message."""
        start = wire.Start(kind=self.kind, config=config, parent=os.getpid())
        self._send(wire.Tag.START, msgspec.json.encode(start))

    def _send(self, tag: wire.Tag, payload: bytes = b"null") -> None:
        self._writer.write(wire.frame(tag, payload))

    async def _drain(self) -> None:
        try:
            await self._writer.drain()
        except ConnectionError:
            await self._died()

    async def _receive(self) -> tuple[wire.Tag, bytes]:
        try:
            header = await self._reader.readexactly(wire.HEADER.size)
            tag, length = wire.HEADER.unpack(header)
            if length > max(self.kind.result_bytes_max, wire.MESSAGE_BYTES_MAX):
                self.kill(f"The {self.kind.name} worker broke the protocol.")
                await self._died()
            return wire.Tag(tag), await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            await self._died()

    async def _grant(self) -> None:
        if self._lease is not None:
            await self._lease.acquire()
            self._holds_lease = True
            if self._over:
                # It died while it waited, or before what it sent was read: nobody else would give
                # the lease back, and every load would wait for ever.
                self._release()
        self._send(wire.Tag.GRANTED)
        await self._drain()

    def _release(self) -> None:
        if self._lease is not None and self._holds_lease:
            self._holds_lease = False
            self._lease.release()

    def _raise(self, tag: wire.Tag, payload: bytes) -> None:
        end = msgspec.json.decode(payload, type=wire.Ending)
        self.tasks_done += 1
        if tag is wire.Tag.REFUSED:
            raise ports.WorkRefused(end.reason, **end.facts)
        if tag is wire.Tag.DIED:
            self.kill()
            too_large = end.facts.get("limit") == "memory"
            died = ports.WorkTooLarge if too_large else ports.WorkDied
            raise died(end.reason, **end.facts)
        raise ports.WorkFailed(end.reason, **end.facts)

    async def _died(self) -> NoReturn:
        self.kill()
        code = await asyncio.shield(self.buried)
        reason = self._farewell or _cause(self.kind, code)
        raise ports.WorkDied(reason, exit_code=code)

    async def _bury(self) -> int:
        """Wait for the end, then give back all that the child held, the write lease last."""
        code = await self._process.wait()
        try:
            # What the child itself started outlives it otherwise.
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            log.debug("%s worker %d left nothing behind", self.kind.name, self.pid)
        self._writer.close()
        self._over = True
        self._release()
        return code


async def spawn(kind: Kind, config: msgspec.Raw, lease: asyncio.Lock | None) -> Process:
    """Start a child; it is not ready yet when this returns."""
    ours, theirs = socket.socketpair()
    log_read, log_write = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "infra.workers.child",
            kind.name,
            stdin=theirs.fileno(),
            stdout=log_write,
            stderr=log_write,
            cwd="/",
            env=environment(),
            start_new_session=True,
        )
    except BaseException:
        ours.close()
        os.close(log_read)
        raise
    finally:
        theirs.close()
        os.close(log_write)
    copy_lines(kind.name, process.pid, log_read)
    streams = await asyncio.open_connection(sock=ours)
    child = Process(kind, process, streams, lease)
    child.greet(config)
    return child


def environment() -> dict[str, str]:
    """Give the few variables that a child needs; no secret of the server's is among them."""
    kept = {name: os.environ[name] for name in ENVIRONMENT_KEPT if name in os.environ}
    root = str(Path(infra.__file__).resolve().parent.parent)
    # Site packages are found anyway, and must not come before the standard library.
    if root not in site.getsitepackages():
        kept["PYTHONPATH"] = root
    return kept


def _cause(kind: Kind, code: int) -> str:
    causes = {
        signal.SIGKILL: "was killed (the system may be out of memory)",
        signal.SIGXCPU: f"used more than its {kind.cpu_s_max} s of CPU time",
        signal.SIGXFSZ: f"wrote a file of more than its {kind.file_bytes_max} bytes",
        signal.SIGSEGV: "crashed (segmentation fault)",
        signal.SIGABRT: "crashed (abort; it may be out of memory)",
    }
    if code >= 0:
        return f"The {kind.name} worker ended by itself with exit code {code}."
    cause = causes.get(signal.Signals(-code), f"was ended by {signal.Signals(-code).name}")
    return f"The {kind.name} worker {cause}."
