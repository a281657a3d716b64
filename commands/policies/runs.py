"""One source's part of a sync job, as the policy carries it along."""

import re
from typing import Any, Final

import msgspec

from commands.ports import (
    Load,
    Loaded,
    Published,
    SecretValues,
    Target,
    WorkFailed,
    WorkRefused,
)
from commands.syncs import CompleteSync
from domain import syncs
from domain.kernel import Recorded
from domain.sources import Source

REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

Run = tuple[int, str]  # job, source


class OpenRun(msgspec.Struct, frozen=True):
    """A run that the views know as not ended, and where it may write."""

    job: int
    source: str
    running: bool
    schema: str | None = None
    table: str | None = None

    @property
    def run(self) -> Run:
        """Its key."""
        return self.job, self.source

    @property
    def target(self) -> Target | None:
        """Its commit, if it could make one."""
        if not self.running or not self.schema or not self.table:
            return None
        return Target(source=self.source, job=self.job, schema=self.schema, table=self.table)


def named(run: Run) -> str:
    """For people."""
    return f"sync of {run[1]} (job {run[0]})"


def load(
    run: Run, source: Source | None, asked: Recorded | None, *, root: str, secrets: SecretValues
) -> Load:
    """What the warehouse is to do. Raises WorkFailed."""
    job, name = run
    if source is None or asked is None or not isinstance(asked.event, syncs.SyncRequested):
        raise WorkFailed(f"Source '{name}' is no longer in the configuration.")
    return Load(
        source=name,
        type=source.type,
        job=job,
        author=asked.actor,
        schema=source.schema,
        table=source.table,
        root=root,
        options=source.options,
        secrets=resolved(source.options, secrets),
        full_refresh=asked.event.full_refresh,
        allow_empty=asked.event.allow_empty,
        start_date=asked.event.start_date,
        end_date=asked.event.end_date,
    )


def resolved(options: dict[str, Any], secrets: SecretValues) -> dict[str, str]:
    """The values of every ${NAME} in the options. Raises WorkRefused for one that is not set."""
    found = {}
    for name in sorted(references(options)):
        value = secrets.get(name)
        if value is None:
            raise WorkRefused(f"Secret '{name}' is not set.")
        found[name] = value
    return found


def references(options: Any) -> frozenset[str]:
    """The NAMEs of every ${NAME} in a block."""
    if isinstance(options, str):
        return frozenset(REFERENCE.findall(options))
    if isinstance(options, dict):
        options = list(options.values())
    if not isinstance(options, list | tuple):
        return frozenset()
    return frozenset().union(*map(references, options))


def completion(run: Run, published: Published, took_s: float | None) -> CompleteSync:
    """The ending of a run whose data is published."""
    return CompleteSync(
        source=run[1],
        job=run[0],
        rows=published.rows,
        tables=published.tables,
        files=published.files if isinstance(published, Loaded) else None,
        snapshot=published.snapshot,
        duration_s=took_s,
    )
