"""Handler of the kind "script": a Python file in a process of its own, below this one.

It gets no environment but what Python needs, and no secret but those that its arguments name; they
come by a pipe, since a command line can be read by others. Its process is in this one's group, so
that both are killed together; what limits the system holds this one to, holds the script too.
"""

import os
import stat
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from commands import ports, schedule_ports
from domain.source_types.secret import filled
from infra.scripts.run import FOLDER, Task
from infra.workers import secrecy
from infra.workers.desk import Desk, Run

TAIL_BYTES_MAX: Final = 64 * 1024  # of what a script prints is kept, the end
READ_BYTES: Final = 8 * 1024
# Runs in the script's own process: arguments from the pipe, then nothing more to read.
_BEGIN: Final = """
import ctypes, json, os, runpy, sys
ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL: it does not outlive its worker
folder, path, arguments = json.loads(sys.stdin.buffer.read())
null = os.open(os.devnull, os.O_RDONLY)
os.dup2(null, 0)
sys.argv = [path, *arguments]
sys.path.insert(0, folder)
runpy.run_path(path, run_name="__main__")
"""


def start(_: msgspec.Raw) -> Run:
    """Nothing to warm up."""

    def run(raw: msgspec.Raw, _desk: Desk) -> schedule_ports.ScriptDone:
        task = msgspec.json.decode(raw, type=Task)
        secrecy.hide(task.script.secrets.values())
        return _run(task)

    return run


def find(root: Path, name: str) -> Path:
    """The file that a schedule names: directly inside of scripts/, and no link to anywhere.

    Raises WorkRefused.
    """
    short = name.removeprefix(f"{FOLDER}/")
    if not short.endswith(".py") or short != Path(short).name or "\0" in short:
        raise ports.WorkRefused(f"script_path must name a .py file directly inside {FOLDER}/.")
    folder = root / FOLDER
    path = folder / short
    try:
        kinds = [stat.S_ISLNK(each.lstat().st_mode) for each in (folder, path)]
        regular = stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        raise ports.WorkRefused(f"{FOLDER}/{short} is not there.") from None
    if any(kinds) or not regular:
        raise ports.WorkRefused(f"{FOLDER}/{short} is a link or no file: neither is run.")
    return path


def _run(task: Task) -> schedule_ports.ScriptDone:
    root = Path(task.root)
    path = find(root, task.script.path)
    arguments = filled(list(task.script.arguments), task.script.secrets)
    process = subprocess.Popen(
        [sys.executable, "-I", "-u", "-c", _BEGIN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=root,
        env=_environment(root),
        start_new_session=False,  # our group: what kills us kills it
    )
    _tell(process.stdin, [str(path.parent), str(path), arguments])
    tail = _tail(process.stdout)
    code = process.wait()
    return schedule_ports.ScriptDone(exit_code=code, output=secrecy.hidden(tail))


def _environment(root: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {**kept, "DANGO_PROJECT": str(root), "PYTHONUNBUFFERED": "1", "HOME": str(root)}


def _tell(pipe: IO[bytes] | None, what: list[Any]) -> None:
    """A script that ends before it reads shows its own failure."""
    if pipe is None:
        return
    try:
        with pipe:
            pipe.write(msgspec.json.encode(what))
    except BrokenPipeError:
        secrecy.log.warning("a script ended before it took its arguments")


def _tail(pipe: IO[bytes] | None) -> str:
    """The end of what comes out of the pipe."""
    blocks: deque[bytes] = deque()
    size = 0
    while pipe is not None and (block := os.read(pipe.fileno(), READ_BYTES)):
        blocks.append(block)
        size += len(block)
        while size - len(blocks[0]) >= TAIL_BYTES_MAX:
            size -= len(blocks.popleft())
    return b"".join(blocks)[-TAIL_BYTES_MAX:].decode("utf-8", "replace")
