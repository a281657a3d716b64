"""A handler for the tests of the pool: it does what it is told, good or bad."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from commands import ports
from infra.workers import secrecy
from infra.workers.desk import Desk, Run


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One task: what to do, and how much of it."""

    verb: str
    text: str = ""
    count: int = 0
    seconds: float = 0.0


def start(config: msgspec.Raw) -> Run:
    settings = msgspec.json.decode(config, type=dict[str, str])
    secrecy.hide(settings.get("secret", "").split())
    if settings.get("broken"):
        raise RuntimeError(settings["broken"])

    def run(task: msgspec.Raw, desk: Desk) -> Any:
        act = msgspec.json.decode(task, type=Act)
        return VERBS[act.verb](act, desk)

    return run


def echo(act: Act, _: Desk) -> str:
    return act.text * max(act.count, 1)


def sleep(act: Act, desk: Desk) -> str:
    desk.progress(ports.Progress(phase="sleeping"))
    time.sleep(act.seconds)
    return "slept"


def pid(_: Act, __: Desk) -> int:
    return os.getpid()


def exits(act: Act, _: Desk) -> None:
    os._exit(act.count)


def crash(_: Act, __: Desk) -> None:
    ctypes.string_at(0)


def bomb(_: Act, __: Desk) -> int:
    blocks = []
    while True:
        blocks.append(bytearray(64 * 1024 * 1024))


def spin(_: Act, __: Desk) -> None:
    while True:
        pass


def noise(act: Act, _: Desk) -> str:
    print(act.text)  # noqa: T201
    sys.stdout.flush()
    os.write(1, b"\x0b\xff\xff\xff\xff")
    os.write(2, b"x" * 100_000 + b"\nlast line\n")
    return "quiet"


def count(act: Act, desk: Desk) -> int:
    for done in range(act.count):
        desk.progress(ports.Progress(phase="counting", done=done, total=act.count))
    return act.count


def refuse(act: Act, _: Desk) -> None:
    raise ports.WorkRefused(act.text, file="a.csv", line=3)


def fail(act: Act, _: Desk) -> None:
    raise ports.WorkFailed(act.text, table="t")


def bug(act: Act, _: Desk) -> None:
    raise KeyError(act.text)


def gossip(_: Act, __: Desk) -> None:
    """Say it in every way in which Python prints to standard error, then fail with it."""
    warnings.warn(f"warned of {SECRET}", stacklevel=1)

    def fails() -> None:
        raise KeyError(f"thread {SECRET}")

    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
    raise KeyError(SECRET)


def blab(act: Act, _: Desk) -> None:
    raise ports.WorkFailed(f"{act.text}: {SECRET}", at=SECRET)


def hold(act: Act, desk: Desk) -> float:
    with desk.lease():
        began = time.time()
        time.sleep(act.seconds)
    return began


def grandchild(act: Act, desk: Desk) -> int:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    desk.progress(ports.Progress(phase="started", done=child.pid))
    time.sleep(act.seconds)
    return child.pid


def write(act: Act, _: Desk) -> None:
    with Path(act.text).open("wb") as out:
        out.write(b"x" * act.count)


def forever(_: Act, __: Desk) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)


def connect(act: Act, _: Desk) -> str:
    with socket.create_connection(("127.0.0.1", act.count), timeout=2):
        return "connected"


def environment(_: Act, __: Desk) -> dict[str, str]:
    return dict(os.environ)


def descriptors(_: Act, __: Desk) -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


SECRET = "hunter2"
VERBS: dict[str, Callable[[Act, Desk], Any]] = {
    "blab": blab,
    "bomb": bomb,
    "bug": bug,
    "connect": connect,
    "count": count,
    "crash": crash,
    "descriptors": descriptors,
    "echo": echo,
    "environment": environment,
    "exits": exits,
    "fail": fail,
    "forever": forever,
    "gossip": gossip,
    "grandchild": grandchild,
    "hold": hold,
    "noise": noise,
    "pid": pid,
    "refuse": refuse,
    "sleep": sleep,
    "spin": spin,
    "write": write,
}
