"""Adding, changing, testing and removing sources, and what types of them there are."""

from typing import Annotated, Any, Final

import msgspec

from api import asgi, masks
from api.call import Call
from api.errors import Denied, invalid
from commands.policies.runs import of_source
from commands.ports import Sample, SourcesEditor
from domain import drafts, pii
from domain.datasets import Column
from domain.source_types.table import TYPES, json_schema
from domain.source_types.trust import PERMISSION
from domain.sources import SourceMissing
from projections import sources

DESCRIPTION_CHARS_MAX: Final = 4_000
TAGS_MAX: Final = 100
TAG_CHARS_MAX: Final = 100
REVISION_CHARS_MAX: Final = 200

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}\Z")]
Tag = Annotated[str, msgspec.Meta(max_length=TAG_CHARS_MAX)]
Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]


class SourceChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a source to change; what is left out, or null, stays. `options` is the whole block.

    They are the keys of sources.yml, and `options` is the block named after the type.
    """

    enabled: bool | None = None
    description: Annotated[str, msgspec.Meta(max_length=DESCRIPTION_CHARS_MAX)] | None = None
    tags: Annotated[tuple[Tag, ...], msgspec.Meta(max_length=TAGS_MAX)] | None = None
    schema: Name | None = None
    lookback_days: Days | None = None
    empty_sync_policy: str | None = None
    options: dict[str, Any] | None = None


class SourceEdit(SourceChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same, with the `revision` of the source that was looked at, as its details tell it."""

    revision: Annotated[str, msgspec.Meta(max_length=REVISION_CHARS_MAX)] | None = None


class NewSource(SourceChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source to add; GET /api/source-types has the schema of each type's `options`."""

    name: Name
    type: str


class TypeView(msgspec.Struct, frozen=True, kw_only=True):
    """A type of source; `schema` is the JSON Schema of its options."""

    name: str
    title: str
    summary: str
    kind: str
    schema: dict[str, Any]


class SourceSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    success: bool
    message: str
    source_name: str


class SampleView(msgspec.Struct, frozen=True, kw_only=True):
    """The first rows that a source would bring; nothing was written."""

    success: bool
    source_name: str
    columns: list[Column]
    rows: list[tuple[str | None, ...]]
    notes: list[str]


async def list_types(call: Call) -> list[TypeView]:  # noqa: ARG001 - what every handler takes
    """List the types of source, with the JSON Schema of each one's options."""
    return [
        TypeView(
            name=kind.name,
            title=kind.title,
            summary=kind.summary,
            kind=kind.kind,
            schema=json_schema(kind),
        )
        for kind in TYPES.values()
    ]


async def add_source(call: Call, data: NewSource) -> SourceSaid:
    """Add a source to sources.yml. Code, private hosts and secrets want config.manage too."""
    trusted = call.caller.may(PERMISSION)
    draft = drafts.Draft(**msgspec.structs.asdict(data), trusted=trusted)
    _check(data)
    await _editor(call).add(draft, call.send)
    return SourceSaid(success=True, message=f"Source '{data.name}' added.", source_name=data.name)


async def change_source(call: Call, source_name: str, data: SourceEdit) -> SourceSaid:
    """Change a source in sources.yml; its comments and the order of its keys are kept.

    With the `revision` of its details, or with it as If-Match, only when it is still that one.
    """
    _check(data)
    given = msgspec.structs.asdict(data)
    given["revision"] = _revision(call, data.revision)
    wanted = drafts.Change(**given, trusted=call.caller.may(PERMISSION))
    await _editor(call).change(source_name, wanted, call.send)
    message = f"Source '{source_name}' changed."
    return SourceSaid(success=True, message=message, source_name=source_name)


async def remove_source(call: Call, source_name: str) -> SourceSaid:
    """Remove a source from sources.yml; its tables stay in the warehouse."""
    await _editor(call).remove(source_name, call.send)
    message = f"Source '{source_name}' removed; its tables stay in the warehouse."
    return SourceSaid(success=True, message=message, source_name=source_name)


async def test_source(call: Call, source_name: str) -> SampleView:
    """Connect to a source and show its first rows; nothing is written. PII needs pii.view."""
    found = sources.one(call.views, source_name)
    if found is None:
        raise SourceMissing(source_name)
    platform = call.platform
    load = of_source(found.config, root=platform.root, secrets=platform.secret_values)
    sample = await platform.warehouse.sample(load)
    return SampleView(
        success=True,
        source_name=source_name,
        columns=list(sample.columns),
        rows=_shown(call, found, sample),
        notes=list(sample.notes),
    )


def _shown(
    call: Call, source: sources.SourceHealth, sample: Sample
) -> list[tuple[str | None, ...]]:
    """The rows, for who lacks `pii.view` with masks: on what no scan could have looked at, too."""
    if call.caller.may(pii.PERMISSION):
        return list(sample.rows)
    schemas = {source.config.schema, *(table.schema for table in source.tables)}
    personal = {name.casefold() for schema, _, name in masks.hidden(call) if schema in schemas}
    known = {column.name.casefold() for table in source.tables for column in table.columns}
    plain = [column.name.casefold() in known - personal for column in sample.columns]
    return [
        tuple(
            value if value is None or shown else pii.MASK
            for value, shown in zip(row, plain, strict=True)
        )
        for row in sample.rows
    ]


def _revision(call: Call, told: str | None) -> str | None:
    """Which source was looked at, by the body or by the header. Raises Denied, 422."""
    header = (asgi.header(call.request.scope, "if-match") or "*").strip()
    if header == "*":
        return told
    found = header.removeprefix("W/").strip('"')
    if told not in (None, found):
        raise invalid("revision", "is another one than that of If-Match")
    return found


def _check(data: SourceChange) -> None:
    if data.empty_sync_policy not in (None, *drafts.POLICIES):
        raise invalid("empty_sync_policy", "must be block or allow")


def _editor(call: Call) -> SourcesEditor:
    editor = call.platform.editor
    if editor is None:
        raise Denied(503, "This process does not write the configuration.", retry_after=10)
    return editor
