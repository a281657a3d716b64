"""What one run of a source changed, and undoing it."""

from typing import Final

import msgspec

from api import masks
from api.call import Call
from api.errors import invalid
from commands.ports import ChangesOf
from commands.syncs import RequestSync
from domain.sources import SourceMissing
from domain.syncs import SyncMissing
from projections import sources, syncs

ROWS: Final = 100
ROWS_MAX: Final = 1_000
OFFSET_MAX: Final = 10_000_000


class ChangesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the rows that a run changed in one table.

    The first value of each row is what happened to it: inserted, deleted, updated_from, updated_to.
    `snapshot` is null when the run changed nothing, or is too long ago.
    """

    source_name: str
    job_id: int
    snapshot: int | None
    counts: dict[str, dict[str, int]]
    table: str | None
    columns: tuple[str, ...]
    rows: msgspec.Raw
    row_count: int
    offset: int
    more: bool


class RollbackBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which run is to be undone, with all that came after it."""

    job_id: int


class RollbackAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The rollback is a job like a sync: `job_id` is what its status is asked by."""

    success: bool
    message: str
    source_name: str
    job_id: int


async def run_changes(
    call: Call,
    source_name: str,
    run: int,
    *,
    table: str | None = None,
    limit: int = ROWS,
    offset: int = 0,
) -> ChangesAnswer:
    """Show the rows that one run inserted, updated and deleted; PII as `***` without pii.view."""
    if not 0 < limit <= ROWS_MAX:
        raise invalid("limit", f"must be from 1 to {ROWS_MAX}")
    if not 0 <= offset <= OFFSET_MAX:
        raise invalid("offset", f"must be from 0 to {OFFSET_MAX}")
    schema = _published(call, source_name, run)
    found = await call.platform.warehouse.changes(
        ChangesOf(
            source=source_name,
            job=run,
            schema=schema,
            table=table,
            limit=limit,
            offset=offset,
            masked=_masked(call, schema),
        )
    )
    return ChangesAnswer(
        source_name=source_name,
        job_id=run,
        offset=offset,
        **{name: getattr(found, name) for name in found.__struct_fields__},
    )


async def roll_back(call: Call, source_name: str, data: RollbackBody) -> RollbackAnswer:
    """Bring a source back to what it was before one of its runs."""
    if sources.one(call.views, source_name) is None:
        raise SourceMissing(source_name)
    _published(call, source_name, data.job_id)
    outcome = await call.send(RequestSync(sources=(source_name,), rollback_of=data.job_id))
    return RollbackAnswer(
        success=True,
        message=f"Rolling {source_name} back to before job {data.job_id}",
        source_name=source_name,
        job_id=outcome.recorded[0].position,
    )


def _masked(call: Call, schema: str) -> dict[str, tuple[str, ...]]:
    """The columns of a schema, by table, whose values the caller may not see."""
    found: dict[str, tuple[str, ...]] = {}
    hidden = sorted(key for key in masks.hidden(call) if key[0] == schema)
    for _, table, column in hidden:
        found[table] = (*found.get(table, ()), column)
    return found


def _published(call: Call, source: str, job: int) -> str:
    """The schema that this run has published to. Raises SyncMissing."""
    for run in syncs.of_job(call.views, job):
        if run.source == source and run.status == "success" and run.schema_name:
            return run.schema_name
    raise SyncMissing(job)
