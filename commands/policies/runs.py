"""One source's part of a sync job, as the policy carries it along."""

from collections.abc import Callable
from typing import Final

import msgspec

from commands.ports import Load, Loaded, Published, Target, WorkFailed
from commands.syncs import CompleteSync
from domain import syncs
from domain.kernel import Recorded
from domain.sources import Source

LOADABLE: Final = ("csv",)

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
    run: Run, source: Source | None, asked: Recorded | None, directory: Callable[[Source], str]
) -> Load:
    """What the warehouse is to do. Raises WorkFailed."""
    job, name = run
    if source is None or asked is None or not isinstance(asked.event, syncs.SyncRequested):
        raise WorkFailed(f"Source '{name}' is no longer in the configuration.")
    if source.type not in LOADABLE:
        raise WorkFailed(f"Sources of type '{source.type}' cannot be synced yet.")
    return Load(
        source=name,
        type=source.type,
        job=job,
        author=asked.actor,
        schema=source.schema,
        table=source.table,
        directory=directory(source),
        file_pattern=str(source.options.get("file_pattern", "*.csv")),
        full_refresh=asked.event.full_refresh,
        allow_empty=asked.event.allow_empty,
        null_values=tuple(source.options.get("null_values") or ("",)),
    )


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
