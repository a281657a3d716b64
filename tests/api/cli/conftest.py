"""Projects to run commands on: one that nobody serves, and one behind a running server."""

import asyncio
import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from api import cli
from api.cli.output import Output
from infra.main import World
from tests.server.template import without_models, without_spares

REPOSITORY = Path(__file__).parents[3]
PROGRAM = "import sys; from infra.main import main; sys.exit(main())"
PASSWORD = "a tiger in the snow"
START_S = 60
STOP_S = 30

SOURCES = """\
version: "1.0"
sources:
  - {name: orders, type: csv, csv: {directory: data/uploads/orders}}
  - {name: broken, type: csv, enabled: false, csv: {directory: data/uploads/broken}}
"""


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Terminal(io.StringIO):
    """Text that a person looks at."""

    def isatty(self):
        return True


def run(*arguments, world=None, kind=io.StringIO):
    """Run a command in this process."""
    out, err = kind(), kind()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(out):
        code = asyncio.run(cli.main(arguments, world or World(), Output(out, err)))
    return Ran(code, out.getvalue(), err.getvalue())


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DANGO_")}
    return {**kept, "PYTHONPATH": str(REPOSITORY), **more}


def program(*arguments, stdin=b"", **variables):
    """Run a command as a program of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        env=environment(**variables),
        input=stdin,
        capture_output=True,
        check=False,
        timeout=START_S,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


@contextlib.contextmanager
def serving(*arguments):
    """A command that serves; answers the process and its URL, and expects a clean end."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    try:
        url = None
        while url is None and (line := process.stdout.readline()):
            lines.append(line)
            if line.startswith("Dango serves"):
                url = re.search(r"http://\S+", line)[0]
        assert url is not None, "".join(lines)
        yield process, url, lines
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=STOP_S)
    assert 0 == process.returncode, "".join(lines) + rest


def furnish(root):
    without_models(root)
    without_spares(root)
    (root / ".dango" / "sources.yml").write_text(SOURCES)
    for name, text in (("orders", "id,item\n1,tea\n2,rice\n"), ("broken", 'id,item\n1,"tea\n')):
        (root / "data" / "uploads" / name).mkdir(parents=True)
        (root / "data" / "uploads" / name / f"{name}.csv").write_text(text)


@pytest.fixture(autouse=True)
def _no_project_around(monkeypatch, tmp_path):
    for name in ("DANGO_PROJECT", "DANGO_ADMIN_PASSWORD", "DANGO_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project that nobody serves."""
    root = tmp_path_factory.mktemp("cli") / "shop"
    made = program("init", root, DANGO_ADMIN_PASSWORD=PASSWORD)
    assert 0 == made.code, made.err
    furnish(root)
    return root


@pytest.fixture
def alone(project, tmp_path):
    """A copy that a test may change, and commands on it."""
    root = tmp_path / "alone"
    shutil.copytree(project, root)

    def command(*arguments):
        return run(*arguments, "--project", str(root))

    command.root = root
    return command


@pytest.fixture(scope="module")
def served(project):
    """The project behind a running server."""
    with serving("serve", "--project", project, "--port", "0"):
        yield project
