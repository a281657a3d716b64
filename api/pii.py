"""/api/governance/pii: which columns tell of persons, by scans and by people's word."""

from datetime import datetime
from typing import Annotated, Final

import msgspec

from api.call import Call
from api.errors import Denied
from api.governance import ROWS, bounded
from commands.pii import RequestPiiScan
from commands.pii_overrides import told
from domain.pii_overrides import PiiStatus, Wish
from projections import pii, sources

REASON_CHARS_MAX: Final = 1_000
AT_ONCE_MAX: Final = 500  # overrides in one request

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Reason = Annotated[str, msgspec.Meta(max_length=REASON_CHARS_MAX)]


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """A column that seems to tell of persons; `masked` says whether its values are."""

    id: int
    source: str
    schema: str
    table_name: str
    column_name: str
    entity_type: str
    confidence: float
    sample_count: int
    scanned_at: datetime
    masked: bool


class FindingList(msgspec.Struct, frozen=True, kw_only=True):
    """Findings, by source, table and column."""

    findings: list[FindingView]
    count: int
    source: str | None
    table_name: str | None


class OverrideView(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said about a column; `updated_at` is what the file says, if it does."""

    id: None = None
    source: str
    table_name: str
    column_name: str
    pii_status: str
    set_by: str
    reason: str
    updated_at: str


class OverrideList(msgspec.Struct, frozen=True, kw_only=True):
    """What people said."""

    overrides: list[OverrideView]
    count: int


class OverrideBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to say about a column: pii, not_pii, or null for what the scans say."""

    source: Name
    table_name: Name
    column_name: Name
    pii_status: PiiStatus | None
    reason: Reason = ""


class OverridesBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to say about some columns; what is said of others stays."""

    overrides: Annotated[tuple[OverrideBody, ...], msgspec.Meta(max_length=AT_ONCE_MAX)]


class ScanBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which source to look through; all that have data, when none is named."""

    source: Name | None = None


class ScanAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The scans that go on now, by source."""

    status: str
    sources: list[str]


async def list_findings(
    call: Call, source: str | None = None, table: str | None = None, limit: int = ROWS
) -> FindingList:
    """List the columns that seem to tell of persons; never a value."""
    wanted = bounded(limit)
    masked = pii.masked_columns(call.views)
    found = [
        _view(name, each, masked)
        for name, every in pii.findings(call.views).items()
        if source in (None, name)
        for each in every
        if table in (None, each.finding.table)
    ][:wanted]
    return FindingList(findings=found, count=len(found), source=source, table_name=table)


async def scan(call: Call, data: ScanBody) -> ScanAnswer:
    """Look through a source, or all of them, for columns that tell of persons."""
    names = [data.source] if data.source else [
        health.config.name for health in sources.every(call.views) if health.tables
    ]  # fmt: skip
    for name in names:
        await call.send(RequestPiiScan(source=name, at=call.platform.clock(), wanted=True))
    return ScanAnswer(status="started", sources=names)


async def list_overrides(call: Call, source: str | None = None) -> OverrideList:
    """List what people said about columns, in pii-overrides.yml."""
    said, texts = pii.overrides(call.views, source), told(call.platform.secrets)
    found = []
    for each in said:
        text = texts.get((each.source, each.table, each.column))
        found.append(
            OverrideView(
                source=each.source,
                table_name=each.table,
                column_name=each.column,
                pii_status=each.status,
                set_by="" if text is None else text.set_by,
                reason="" if text is None else text.reason,
                updated_at=(text.updated_at if text else "") or each.at.isoformat(),
            )
        )
    return OverrideList(overrides=found, count=len(found))


async def put_overrides(call: Call, data: OverridesBody) -> OverrideList:
    """Say whether columns tell of persons; pii-overrides.yml is written, its comments stay."""
    editor = call.platform.overrides
    if editor is None:
        raise Denied(503, "This process does not write the configuration.", retry_after=10)
    at = call.platform.clock().isoformat()
    wishes = [
        Wish(
            source=each.source,
            table=each.table_name,
            column=each.column_name,
            status=each.pii_status,
            reason=each.reason,
            set_by=call.caller.actor,
            updated_at=at,
        )
        for each in data.overrides
    ]
    await editor.override(wishes, call.send)
    return await list_overrides(call)


def _view(source: str, found: pii.Found, masked: frozenset[pii.Key]) -> FindingView:
    finding = found.finding
    return FindingView(
        id=found.id,
        source=source,
        schema=finding.schema,
        table_name=finding.table,
        column_name=finding.column,
        entity_type=finding.kind,
        confidence=finding.confidence,
        sample_count=finding.samples,
        scanned_at=found.scanned_at,
        masked=(finding.schema, finding.table, finding.column) in masked,
    )
