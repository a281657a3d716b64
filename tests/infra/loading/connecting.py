"""A source of any type, as sources.yml would describe it, loaded into the lake of a trial."""

from typing import Any

import msgspec

from commands import ports
from domain.source_types.secret import masked
from domain.source_types.table import options
from infra.loading import worker


class Source:
    """One source; each load is a run of its own."""

    def __init__(self, trial, kind: str, block: dict[str, Any], **secrets: str) -> None:
        self.trial = trial
        self.lake = trial.lake
        self._kind = kind
        self.block = block
        self._secrets = secrets
        self._job = 10

    def task(self, **fields: Any) -> ports.Load:
        self._job += 1
        told = masked(options(self._kind, self.block))
        given: dict[str, Any] = {
            "source": "s",
            "type": self._kind,
            "job": self._job,
            "author": "user:1",
            "schema": "raw_s",
            "table": "s",
            "root": str(self.trial.directory.parent),
            "options": msgspec.json.decode(msgspec.json.encode(told)),
            "secrets": self._secrets,
        }
        return ports.Load(**(given | fields))

    def load(self, **fields: Any) -> ports.Loaded:
        return worker.load(self.lake, self.task(**fields), self.trial.settings, self.trial.desk)

    def sample(self) -> ports.Sample:
        return worker.sample(self.lake, self.task(), self.trial.settings, self.trial.desk)

    def rows(self, columns: str, table: str) -> list[tuple[Any, ...]]:
        sql = f"SELECT {columns} FROM lake.raw_s.{table} ORDER BY ALL"
        return self.lake.execute(sql).fetchall()

    def tables(self) -> set[str]:
        sql = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'raw_s'"
        return {name for (name,) in self.lake.execute(sql).fetchall()}
