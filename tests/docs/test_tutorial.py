"""The tutorial's commands, as they stand on the page: each works and prints what the page shows."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.docs import pages

PAGE = pages.DOCS / "tutorials" / "first-project.md"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SERVE = "dango serve"
PORT = "8800"
READY_S = 60.0
INSTALLED = re.compile(r"^(?:make install|\. \.venv/bin/activate)\n", re.MULTILINE)


class Lesson:
    """A terminal: a folder, what was printed last, and a server in a second one."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])
        programs = folder / "bin"
        programs.mkdir()
        program = programs / "dango"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m infra.main "$@"\n')
        program.chmod(0o755)
        self.env = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(pages.ROOT),
            "HOME": str(folder),
            "DANGO_ADMIN_PASSWORD": "a tiger in the snow",
        }
        self.folder = folder / "repository"
        self.folder.mkdir()
        self.printed = ""
        self._server = None

    def type(self, body):
        body = INSTALLED.sub("", body).replace(PORT, self.port)
        done = subprocess.run(
            ["bash", "-eu", "-c", f"{body}\npwd > ../where"],  # noqa: S607
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, f"{body}\n{done.stdout}"
        self.folder = type(self.folder)((self.folder / "../where").read_text().strip())
        self.printed = done.stdout

    def serve(self, body):
        command = f"exec {body.strip()} --port {self.port}"
        self._server = subprocess.Popen(
            ["bash", "-c", command],  # noqa: S607
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + READY_S
        while not self._ready():
            assert self._server.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server did not get ready"
            time.sleep(0.1)

    def end(self):
        if self._server is not None:
            self._server.terminate()
            self._server.wait(timeout=30)

    def shows(self, line):
        """Whether a line of the page was printed; `…` stands for anything."""
        parts = (re.escape(" ".join(part.split())) for part in line.split("…"))
        wanted = r"\s*.*\s*".join(parts)
        printed = (" ".join(each.split()) for each in self.printed.splitlines())
        return any(re.fullmatch(wanted, each) for each in printed)

    def _ready(self):
        with contextlib.suppress(OSError):
            url = f"http://127.0.0.1:{self.port}/api/health/ready"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status == 200
        return False


@pytest.fixture
def lesson(tmp_path_factory):
    # A short path: the control socket's must fit into 100 bytes.
    lesson = Lesson(tmp_path_factory.mktemp("t"))
    yield lesson
    lesson.end()


@pytest.mark.timeout(300)  # seconds; it takes 40, but not on a machine that has much else to do
def test_the_tutorial_works_as_it_is_written(lesson):
    missing = []
    for kind, body in BLOCK.findall(pages.text(PAGE)):
        if kind == "sh":
            lesson.type(body)
        elif body.startswith(SERVE):
            lesson.serve(body)
        else:
            lines = [line for line in body.splitlines() if line.strip("─ ")]
            missing += [line for line in lines if not lesson.shows(line)]

    assert [] == missing
