"""/search: every page, thing and action that fits some words, for who may go there or do it.

The palette of all pages shows the same answer; without a script the page is there alone.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from litestar import Response

from api import saved_queries as saved
from api.call import Call
from api.callers import READS, SESSION
from api.catalog.found import QUERY_CHARS
from api.pages import catalog, graphs, navigation, queries, render, schedules, source_forms
from projections import models, notebooks, search, sources
from projections import schedules as time_tables

HITS_MAX: Final = 24
WORDS_MAX: Final = 8  # of what is looked for
CHARS_MAX: Final = 100
DEEP_MAX: Final = 12  # tables and columns of the catalogue among them


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """Something to go to, or to do: `posts` is whether its path is a form's."""

    label: str
    said: str
    path: str
    icon: str
    posts: bool = False


class Doing(msgspec.Struct, frozen=True):
    """What can be begun on some page, whatever there is."""

    label: str
    said: str
    path: str
    icon: str
    access: str


DOINGS: Final = (
    Doing("Add a source", "Action", "/add/source", "plus", "source.manage"),
    Doing("Add a schedule", "Action", "/add/schedule", "plus", "scheduler.manage"),
    Doing("New notebook", "Action", "/notebooks#new", "notebook-pen", "notebooks.execute"),
    Doing("Run models", "Action", "/models", "play", "dbt.run"),
    Doing("Invite a user", "Action", "/users#invite", "users", "users.manage"),
    Doing("Set a secret", "Action", "/secrets#set", "key-round", "config.manage"),
    Doing("Find personal data", "Action", "/governance", "shield-check", "governance.manage"),
    Doing("Verify the log", "Action", "/events/1?verify=1", "list-tree", "audit.view"),
)
OWN: Final = (
    Doing("Account", "Sessions, API keys, password", "/account", "user", SESSION),
    Doing("Second factor", "Your account", "/account/2fa", "lock", SESSION),
)


async def search_page(call: Call) -> Response[str]:
    """Show what fits some words."""
    asked = " ".join(call.request.query_params.get("q", "").split())[:CHARS_MAX]
    wanted = asked.casefold().split()[:WORDS_MAX]
    things = [*_things(call), *_works(call)] if wanted else []
    hits = _ranked(wanted, [*_places(call), *things])
    known = {hit.path for hit in hits}
    if len(asked) in QUERY_CHARS and call.caller.may("governance.view"):
        await call.kept(search.READ, search.index)
        hits += [hit for hit in _deep(call, asked) if hit.path not in known]
    return render.page(call, "search.html", "Search", q=asked, hits=hits[:HITS_MAX])


def _ranked(wanted: list[str], hits: Iterable[Hit]) -> list[Hit]:
    """Those that have all words; where they begin with them, first."""
    found = [(_distance(wanted, hit), hit) for hit in hits]
    near = [each for each in found if each[0] is not None]
    near.sort(key=lambda each: each[0] or 0)  # of equals, the order stays
    return [hit for _, hit in near]


def _distance(wanted: list[str], hit: Hit) -> int | None:
    """How far the words are from the beginnings of the label's; None where one is not there."""
    label, said = hit.label.casefold(), hit.said.casefold().split()
    parts = re.split(r"[\W_]+", label)
    away = 0
    for number, word in enumerate(wanted):
        if label.startswith(word) and not number:
            continue
        if any(part.startswith(word) for part in parts):
            away += 1
        elif word in label:
            away += 2
        elif any(part.startswith(word) for part in said):
            away += 3
        else:
            return None
    return away


def _places(call: Call) -> Iterator[Hit]:
    """Pages and actions, as far as the caller may."""
    caller, now = call.caller, call.as_of is None
    for entry in (*navigation.MENU, *navigation.SETTINGS):
        if entry.access == READS or caller.may(entry.access):
            yield Hit(label=entry.label, said="Page", path=entry.path, icon=entry.icon)
    for own in OWN:
        if caller.session_id is not None:
            yield Hit(label=own.label, said=own.said, path=own.path, icon=own.icon)
    for doing in DOINGS:
        if now and caller.may(doing.access):
            yield Hit(label=doing.label, said=doing.said, path=doing.path, icon=doing.icon)


def _things(call: Call) -> Iterator[Hit]:
    """Sources and models, and what can be done with them."""
    now = call.as_of is None
    syncs, runs = (now and call.caller.may(right) for right in ("source.sync", "dbt.run"))
    for health in sources.every(call.views):
        name = health.config.name
        where = source_forms.path(name)
        yield Hit(label=name, said="Source", path=where, icon="database")
        if syncs and health.config.enabled:
            yield _action(f"Sync {name}", f"{where}/sync", "refresh-cw")
    for state in models.every(call.views):
        name = state.config.name
        where = graphs.model_path(name)
        yield Hit(label=name, said="Model", path=where, icon="boxes")
        if runs:
            yield _action(f"Run {name}", f"{where}/run", "play")


def _action(label: str, path: str, icon: str) -> Hit:
    return Hit(label=label, said="Action", path=path, icon=icon, posts=True)


def _works(call: Call) -> Iterator[Hit]:
    """Schedules, notebooks, saved queries."""
    caller = call.caller
    if caller.may("scheduler.view"):
        for line in time_tables.every(call.views):
            where = schedules.path(line.config.name)
            yield Hit(label=line.config.name, said="Schedule", path=where, icon="calendar-clock")
    if caller.may("notebooks.view"):
        for book in notebooks.every(call.views):
            where = f"/notebooks#notebook-{book.notebook}"
            yield Hit(label=book.notebook, said="Notebook", path=where, icon="notebook-pen")
    if call.as_of is None and caller.may("query.execute"):
        for query in saved.every(call):
            where = queries.saved_path(query.id)
            yield Hit(label=query.name, said="Saved query", path=where, icon="terminal")


def _deep(call: Call, asked: str) -> Iterator[Hit]:
    """Tables by their columns, tags and descriptions, and by names that are spelled wrong."""
    for match in search.find(call.views, asked, DEEP_MAX):
        path = catalog.path(match.node)
        said = "Table" if match.kind == "name" else f"Table, by {match.column or match.kind}"
        if path:
            yield Hit(label=match.node.name, said=said, path=path, icon="table-2")
