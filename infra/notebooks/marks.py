"""How the processes of notebooks are known again, whatever became of those that started them.

What a notebook starts may leave its process group, and outlive a server that was killed; but it
keeps the environment that it was started with, unless it means not to be found.
"""

import os
import signal
from pathlib import Path
from typing import Final

PROJECT: Final = "DANGO_NOTEBOOK_PROJECT"
LOCK: Final = "DANGO_NOTEBOOK_LOCK"
PROCESSES: Final = Path("/proc")  # without it, as on macOS, nothing is found


def of(root: str, lock: str) -> dict[str, str]:
    """The marks that the processes of a lock carry."""
    return {PROJECT: root, LOCK: lock}


def sweep(name: str, value: str) -> int:
    """Kill all processes that carry a mark; answers how many there were."""
    mark, found = os.fsencode(f"{name}={value}"), 0
    for folder in PROCESSES.glob("[0-9]*"):
        try:
            marks = (folder / "environ").read_bytes().split(b"\0")
            if mark in marks and int(folder.name) != os.getpid():
                os.kill(int(folder.name), signal.SIGKILL)
                found += 1
        except OSError:  # somebody else's, or gone already
            continue
    return found
