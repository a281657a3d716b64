"""A project on the disk: where things are, who holds it, how a new one is made."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infra import durable, master_keys

FOLDER: Final = ".dango"
PRIVATE: Final = 0o700
VARIABLE: Final = "DANGO_PROJECT"

PROJECT_YML: Final = """\
# How the platform runs. docs/reference/configuration.md
project:
  name: {name}
platform:
  port: 8800
"""
SOURCES_YML: Final = """\
# Where data comes from. A change is taken at once; a broken file leaves the last good one in force.
version: "1.0"
sources: []
"""


class ProjectMissing(Exception):
    """There is no project here."""


class ProjectInUse(Exception):
    """Another server holds the project."""


class ProjectExists(Exception):
    """There is a project here already."""


class Project:
    """The paths of a project."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.folder = self.root / FOLDER
        self.events = self.folder / "events.db"
        self.master_key = self.folder / "master.key"
        self.sources_yml = self.folder / "sources.yml"
        self.metabase_yml = self.folder / "metabase.yml"
        self.pii_overrides_yml = self.folder / "pii-overrides.yml"
        self.schedules_yml = self.folder / "schedules.yml"
        self.monitors_yml = self.folder / "monitors.yml"
        self.scripts = self.root / "scripts"
        self.control = self.folder / "control.sock"
        self.restored = self.folder / "restored.json"
        self.lock = self.folder / "lock"
        self.logs = self.folder / "logs"
        self.seen = self.folder / "seen.db"
        self.profiles = self.folder / "profiles.db"
        self.temp = self.folder / "tmp"
        self.catalog = self.root / "warehouse" / "catalog.sqlite"
        self.data = self.root / "warehouse" / "data"
        self.dbt_docs = self.folder / "dbt-docs"
        self.uploads = self.root / "data" / "uploads"

    @classmethod
    def find(cls, given: str | None) -> "Project":
        """The project that is meant: named, in DANGO_PROJECT, or the nearest above here.

        Raises ProjectMissing.
        """
        named = given or os.environ.get(VARIABLE)
        if named is not None:
            project = cls(Path(named))
            if not project.folder.is_dir():
                raise ProjectMissing(f"{project.root} is no Dango project; make one: dango init")
            return project
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / FOLDER).is_dir():
                return cls(folder)
        raise ProjectMissing("There is no Dango project here or above; make one: dango init DIR")

    @classmethod
    def create(cls, root: Path, name: str) -> "Project":
        """Make folders, key and configuration; nothing that is there is overwritten.

        A project of the existing product has its configuration already and keeps it. Raises
        ProjectExists when there is a log.
        """
        project = cls(root)
        if project.events.exists():
            raise ProjectExists(f"{project.root} is a Dango project already.")
        for folder in (project.folder, project.logs, project.data, project.uploads):
            for each in (*reversed(folder.parents), folder):
                each.mkdir(mode=PRIVATE, exist_ok=True)
        project.folder.chmod(PRIVATE)
        quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for path, text in (
            (project.folder / "project.yml", PROJECT_YML.format(name=quoted)),
            (project.sources_yml, SOURCES_YML),
        ):
            if not path.exists():
                path.write_text(text)
        if not project.master_key.exists() and master_keys.VARIABLE not in os.environ:
            master_keys.create(project.master_key)
        return project

    def settle(self) -> None:
        """Bring a new project to the disk: its files, and the names of all, its own too."""
        folders = (self.folder, self.catalog.parent, self.data, self.uploads, self.uploads.parent)
        made = [folder for folder in (*folders, self.root, self.root.parent) if folder.is_dir()]
        for folder in (self.folder, self.catalog.parent):
            made += [path for path in folder.glob("*") if path.is_file()]
        for path in made:
            durable.sync(path)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the project: one process at a time writes to it. Raises ProjectInUse."""
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
                message = f"{self.root} is in use by another Dango server (process {holder})."
                raise ProjectInUse(message) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(descriptor)
