"""Temporary files of child processes: a folder for each, swept when its process is gone.

Two engines must not share a temporary folder: they give their spill files the same names.
"""

import os
import shutil
from pathlib import Path

from infra.warehouse.settings import Settings

PREFIX = "worker-"


def own_folder(settings: Settings) -> Path:
    """Give this process's folder; made when it is not there."""
    folder = Path(settings.temp_directory) / f"{PREFIX}{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sweep(settings: Settings) -> None:
    """Remove what killed workers left behind."""
    for folder in Path(settings.temp_directory).glob(f"{PREFIX}*"):
        number = folder.name.removeprefix(PREFIX)
        if number.isdecimal() and not _running(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
