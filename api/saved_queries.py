"""/api/queries: statements that are kept by a name, for oneself or for all who may query."""

from datetime import datetime
from typing import Any, Final

import msgspec

from api.call import Call, Done
from api.errors import invalid
from api.queries import SQL_BYTES_MAX
from commands.saved_queries import SAVED, ChangeSavedQuery, DeleteSavedQuery, Kept, SaveQuery
from domain import saved_queries as rules
from projections import saved_queries
from projections.saved_queries import Saved

LISTED_MAX: Final = 500
ENDS_ANY: Final = "platform.manage"  # deletes what others share, too

_kept: Final = msgspec.json.Decoder(Kept)


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    """A saved query; `owner` is the actor who saved it, `mine` whether that is the caller."""

    id: str
    name: str
    sql: str
    shared: bool
    mine: bool
    owner: str
    created_at: datetime
    updated_at: datetime


class SavedList(msgspec.Struct, frozen=True, kw_only=True):
    """One's own, and those that others share."""

    queries: list[SavedView]
    count: int


class SavedThen(msgspec.Struct, frozen=True, kw_only=True):
    """A saved query of the past; `now` is None when nobody has it any more, or not the caller."""

    id: str
    shared: bool
    mine: bool
    updated_at: datetime
    now: SavedView | None
    changed: bool  # since then: name and text are not those of then


class NewSaved(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to keep; `shared` is whether all who may query see it."""

    name: str
    sql: str
    shared: bool = False


class SavedChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of it to change; what is left out stays."""

    name: str | None = None
    sql: str | None = None
    shared: bool | None = None


async def list_saved(call: Call) -> SavedList:
    """List the saved queries that the caller may see."""
    found = every(call)
    return SavedList(queries=found, count=len(found))


async def one_saved(call: Call, query_id: str) -> SavedView:
    """Show a saved query."""
    return _find(call, query_id)


async def save_query(call: Call, data: NewSaved) -> SavedView:
    """Save a query by a name."""
    query = call.platform.new_id()
    await call.send(SaveQuery(**_keeping(call, query, data.name, data.sql), shared=data.shared))
    return _find(call, query)


async def change_saved(call: Call, query_id: str, data: SavedChange) -> SavedView:
    """Change the name or the text of a saved query, or who sees it."""
    before = _find(call, query_id)
    if not before.mine:
        raise rules.SavedQueryMissing
    name = before.name if data.name is None else data.name
    sql = before.sql if data.sql is None else data.sql
    shared = before.shared if data.shared is None else data.shared
    keeping = _keeping(call, query_id, name, sql)
    await call.send(ChangeSavedQuery(**keeping, shared=shared))
    return _find(call, query_id)


async def delete_saved(call: Call, query_id: str) -> Done:
    """Delete a saved query: one's own, or any that is shared for who manages the platform."""
    found = _find(call, query_id)
    if not found.mine and not call.caller.may(ENDS_ANY):
        raise rules.SavedQueryMissing
    await call.send(DeleteSavedQuery(query=query_id, owner=found.owner))
    return Done()


def every(call: Call) -> list[SavedView]:
    """Those that the caller may see, one's own first. What the vault has no more is left out."""
    reader = call.platform.views.current
    found = saved_queries.seen_by(reader, call.caller.actor, LISTED_MAX)
    return [view for each in found if (view := _view(call, each)) is not None]


def then(call: Call, limit: int) -> list[SavedThen]:
    """Those that the caller could see at the moment that is looked at.

    The vault keeps no past: a name and a text are those of now, for who may see them now.
    """
    actor, current = call.caller.actor, call.platform.views.current
    found = []
    for each in saved_queries.seen_by(call.views, actor, limit):
        now = saved_queries.one(current, each.query, actor)
        view = None if now is None else _view(call, now)
        found.append(
            SavedThen(
                id=each.query,
                shared=each.shared,
                mine=each.owner == actor,
                updated_at=each.updated_at,
                now=view,
                changed=now is not None and now.since != each.since,
            )
        )
    return found


def _find(call: Call, query: str) -> SavedView:
    """Raises SavedQueryMissing."""
    saved = saved_queries.one(call.platform.views.current, query, call.caller.actor)
    view = None if saved is None else _view(call, saved)
    if view is None:
        raise rules.SavedQueryMissing
    return view


def _view(call: Call, saved: Saved) -> SavedView | None:
    value = call.platform.secrets.read(SAVED, saved.query)
    if value is None:
        return None
    kept = _kept.decode(value)
    return SavedView(
        id=saved.query,
        name=kept.name,
        sql=kept.sql,
        shared=saved.shared,
        mine=saved.owner == call.caller.actor,
        owner=saved.owner,
        created_at=saved.created_at,
        updated_at=saved.updated_at,
    )


def _keeping(call: Call, query: str, name: str, sql: str) -> dict[str, Any]:
    """What both commands have. Raises SavedNameInvalid, Denied."""
    name, owner, digest = rules.named(name), call.caller.actor, call.platform.secrets.digest
    if not sql.strip():
        raise invalid("sql", "is empty")
    if len(sql.encode()) > SQL_BYTES_MAX:
        raise invalid("sql", f"is longer than {SQL_BYTES_MAX} bytes")
    return {
        "query": query,
        "owner": owner,
        "kept": Kept(name=name, sql=sql),
        "label": digest(SAVED, f"{owner}\n{name.casefold()}"),
        "proof": digest(SAVED, f"{query}\n{name}\n{sql}"),
        "user": call.caller.user_id,
    }
