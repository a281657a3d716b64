"""One source's part of a sync job, as the policy carries it along."""

from typing import Any

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
from commands.syncs import CompleteSync, FailSync
from domain import inputs, syncs
from domain.datasets import Format
from domain.kernel import Recorded
from domain.source_types.secret import UNSET, literals
from domain.source_types.table import TYPES, OptionInvalid, options, references
from domain.sources import Source

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
    run: Run,
    source: Source | None,
    asked: Recorded | None,
    *,
    root: str,
    secrets: SecretValues,
    formats: dict[str, Format],
) -> Load:
    """What the warehouse is to do. Raises WorkFailed."""
    job, name = run
    if source is None or asked is None or not isinstance(asked.event, syncs.SyncRequested):
        raise WorkFailed(f"Source '{name}' is no longer in the configuration.")
    loadable = of_source(source, root=root, secrets=secrets)
    return msgspec.structs.replace(
        loadable,
        job=job,
        author=asked.actor,
        full_refresh=asked.event.full_refresh,
        allow_empty=asked.event.allow_empty or source.allow_empty,
        start_date=asked.event.start_date,
        end_date=asked.event.end_date,
        rollback_of=asked.event.rollback_of,
        formats={} if asked.event.full_refresh else formats,
    )


def of_source(source: Source, *, root: str, secrets: SecretValues) -> Load:
    """A load of a source as it is configured. Raises WorkRefused."""
    _check(source)
    return Load(
        source=source.name,
        type=source.type,
        job=0,
        author="",
        schema=source.schema,
        table=source.table,
        root=root,
        options=source.options,
        lookback_days=source.lookback_days,
        secrets=resolved(source.options, secrets),
    )


def resolved(block: dict[str, Any], secrets: SecretValues) -> dict[str, str]:
    """The values of every ${NAME} in a block. Raises WorkRefused for one that is not set."""
    found = {}
    for name in sorted(references(block)):
        value = secrets.get(name)
        if value is None:
            raise WorkRefused(UNSET.format(name))
        found[name] = value
    return found


def _check(source: Source) -> None:
    """Raises WorkRefused for what the file must say in another way first."""
    if source.type not in TYPES:
        raise WorkRefused(f"Sources of type '{source.type}' cannot be synced yet.")
    try:
        paths = literals(options(source.type, source.options))
    except OptionInvalid as error:
        raise WorkRefused(error.detail) from None
    if paths:
        raise WorkRefused(
            f"{paths[0].lstrip('.')} of '{source.name}' holds a secret: put it into the vault"
            " (dango secrets set NAME) and write ${NAME} in sources.yml."
        )


def completion(run: Run, published: Published, took_s: float | None) -> CompleteSync:
    """The ending of a run whose data is published."""
    return CompleteSync(
        source=run[1],
        job=run[0],
        rows=published.rows,
        tables=published.tables,
        account=inputs.Account(
            files=published.files,
            refused=published.refused,
            drift=published.drift,
            formats=published.formats,
        )
        if isinstance(published, Loaded)
        else None,
        snapshot=published.snapshot,
        duration_s=took_s,
    )


def failure(run: Run, error: WorkFailed, took_s: float) -> FailSync:
    """The ending of a run that cannot be finished."""
    return FailSync(
        source=run[1],
        job=run[0],
        reason=error.reason,
        file=error.facts.get("file"),
        line=error.facts.get("line"),
        duration_s=took_s,
        transient=bool(error.facts.get("transient")),
    )
