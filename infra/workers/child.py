"""The child process: `python -P -m infra.workers.child KIND`, with a socket as its standard input.

The socket is moved to a descriptor of its own and standard output is sent to standard error, so
that nothing which a library prints can break the protocol.
"""

import importlib
import os
import queue
import socket
import sys
import threading

import msgspec

from commands import ports
from infra.workers import limits, secrecy, wire
from infra.workers.desk import Desk, Run
from infra.workers.kinds import Kind


class Line:
    """The connection to the server. The end of it is the end of this process."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = connection.makefile("rb")
        self._sending = threading.Lock()
        self.tasks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.grants: queue.SimpleQueue[None] = queue.SimpleQueue()

    def receive(self) -> tuple[wire.Tag, bytes]:
        """Wait for one message; leave when the server is gone."""
        header = self._reader.read(wire.HEADER.size)
        if len(header) < wire.HEADER.size:
            os._exit(0)
        tag, length = wire.HEADER.unpack(header)
        return wire.Tag(tag), self._reader.read(length)

    def listen(self) -> None:
        """Sort what comes in; a thread of its own, so that a busy child notices the end too."""
        while True:
            tag, payload = self.receive()
            if tag is wire.Tag.GRANTED:
                self.grants.put(None)
            else:
                self.tasks.put(payload)

    def send(self, data: bytes) -> None:
        """Send one frame; whole frames only, from whichever thread."""
        with self._sending:
            self._connection.sendall(data)


def main() -> None:
    """Take the start message, warm up, then do one task after the other."""
    line = Line(socket.socket(fileno=os.dup(0)))
    _protect_standard_streams()
    secrecy.watch_prints()
    _, payload = line.receive()
    start = msgspec.json.decode(payload, type=wire.Start)
    isolated = not start.kind.network and limits.leave_network()
    limits.die_with(start.parent)
    limits.before_start(start.kind)
    threading.Thread(target=line.listen, daemon=True).start()
    try:
        run: Run = importlib.import_module(start.kind.handler).start(start.config)
    except ports.WorkFailed as failed:
        line.send(_ended(wire.Tag.DIED, failed))
        return
    except Exception as bug:  # noqa: BLE001 - the edge of the process
        secrecy.log.error("the %s worker could not start", start.kind.name, exc_info=bug)
        reason = f"The {start.kind.name} worker could not start ({type(bug).__name__})."
        line.send(wire.frame(wire.Tag.DIED, wire.ending(reason, {})))
        return
    limits.after_start(start.kind)
    line.send(wire.frame(wire.Tag.READY, msgspec.json.encode({"isolated": isolated})))
    desk = Desk(line.send, line.grants)
    while True:
        task = line.tasks.get()
        limits.before_task(start.kind)
        answer, alive = perform(start.kind, run, task, desk)
        line.send(answer)
        if not alive:
            return


def perform(kind: Kind, run: Run, task: bytes, desk: Desk) -> tuple[bytes, bool]:
    """Do one task; the frame to answer with, and whether this process is fit for another one."""
    try:
        result = msgspec.json.encode(run(msgspec.Raw(task), desk))
    except ports.WorkRefused as refused:
        return _ended(wire.Tag.REFUSED, refused, task), True
    except ports.WorkDied as died:
        return _ended(wire.Tag.DIED, died, task), False
    except ports.WorkFailed as failed:
        return _ended(wire.Tag.FAILED, failed, task), True
    except MemoryError:
        reason = "The worker ran out of memory: this needs more than it may have."
        return wire.frame(wire.Tag.DIED, wire.ending(reason, {"limit": "memory"})), False
    except Exception as bug:  # noqa: BLE001 - the edge of the process; the text may hold data
        secrecy.log.error("the %s worker failed", kind.name, exc_info=bug)
        reason = f"The {kind.name} worker failed unexpectedly ({type(bug).__name__})."
        return wire.frame(wire.Tag.FAILED, wire.ending(reason, {})), True
    if len(result) > kind.result_bytes_max:
        reason = f"The result is larger than {kind.result_bytes_max} bytes."
        return wire.frame(wire.Tag.FAILED, wire.ending(reason, {"bytes": len(result)})), True
    return wire.frame(wire.Tag.RESULT, result), True


def _ended(tag: wire.Tag, failed: ports.WorkFailed, task: bytes = b"") -> bytes:
    """Say why there is no result, without secrets that do not stand in the task itself."""
    told = task.decode(errors="replace")
    facts = {
        name: secrecy.hidden(value, told) if isinstance(value, str) else value
        for name, value in failed.facts.items()
    }
    return wire.frame(tag, wire.ending(secrecy.hidden(failed.reason, told), facts))


def _protect_standard_streams() -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    sys.stdout.flush()
    os.dup2(2, 1)


if __name__ == "__main__":
    main()
