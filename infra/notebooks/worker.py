"""Handler of the kind "notebook": marimo for one notebook, in a process of its own below this one.

It listens on loopback alone, for who shows the token, which comes by a pipe: a command line can be
read by others. Its environment is made anew, and tells it where the warehouse is; its home is an
empty folder that goes with it. All are in one process group, so that they are killed together.
"""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from commands import ports
from infra.notebooks import marks
from infra.notebooks.files import NotebookFolder
from infra.notebooks.requests import Ended, Ready, Task
from infra.warehouse import attach, temporary
from infra.warehouse.settings import Settings
from infra.workers import secrecy
from infra.workers.desk import Desk, Run

SITE: Final = Path(__file__).parent / "site"
READY_S: Final = 60.0  # from its start until it can be talked to
STEP_S: Final = 0.1
TAIL_LINES_MAX: Final = 40  # of what it complained of are logged, when it ended badly
LINE_BYTES_MAX: Final = 1_000
REMOTE: Final = (
    "The warehouse of this server lies elsewhere, and its passwords are not given to notebooks: ask"
    " POST /api/query with an API key of yours."
)
OK: Final = 200
CONFIGURATION: Final = """\
[completion]
copilot = false
[package_management]
manager = "pip"
"""
_BEGIN: Final = """
import ctypes, os, runpy, sys
ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL: it does not outlive its worker
os.environ["DANGO_NOTEBOOK_SERVER"] = str(os.getpid())
sys.argv = ["marimo", *sys.argv[1:]]
runpy.run_module("marimo", run_name="__main__")
"""


def start(config: msgspec.Raw) -> Run:
    """Nothing to warm up: marimo takes a second, but is asked for seldom."""
    settings = msgspec.json.decode(config, type=Settings)

    def run(raw: msgspec.Raw, desk: Desk) -> Ended:
        task = msgspec.json.decode(raw, type=Task)
        secrecy.hide([task.token])
        home = temporary.own_folder(settings)
        try:
            return _run(settings, task, desk, home)
        finally:
            shutil.rmtree(home, ignore_errors=True)

    return run


def _run(settings: Settings, task: Task, desk: Desk, home: Path) -> Ended:
    folder = NotebookFolder(Path(task.root))
    if not folder.there(task.notebook):
        raise ports.WorkRefused("The notebook's file is not there, or a link.")
    path, port = folder.path(task.notebook), _free_port()
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _BEGIN, *_arguments(path, port, task.base)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,  # it would show the token
        stderr=subprocess.PIPE,
        cwd=path.parent,
        env=_environment(settings, task, home),
        start_new_session=False,  # our group: what kills us kills it
    )
    _tell(process.stdin, task.token)
    tail = _tail(process.stderr)
    _until_ready(process, port, task.base)
    desk.report(Ready(port=port))
    code = process.wait()
    if code:
        secrecy.log.warning("a notebook ended with %s: %s", code, secrecy.hidden("\n".join(tail)))
    return Ended(exit_code=code)


def _arguments(path: Path, port: int, base: str) -> list[str]:
    options = {
        "--host": "127.0.0.1",
        "--port": str(port),
        "--base-url": base,
        "--token-password-file": "-",
    }
    flags = ("--headless", "--token", "--skip-update-check", "--no-sandbox")
    pairs = (word for pair in options.items() for word in pair)
    return ["--quiet", "--yes", "edit", *flags, *pairs, path.name]


def _environment(settings: Settings, task: Task, home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    configuration = home / "config"
    (configuration / "marimo").mkdir(parents=True, exist_ok=True)
    (configuration / "marimo" / "marimo.toml").write_text(CONFIGURATION)
    return {
        **kept,
        **marks.of(task.root, task.lock),
        "HOME": str(home),
        "TMPDIR": str(home),
        "XDG_CONFIG_HOME": str(configuration),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_STATE_HOME": str(home / "state"),
        "PYTHONPATH": str(SITE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MARIMO_SKIP_UPDATE_CHECK": "1",
        "DO_NOT_TRACK": "1",
        "DANGO_NOTEBOOK_WAREHOUSE": msgspec.json.encode(_warehouse(settings, home)).decode(),
    }


def _warehouse(settings: Settings, home: Path) -> dict[str, Any]:
    """What `dango_notebook` opens the warehouse with; nothing of it is a secret."""
    if settings.remote:
        return {"refused": REMOTE}
    bounds = attach.options(settings)
    return {
        "options": {**bounds, "temp_directory": str(home / "spilled")},
        "extensions": [str(attach.extension_file(name)) for name in attach.extensions(settings)],
        "attach": attach.attach_sql(settings, read_only=True),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _tell(pipe: IO[bytes] | None, token: str) -> None:
    if pipe is None:
        return
    try:
        with pipe:
            pipe.write(token.encode())
    except BrokenPipeError:
        secrecy.log.warning("a notebook ended before it took its token")


def _tail(pipe: IO[bytes] | None) -> deque[str]:
    """The last lines of what it complains of, as they come."""
    lines: deque[str] = deque(maxlen=TAIL_LINES_MAX)

    def read() -> None:
        while pipe is not None and (line := pipe.readline(LINE_BYTES_MAX)):
            lines.append(line.decode("utf-8", "replace").rstrip())

    threading.Thread(target=read, daemon=True).start()
    return lines


def _until_ready(process: subprocess.Popen[bytes], port: int, base: str) -> None:
    """Wait until it answers. Raises WorkDied."""
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        if (code := process.poll()) is not None:
            raise ports.WorkDied(f"The notebook's process ended with {code} before it was ready.")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_S)
        try:
            connection.request("GET", f"{base}/health")
            if connection.getresponse().status == OK:
                return
        except OSError:
            time.sleep(STEP_S)
        finally:
            connection.close()
    raise ports.WorkDied(f"The notebook's process was not ready after {READY_S:.0f} s.")
