"""Servers that start without the time of their imports: forked from a process that has them.

`python -m tests.server.forks` reads one order in a line (JSON: words, folder, log, an optional
defect of tests/server/defects.py) and answers the process id of the server that it has forked.
What a server is, and how it begins, is the same; only Python and its modules are there already.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Forked:
    """A server process, with what the harness asks of a `subprocess.Popen`."""

    def __init__(self, pid):
        self.pid, self.returncode = pid, None
        self._handle = os.pidfd_open(pid)

    def poll(self):
        if self.returncode is None and select.select([self._handle], [], [], 0)[0]:
            self._ended()
        return self.returncode

    def wait(self, timeout_s):
        if self.returncode is None:
            if not select.select([self._handle], [], [], timeout_s)[0]:
                raise subprocess.TimeoutExpired("serve", timeout_s)
            self._ended()
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself just now
                signal.pidfd_send_signal(self._handle, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def _ended(self):
        os.close(self._handle)
        self.returncode = 0  # its parent knows the real one, and nobody asks


class Forks:
    """A process to fork servers from."""

    def __init__(self, defect=None):
        self._defect = defect
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.server.forks"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )

    def spawn(self, words, folder, log):
        order = {"words": words, "folder": folder, "log": log, "defect": self._defect}
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        return Forked(int(self._process.stdout.readline()))

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)


def become(order):
    """Turn this fork into the server."""
    from infra.main import main
    from tests.server import defects

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(order["folder"])
    said = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in ((0, nothing), (1, said), (2, said)):
        os.dup2(descriptor, number)
    if order["defect"] is not None:
        defects.plant(order["defect"])
    return main(order["words"])


def serve():
    """Fork on each order, until there are no more."""
    import infra.server  # noqa: F401 - so that no fork has to

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries them
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(become(order))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
