"""A folder in which a project is made again, and which becomes the project when it is whole.

It lies beside where the project is to be, and gets its name at last. A folder that is there already
may be a volume, beside which there is another disk: then it lies in there, and what is in it moves
up, `.dango` last. What was broken off is cleared by whoever tries again.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infra import durable
from infra.project import FOLDER, PRIVATE, Project

STAGE: Final = ".restoring"


class NotRestored(Exception):
    """There is no such backup, or something is there where it is to go."""


@contextlib.contextmanager
def staged(root: Path) -> Iterator[Path]:
    """Give the folder; it becomes `root` at the end, or goes. Raises NotRestored, ProjectInUse."""
    stage = _place(root)
    (stage / FOLDER).mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    project = Project(stage)
    with project.held():  # two at once would clear each other's
        _clear(project)
        try:
            yield stage
            _settle(stage, root)
        except BaseException:
            shutil.rmtree(stage, ignore_errors=True)
            raise


def _place(root: Path) -> Path:
    if not root.exists():
        return root.with_name(f".{root.name}{STAGE}")
    if not root.is_dir() or any(each.name != STAGE for each in root.iterdir()):
        raise NotRestored(f"{root} is not empty; name a folder that is, or that is not there")
    return root / STAGE


def _clear(project: Project) -> None:
    left = [each for each in project.root.iterdir() if each != project.folder]
    left += [each for each in project.folder.iterdir() if each != project.lock]
    for each in left:
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()


def _settle(stage: Path, root: Path) -> None:
    for folder in (stage, *(each for each in stage.rglob("*") if each.is_dir())):
        durable.sync(folder)
    if stage.parent == root:
        for each in sorted(stage.iterdir(), key=lambda each: each.name == FOLDER):
            each.rename(root / each.name)
        stage.rmdir()
        durable.sync(root)
    else:
        stage.rename(root)
    durable.sync(root.parent)
