"""The folder of notebooks: `notebooks/` of the project, files of Python directly inside.

A link is none of it, wherever it leads: it could have any file read or written.
"""

import os
import stat
from pathlib import Path
from typing import Final

from domain import notebooks
from infra.notebooks.templates import TEXTS

FOLDER: Final = "notebooks"
ENDING: Final = ".py"
BYTES_MAX: Final = 16 * 1024 * 1024  # of a notebook that is copied
FOUND_MAX: Final = 2_000  # files of the folder that are taken for notebooks


def regular(path: Path) -> bool:
    """Whether a file and its folder are what they seem, and no links."""
    try:
        kinds = path.parent.lstat().st_mode, path.lstat().st_mode
    except OSError:
        return False
    return stat.S_ISDIR(kinds[0]) and stat.S_ISREG(kinds[1])


class NotebookFolder:
    """Implements `NotebookFiles` of commands."""

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER

    def path(self, name: str) -> Path:
        """Where a notebook lies; the name is a checked one."""
        if not notebooks.nameable(name):
            raise ValueError(f"no name of a notebook: {name!r}")
        return self._folder / f"{name}{ENDING}"

    def names(self) -> tuple[str, ...]:
        """As the port says."""
        found = sorted(self._folder.glob(f"*{ENDING}")) if self._folder.is_dir() else []
        wanted = (path for path in found if notebooks.nameable(path.stem) and regular(path))
        return tuple(path.stem for path in wanted)[:FOUND_MAX]

    def there(self, name: str) -> bool:
        """As the port says."""
        return regular(self.path(name))

    def create(self, name: str, template: str) -> bool:
        """As the port says."""
        return self._write(name, TEXTS[template].encode())

    def copy(self, origin: str, name: str) -> bool:
        """As the port says."""
        source = self.path(origin)
        if not regular(source):
            raise FileNotFoundError(origin)
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            text = file.read(BYTES_MAX + 1)
        if len(text) > BYTES_MAX:
            raise OSError(f"a notebook of more than {BYTES_MAX} bytes is not copied")
        return self._write(name, text)

    def delete(self, name: str) -> None:
        """As the port says."""
        self.path(name).unlink(missing_ok=True)

    def _write(self, name: str, text: bytes) -> bool:
        """Beside, then linked to its name: nobody sees half a file, and nothing is overwritten."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if self._folder.is_symlink():
            raise OSError(f"{FOLDER}/ is a link")
        path = self.path(name)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_bytes(text)
        try:
            os.link(beside, path)
        except FileExistsError:
            return False
        finally:
            beside.unlink()
        return True
