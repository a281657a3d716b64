"""A lake in a folder, and a way to load files into it without a child process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from commands import ports
from infra.loading import worker
from infra.loading.settings import LoadSettings
from infra.warehouse import attach
from infra.warehouse.settings import Settings
from infra.workers.desk import Desk

FIELDS = frozenset(ports.Load.__struct_fields__)


class LoneDesk(Desk):
    """A desk without a server: nobody watches, and the lease is free."""

    def __init__(self) -> None:
        self.seen: list[ports.Progress] = []

    def progress(self, progress: ports.Progress) -> None:
        self.seen.append(progress)

    @contextmanager
    def lease(self) -> Iterator[None]:
        yield


class Trial:
    """One source's directory and the lake that it is loaded into."""

    def __init__(self, root: Path, settings: LoadSettings, lake: duckdb.DuckDBPyConnection) -> None:
        self.directory = root / "in"
        self.directory.mkdir()
        self.settings = settings
        self.lake = lake
        self.desk = LoneDesk()

    def file(self, name: str | bytes, content: str | bytes) -> Path:
        path = self.directory / os.fsdecode(name)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def load(self, **changes: Any) -> ports.Loaded:
        fields: dict[str, Any] = {
            "source": "s",
            "type": "csv",
            "job": 7,
            "author": "user:1",
            "schema": "raw_s",
            "table": "s",
            "root": str(self.directory.parent),
        }
        for name in FIELDS & changes.keys():
            fields[name] = changes.pop(name)
        options = {"directory": self.directory.name, **changes}
        wanted = ports.Load(**fields, options=options)
        return worker.load(self.lake, wanted, self.settings, self.desk)

    def rows(self, columns: str = "* EXCLUDE (_dango_file, _dango_run)") -> list[tuple[Any, ...]]:
        return self.lake.execute(f"SELECT {columns} FROM lake.raw_s.s").fetchall()

    def types(self) -> dict[str, str]:
        described = self.lake.execute("DESCRIBE lake.raw_s.s").fetchall()
        return {line[0]: line[1] for line in described if not line[0].startswith("_dango")}

    def refused(self, *words: str, **changes: Any) -> ports.WorkRefused:
        with pytest.raises(ports.WorkRefused) as refused:
            self.load(**changes)
        for word in words:
            assert word in refused.value.reason
        return refused.value


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    root = tmp_path_factory.mktemp("engine")
    settings = Settings(catalog="", data="/", temp_directory=str(root))
    with attach.engine(settings) as connection:
        yield connection


@pytest.fixture
def trial(tmp_path: Path, engine: duckdb.DuckDBPyConnection) -> Iterator[Trial]:
    settings = Settings(
        catalog=str(tmp_path / "catalog.sqlite"),
        data=str(tmp_path / "data"),
        temp_directory=str(tmp_path / "tmp"),
    )
    with attach.attached(engine, settings) as lake:
        yield Trial(tmp_path, LoadSettings(warehouse=settings), lake)
