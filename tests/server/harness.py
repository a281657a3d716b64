"""The real server as a child process, over a copy of the template project."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.forks import Forked, Forks
from tests.server.template import People

ROOT = Path(__file__).resolve().parents[2]
SERVE = ("-m", "infra.main")
READY_S = 30.0
STOP_S = 20.0
STEP_S = 0.01
WAIT_S = 20.0
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # not used, but each client would load its own one
ASK_S = 5.0  # that one question whether it is ready may take
LOOK_S_MAX = ASK_S + 1.0  # between two looks; when it is more, we did not run ourselves
STOOD_STILL_S = 0.5  # what that is charged with


class Patience:
    """Time that runs out while we run: a machine that sleeps, or stops us all, is not slow.

    Where each look takes so long by itself, the timeout of the whole test is what ends it.
    """

    def __init__(self, timeout_s: float) -> None:
        self._left_s, self._looked = timeout_s, time.monotonic()

    def ended(self) -> bool:
        now = time.monotonic()
        gap_s, self._looked = now - self._looked, now
        self._left_s -= gap_s if gap_s <= LOOK_S_MAX else STOOD_STILL_S
        return self._left_s < 0


def until(found: Callable[[], object], timeout_s: float = WAIT_S, step_s: float = 0.02) -> object:
    """Ask until the answer is true, and give it; fail when the time runs out."""
    patience = Patience(timeout_s)
    while True:
        if answer := found():
            return answer
        if patience.ended():
            pytest.fail(f"not within {timeout_s} s")
        time.sleep(step_s)


def tell(line: str) -> None:
    """Show a figure: `pytest -rP` prints what passing tests tell."""
    sys.stdout.write(f"{line}\n")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children(pid: int) -> set[int]:
    """The processes that a process has started and that live."""
    found = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.update(int(word) for word in task.read_text().split())
    return found


def rss(pid: int) -> int:
    """The memory that a process holds, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Server:
    """One project and the server process on it, which may be started and ended many times."""

    def __init__(
        self,
        root: Path,
        people: People,
        program: tuple[str, ...] | None = None,
        forks: Forks | None = None,
    ) -> None:
        self.root, self.people = root, people
        self._program, self._forks = program or SERVE, forks
        self.under: tuple[str, ...] = ()  # a command that runs the server and leaves its pid to it
        self.port = free_port()
        self.log = root.with_name(f"{root.name}.log")
        self.process: subprocess.Popen[bytes] | Forked | None = None
        self._clients: list[httpx.Client] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def spawn(self) -> subprocess.Popen[bytes] | Forked:
        """Start the command line's own server; do not wait for it."""
        words = ("serve", "--project", str(self.root))
        where = ("--host", "127.0.0.1", "--port", str(self.port))
        if self._forks is not None:
            self.process = self._forks.spawn((*words, *where), str(self.root), str(self.log))
            return self.process
        command = (sys.executable, *self._program, *words)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                (*self.under, *command, *where),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.root,
                env=environment,
            )
        return self.process

    def start(self) -> float:
        """Start it and wait until it is ready; answers after how many seconds it was."""
        begun, patience = time.monotonic(), Patience(READY_S)
        process = self.spawn()
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.get_ready() == 200:
                    return time.monotonic() - begun
            if process.poll() is not None:
                pytest.fail(f"the server ended with {process.returncode}:\n{self.text()[-2000:]}")
            if patience.ended():
                pytest.fail(f"the server was not ready in {READY_S} s:\n{self.text()[-2000:]}")
            time.sleep(STEP_S)

    def get_ready(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ASK_S)
        with contextlib.closing(connection):
            connection.request("GET", "/api/health/ready")
            return connection.getresponse().status

    def kill(self) -> set[int]:
        """Kill -9; answers the children that it had, when they are gone too."""
        assert self.process is not None
        had = children(self.pid)
        self.process.kill()
        self.process.wait(STOP_S)
        until(lambda: not any(lives(pid) for pid in had), 5.0)
        return had

    def stop(self, timeout_s: float = STOP_S) -> float:
        """SIGTERM; answers after how many seconds it was gone."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout_s)
        return time.monotonic() - begun

    def close(self) -> None:
        for client in self._clients:
            client.close()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(STOP_S)

    def text(self) -> str:
        """What the server has logged."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def client(
        self, *, session: str | None = None, key: str | None = None, **headers: str
    ) -> httpx.Client:
        """A client with somebody's cookie or API key, by the name in `people`."""
        cookies = {"dango_session": self.people.sessions[session]} if session else {}
        if key is not None:
            headers["authorization"] = f"Bearer {self.people.keys[key]}"
        client = httpx.Client(
            base_url=self.url, cookies=cookies, headers=headers, timeout=60, verify=TLS
        )
        self._clients.append(client)
        return client

    # what tests ask again and again

    def head(self, client: httpx.Client) -> int:
        return client.get("/api/health/ready").json()["position"]

    def job(self, client: httpx.Client, job: int, timeout_s: float = 60.0) -> dict:
        """The job's status once it has ended."""

        def ended():
            status = client.get(f"/api/sync/status/{job}").json()
            return status if status["status"] not in ("queued", "running") else None

        return until(ended, timeout_s)

    def sync(self, client: httpx.Client, source: str, **body) -> dict:
        answer = client.post(f"/api/sources/{source}/sync", json=body)
        assert answer.status_code == 200, answer.text
        return self.job(client, answer.json()["job_id"])

    def rows(self, client: httpx.Client, sql: str) -> list:
        answer = client.post("/api/query", json={"sql": sql})
        assert answer.status_code == 200, answer.text
        return answer.json()["rows"]

    def events(self, client: httpx.Client, **query) -> list[dict]:
        answer = client.get("/api/events", params={"after": 0, "limit": 1000, **query})
        assert answer.status_code == 200, answer.text
        return answer.json()["events"]


@contextlib.contextmanager
def copied(
    template: tuple[Path, People],
    root: Path,
    program: tuple[str, ...] | None = None,
    forks: Forks | None = None,
) -> Iterator[Server]:
    """A server on a copy of the template; not started."""
    shutil.copytree(template[0], root)
    server = Server(root, template[1], program, forks)
    try:
        yield server
    finally:
        server.close()
