"""What the forms about sources do: the commands of the API, under the same guard."""

from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import msgspec
from litestar import Response

from api import errors, governance, runs, source_edits, sources, syncs
from api.call import Call
from api.pages import forms, options, render
from api.pages import sources as pages
from api.uploads import received, stored
from domain.source_types.table import TYPES, json_schema
from domain.sources import SourceMissing
from projections import sources as known

ADD: Final = "/add/source"
# Where a button was -> its page.
BACK: Final = {"overview": "/", "sources": "/sources", "governance": "/governance"}


class FileGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form that deletes a file."""

    file_path: str


async def add_page(call: Call) -> Response[str]:
    """Show the types of source, to choose one of."""
    return forms.form_page(call, "source_types.html", "Add a source", types=list(TYPES.values()))


async def add_of_type_page(call: Call, type_name: str) -> Response[str]:
    """Show the form for a new source of a type."""
    return _add_form(call, type_name, None, None)


async def add(call: Call, type_name: str) -> Response[str]:
    """Add a source."""
    given = await forms.read(call)
    try:
        body = _body(type_name, given, {})
        await source_edits.add_source(call, forms.convert(body, source_edits.NewSource))
    except errors.TOLD as refused:
        return _add_form(call, type_name, given, refused)
    return render.see_other(path(given["name"]))


async def edit_page(call: Call, source_name: str) -> Response[str]:
    """Show the form for changing a source."""
    return await _edit_form(call, source_name, None, None)


async def edit(call: Call, source_name: str) -> Response[str]:
    """Change a source."""
    given = await forms.read(call)
    try:
        source = _known(call, source_name)
        body = _body(source.type, given, source.options)
        if body["options"] == source.options:
            del body["options"]
        for name in ("name", "type"):
            body.pop(name, None)
        await source_edits.change_source(
            call, source_name, forms.convert(body, source_edits.SourceEdit)
        )
    except SourceMissing:
        raise
    except errors.TOLD as refused:
        return await _edit_form(call, source_name, given, refused)
    return render.see_other(path(source_name))


async def sync(call: Call, source_name: str) -> Response[str]:
    """Sync a source, and go back to where the button was."""
    given = await forms.filled(call)
    back = BACK.get(given.pop("from", ""), path(source_name))
    body = _ticks(given, "full_refresh", "allow_empty_replace")
    doing = syncs.sync_source(call, source_name, forms.convert(body, syncs.SyncBody))
    return await _done(call, source_name, doing, back)


async def cancel(call: Call, source_name: str, job_id: int) -> Response[str]:
    """Stop a sync."""
    return await _done(call, source_name, syncs.cancel_sync(call, job_id))


async def roll_back(call: Call, source_name: str) -> Response[str]:
    """Bring a source back to what it was before a run."""
    body = forms.convert(await forms.filled(call), runs.RollbackBody)
    return await _done(call, source_name, runs.roll_back(call, source_name, body))


async def accept_drift(call: Call, source_name: str) -> Response[str]:
    """Accept the changed columns of a source, and go back to where the button was."""
    back = BACK.get((await forms.read(call)).get("from", ""))
    return await _done(call, source_name, governance.accept_drift(call, source_name), back)


async def test(call: Call, source_name: str) -> Response[str]:
    """Connect to a source, and show its first rows on its page."""
    try:
        sample = await source_edits.test_source(call, source_name)
    except SourceMissing:
        raise
    except errors.TOLD as refused:
        return await pages.show(call, source_name, refused)
    return await pages.show(call, source_name, sample=sample)


async def remove(call: Call, source_name: str) -> Response[str]:
    """Remove a source, and go to those that are left."""
    return await _done(call, source_name, source_edits.remove_source(call, source_name), "/sources")


async def upload(call: Call, source_name: str, trigger_sync: bool = False) -> Response[str]:  # noqa: FBT001, FBT002 - a query parameter
    """Take a file in, and show the files."""
    return await _filed(call, source_name, received.upload(call, source_name, trigger_sync))


async def delete_file(call: Call, source_name: str) -> Response[str]:
    """Delete a file of a source, and show those that are left."""
    given = forms.convert(await forms.filled(call), FileGiven)
    return await _filed(call, source_name, stored.delete_file(call, source_name, given.file_path))


def path(name: str) -> str:
    """The page of a source."""
    return f"/sources/{quote(name, safe='')}"


async def _done(
    call: Call, name: str, doing: Awaitable[Any], back: str | None = None
) -> Response[str]:
    """Carry a form out, and go back; what was refused is told on the source's page."""
    again = partial(pages.show, call, name)
    return await forms.done(doing, back or path(name), again, SourceMissing)


async def _filed(call: Call, name: str, doing: Awaitable[Any]) -> Response[str]:
    async def again(refused: Exception) -> Response[str]:
        call.views = call.platform.views.current
        return await pages.show_files(call, name, refused)

    return await forms.done(doing, f"{path(name)}/files", again, SourceMissing)


def _ticks(given: dict[str, str], *names: str) -> dict[str, Any]:
    """The fields of a form, with its checkboxes as what they say."""
    return {**given, **{name: given.get(name) == forms.TICKED for name in names}}


def _body(type_name: str, given: Mapping[str, str], current: Mapping[str, Any]) -> dict[str, Any]:
    """The body that the API takes. Raises Denied, 422."""
    if type_name not in TYPES:
        raise errors.invalid("type", "is not known")
    own = {name: text for name, text in given.items() if not name.startswith(options.PREFIX)}
    body: dict[str, Any] = {**own, "type": type_name}
    body["enabled"] = own.get("enabled") == forms.TICKED
    body["tags"] = [tag.strip() for tag in own.get("tags", "").split(",") if tag.strip()]
    body["options"] = options.read(json_schema(TYPES[type_name]), given, current)
    return {name: value for name, value in body.items() if value != "" or name == "description"}


def _add_form(
    call: Call, type_name: str, given: Mapping[str, str] | None, refused: Exception | None
) -> Response[str]:
    kind = TYPES.get(type_name)
    if kind is None:
        raise errors.Denied(404, "There is no such type of source.")
    shown = given or {"enabled": forms.TICKED}
    return forms.form_page(
        call,
        "source_form.html",
        f"Add a source: {kind.title}",
        refused,
        at=f"{ADD}/{type_name}",
        action=f"{ADD}/{type_name}",
        back=ADD,
        new=True,
        kind=kind,
        own=shown,
        revision=None,
        fields=options.fields(json_schema(kind), {}, given),
    )


async def _edit_form(
    call: Call, name: str, given: Mapping[str, str] | None, refused: Exception | None
) -> Response[str]:
    source = _known(call, name)
    kind = TYPES.get(source.type)
    shown = given or {
        "enabled": forms.TICKED if source.enabled else "",
        "description": source.description,
        "tags": ", ".join(source.labels),
        "schema": source.schema,
        "lookback_days": "" if source.lookback_days is None else str(source.lookback_days),
        "empty_sync_policy": "allow" if source.allow_empty else "block",
    }
    seen = (await sources.source_details(call, name)).revision
    return forms.form_page(
        call,
        "source_form.html",
        f"Change {name}",
        refused,
        at=f"{path(name)}/edit",
        action=f"{path(name)}/edit",
        back=path(name),
        new=False,
        kind=kind,
        own=shown,
        revision=shown.get("revision", seen),
        fields=[] if kind is None else options.fields(json_schema(kind), source.options, given),
    )


def _known(call: Call, name: str) -> Any:
    found = known.one(call.views, name)
    if found is None:
        raise SourceMissing(name)
    return found.config
