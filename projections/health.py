"""What is there and what fails, in a few numbers: for a page that is asked for very often."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from domain import grants
from domain.source_types.secret import references
from projections import models, schedules, secrets, sources
from projections.engine import Reader

# The tables that the summary is made of.
READ: Final = (
    *sources.READ,
    *("refused_files", "models", "model_builds", "model_tests", "notices", "secrets"),
)
STAGING: Final = "staging"
ERRORS_MAX: Final = 100  # failing sources and models that are named


class Failing(msgspec.Struct, frozen=True, kw_only=True):
    """A source or a model that fails, how often in a row, and since when."""

    name: str
    count: int
    error: str | None
    since: datetime


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration file that is not in force."""

    file: str
    line: int | None
    since: datetime


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """All that health needs of the read models, but for what only time brings about."""

    sources: int = 0
    enabled: int = 0
    raw_tables: int = 0
    staging_tables: int = 0
    marts_tables: int = 0
    rows_by_schema: Mapping[str, int] = {}
    sources_by_status: Mapping[str, int] = {}
    synced_at: Mapping[str, datetime] = {}
    failing_sources: tuple[Failing, ...] = ()
    failing_models: tuple[Failing, ...] = ()
    refused: tuple[Refused, ...] = ()
    dead_notices: int = 0
    missing_secrets: Mapping[str, tuple[str, ...]] = {}  # by source
    granted: Mapping[str, tuple[str, ...]] = {}  # enabled sources, by the type of their grant


def summary(reader: Reader) -> Summary:
    """What is there and what fails; kept until something of it changes."""
    return reader.kept(READ, _summary) or Summary()


def _summary(reader: Reader) -> Summary:
    every = sources.every(reader)
    built = [model for model in models.every(reader) if model.at is not None]
    rows: dict[str, int] = {}
    for health in every:
        for table in health.tables:
            rows[table.schema] = rows.get(table.schema, 0) + table.row_count
    for model in built:
        schema = model.config.schema
        rows[schema] = rows.get(schema, 0) + (model.rows or 0)
    states = [health.status for health in every]
    staging = sum(model.config.layer == STAGING for model in built)
    return Summary(
        sources=len(every),
        enabled=sum(health.config.enabled for health in every),
        raw_tables=sum(len(health.tables) for health in every),
        staging_tables=staging,
        marts_tables=len(built) - staging,
        rows_by_schema=rows,
        sources_by_status={state: states.count(state) for state in sorted(set(states))},
        synced_at={each.config.name: each.synced_at for each in every if each.synced_at},
        failing_sources=_sources(reader, every),
        failing_models=_models(built),
        refused=_refused(reader),
        dead_notices=_dead(reader),
        missing_secrets=_missing(reader, every),
        granted=_granted(every),
    )


def _sources(reader: Reader, every: Sequence[sources.SourceHealth]) -> tuple[Failing, ...]:
    errors = {health.config.name: health.error for health in every}
    found = reader.rows(
        "SELECT source, count, since_at FROM attention_marks WHERE kind = 'sync_failed'"
        " ORDER BY since_at LIMIT :limit",
        limit=ERRORS_MAX,
    )
    return tuple(
        Failing(name=name, count=count, error=errors.get(name), since=datetime.fromisoformat(since))
        for name, count, since in found
    )


def _models(built: list[models.ModelState]) -> tuple[Failing, ...]:
    found = []
    for model in built:
        failing = sum(test.status in models.FAILING for test in model.tests)
        if model.at is not None and (model.status == "error" or failing):
            told = f"{failing} test(s) failed" if failing else None
            error = model.fault.message if model.fault is not None else told
            name = model.config.name
            found.append(Failing(name=name, count=max(failing, 1), error=error, since=model.at))
    return tuple(found[:ERRORS_MAX])


def _refused(reader: Reader) -> tuple[Refused, ...]:
    found = reader.rows("SELECT file, line, at FROM refused_files ORDER BY file")
    return tuple(
        Refused(file=file, line=line, since=datetime.fromisoformat(at)) for file, line, at in found
    )


def _dead(reader: Reader) -> int:
    row = reader.row("SELECT count(*) FROM notices WHERE state = 'dead'")
    return int(row[0]) if row else 0


def _missing(reader: Reader, every: Sequence[sources.SourceHealth]) -> dict[str, tuple[str, ...]]:
    """Which enabled sources refer to secrets that nobody has set."""
    known = {secret.name for secret in secrets.every(reader)}
    found = {
        health.config.name: tuple(sorted(references(health.config.options) - known))
        for health in every
        if health.config.enabled
    }
    return {name: names for name, names in found.items() if names}


def _granted(every: Sequence[sources.SourceHealth]) -> dict[str, tuple[str, ...]]:
    """Which enabled sources read with which connected account."""
    found: dict[str, tuple[str, ...]] = {}
    for health in every:
        named = map(
            grants.named, references(health.config.options) if health.config.enabled else ()
        )
        for kind in filter(None, named):
            found[kind] = (*found.get(kind, ()), health.config.name)
    return found


class Timetable(msgspec.Struct, frozen=True, kw_only=True):
    """How many schedules come due by themselves, and when the next one does."""

    count: int = 0
    next_at: datetime | None = None


def timetable(reader: Reader) -> Timetable:
    """The schedules; kept until one of them changes or runs."""
    return reader.kept(schedules.READ, _timetable) or Timetable()


def _timetable(reader: Reader) -> Timetable:
    lines = [line for line in schedules.every(reader) if line.config.enabled]
    following = [line.config.next_after(line.followed_to) for line in lines]
    return Timetable(
        count=len(lines), next_at=min((at for at in following if at is not None), default=None)
    )
