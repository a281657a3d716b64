"""Who may ask our database in Metabase: a group of ours, and not everybody.

A database that is new there is open to the group of all users. That one loses the right to make
queries over ours, and a group of our own gets it, with the query builder: statements of the
engine's own could read files of the machine that Metabase runs on. What an administrator of
Metabase has granted our group beyond that stays.

https://www.metabase.com/docs/latest/api/permissions (GET, POST /api/permissions/group; GET, PUT
/api/permissions/graph; GET, POST, DELETE /api/permissions/membership), and for what the words of
the graph mean, https://www.metabase.com/docs/latest/permissions/data: `create-queries` is `no`,
`query-builder` or `query-builder-and-native`; `view-data`, which is about what others have saved,
is `unrestricted` in the open-source edition, and nothing else can be set there.
"""

from typing import Any, Final

from commands.ports import UpstreamFailed
from infra.dashboards.client import DOWN, Client, number

GROUP: Final = "Dango: may ask the warehouse"
EVERYBODY: Final = "All Users"
EVERYBODY_KIND: Final = "all-internal-users"  # the same, whatever it is called there
QUERIES, VIEWS = "create-queries", "view-data"
NONE, BUILDER, UNRESTRICTED = "no", "query-builder", "unrestricted"
TRIES_MAX: Final = 3  # when somebody else changes the graph at the same moment
CONFLICT: Final = 409
NOT_TAKEN: Final = (
    "Metabase does not keep the rights that it was given on the database: close it to the group"
    " All Users by hand. Metabase 50 or later is needed."
)


async def close(client: Client, database: int) -> None:
    """Have the database asked by our group alone. Raises UpstreamFailed."""
    everybody, own = await _everybody(client), await _own(client) or await _made(client)
    for _ in range(TRIES_MAX):
        wanted = _wanted(await _graph(client), str(database), str(everybody), str(own))
        if wanted is None:
            return
        await client.ask("PUT", "/api/permissions/graph", wanted, taken=(CONFLICT,))
    raise UpstreamFailed(NOT_TAKEN)


async def admit(client: Client, account: int, *, asks: bool) -> None:
    """Have an account in our group, or not; nothing, where there is no such group yet.

    Raises UpstreamFailed.
    """
    if (own := await _own(client)) is None:
        return
    _, every = await client.ask("GET", "/api/permissions/membership")
    rows = every.get(str(account)) if isinstance(every, dict) else None
    known = [each for each in rows or () if each.get("group_id") == own]
    if asks and not known:
        body = {"group_id": own, "user_id": account}
        await client.ask("POST", "/api/permissions/membership", body)
    for each in () if asks else known:
        path = f"/api/permissions/membership/{int(each['membership_id'])}"
        await client.ask("DELETE", path, taken=(404,))


async def _everybody(client: Client) -> int:
    groups = await client.rows("/api/permissions/group")
    by_kind = [each for each in groups if each.get("magic_group_type") == EVERYBODY_KIND]
    by_name = [each for each in groups if each.get("name") == EVERYBODY]
    found = next(iter((*by_kind, *by_name)), None)
    return number(found)


async def _own(client: Client) -> int | None:
    groups = await client.rows("/api/permissions/group")
    found = next((each for each in groups if each.get("name") == GROUP), None)
    return None if found is None else number(found)


async def _made(client: Client) -> int:
    _, made = await client.ask("POST", "/api/permissions/group", {"name": GROUP})
    return number(made)


async def _graph(client: Client) -> dict[str, Any]:
    _, graph = await client.ask("GET", "/api/permissions/graph")
    if not isinstance(graph, dict) or not isinstance(graph.get("groups"), dict):
        raise UpstreamFailed(DOWN)
    return graph


def _wanted(
    graph: dict[str, Any], database: str, everybody: str, own: str
) -> dict[str, Any] | None:
    """The part of the graph that is to be another; None when it is right.

    What is not there means the least: Metabase leaves such values out.
    """
    closed, opened = _entry(graph, everybody, database), _entry(graph, own, database)
    asks = opened.get(QUERIES, NONE)
    if closed.get(QUERIES, NONE) == NONE and asks != NONE:
        return None
    changed = {
        everybody: {**closed, QUERIES: NONE},
        own: {**opened, QUERIES: BUILDER if asks == NONE else asks},
    }
    for entry in changed.values():
        entry.setdefault(VIEWS, UNRESTRICTED)
    groups = {group: {database: entry} for group, entry in changed.items()}
    return {"revision": graph.get("revision"), "groups": groups}


def _entry(graph: dict[str, Any], group: str, database: str) -> dict[str, Any]:
    entry = (graph["groups"].get(group) or {}).get(database)
    return entry if isinstance(entry, dict) else {}
