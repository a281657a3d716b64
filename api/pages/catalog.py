"""/catalog: everything that can be asked, by name, column, tag or description; one table of it."""

import functools
from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
from litestar import Response

from api import errors, masks, profiles
from api.call import Call
from api.catalog import details, found, graph
from api.pages import charts, forms, graphs, lines
from commands.profiling import Bucket
from domain.pii import PERMISSION
from domain.profiles import of
from projections import catalog, drift, pii
from projections.catalog import Node
from projections.profiles import one as profiled

PAGE: Final = "/catalog"
SHOWN_MAX: Final = 500
CHANGES_SHOWN: Final = 20
VALUES_SHOWN: Final = 10
FIRST_ROWS: Final = 100
MINI: Final = (120.0, 28.0)  # width and height of a histogram in a row

_buckets: Final = msgspec.json.Decoder(tuple[Bucket, ...])
_values: Final = msgspec.json.Decoder(tuple[str, ...])


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Something of the catalogue, and why it is shown."""

    node: Node
    path: str
    matched: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A column with what it holds; empty before the first profile."""

    column: details.DescribedColumn
    personal: bool
    kind: str  # of personal data, where a scan said so
    nulls: str
    distinct: str
    range: str
    quartiles: tuple[str, ...]
    top: tuple[str, ...]
    buckets: tuple[Bucket, ...]
    bars: list[charts.Box]


async def list_all(call: Call) -> Response[str]:
    """Show the catalogue, or what of it fits what is looked for."""
    asked = " ".join(call.request.query_params.get("q", "").split())
    refused: Exception | None = None
    results: list[Result] = []
    known = await graph.known(call)
    try:
        if asked:
            matches = (await found.find(call, asked)).results
            results = [_result(known.nodes[each.unique_id], each) for each in matches]
        else:
            every = sorted(known.nodes.values(), key=lambda node: (node.layer, node.name, node.id))
            results = [_result(node) for node in every[:SHOWN_MAX]]
    except errors.TOLD as wrong:
        refused = wrong
    return forms.form_page(
        call,
        "catalog.html",
        "Catalogue",
        refused,
        q=asked,
        results=results,
        total=len(known.nodes),
        now=call.views.now,
    )


async def one_table(call: Call, owner: str, table: str) -> Response[str]:
    """Show one table: columns with what they hold, lineage, history."""
    return await _table(call, owner, table)


async def profile(call: Call, owner: str, table: str) -> Response[str]:
    """Count through a table."""
    await forms.read(call)
    doing, back = profiles.profile(call, owner, table), table_path(owner, table)
    return await forms.done(doing, back, partial(_table, call, owner, table))


async def _table(
    call: Call, owner: str, table: str, refused: Exception | None = None
) -> Response[str]:
    if call.changes:
        call.views = call.platform.views.current
    counted = await profiles.columns(call, owner, table)
    node = (await graph.known(call)).find(f"{owner}.{table}")
    if node is None:
        raise errors.Denied(404, f"Table '{table[:200]}' not found in the catalogue.")
    shown = await details.model_details(call, node.id)
    kinds = _kinds(call, node)
    personal = _personal(call, node)
    known = profiled(call.views, node.schema, node.relation)
    return forms.form_page(
        call,
        "table.html",
        node.name,
        refused,
        at=table_path(owner, table),
        owner=owner,
        node=node,
        shown=shown,
        counted=counted,
        profiled_past=known is not None and counted.profiled_at is None,
        columns=[_line(each, personal, kinds) for each in shown.columns],
        model=node.kind != catalog.SOURCE,
        picture=graphs.picture(call, graphs.around(call.views, node.id), table_path(owner, table)),
        changes=drift.newest(call.views, CHANGES_SHOWN, source=owner, table=table),
        ids_per_position=drift.IDS_PER_POSITION,
        events=lines.about(call, of(node.schema, node.relation)),
        mini=MINI,
        sees=call.caller.may(PERMISSION),
        ask=ask_path(node.schema, node.relation),
        ref=_ref(node),
        may_ask=call.caller.may("query.execute"),
        may_profile=call.as_of is None,
        now=call.views.now,
    )


@functools.lru_cache(maxsize=graphs.PATHS_KEPT_MAX)
def table_path(owner: str, table: str) -> str:
    """The page of a table."""
    return f"{PAGE}/{quote(owner, safe='')}/{quote(table, safe='')}"


def ask_path(schema: str, table: str) -> str:
    """The page to query on, with a statement for the first rows of a table."""
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, table))
    return f"/query?{urlencode({'embedded': 1, 'sql': f'from {quoted} limit {FIRST_ROWS}'})}"


def path(node: Node) -> str:
    """The page of what stands in the catalogue: its table, or its model where none was built."""
    if node.kind == catalog.SOURCE:
        return table_path(node.source or node.schema, node.name) if node.schema else ""
    if node.row_count is None:
        return graphs.model_path(node.name)
    return table_path(node.schema, node.relation)


def _ref(node: Node) -> str:
    """How a model names it; empty where the name would break what it stands in."""
    names = (node.schema, node.relation) if node.kind == catalog.SOURCE else (node.name,)
    if any("'" in name or "\\" in name for name in names):
        return ""
    kind = "source" if node.kind == catalog.SOURCE else "ref"
    inside = ", ".join(f"'{name}'" for name in names)
    return f"{{{{ {kind}({inside}) }}}}"


def _result(node: Node, match: found.FoundView | None = None) -> Result:
    matched = ""
    if match is not None and match.match_type != "name":
        matched = match.matched_column or match.match_type
    return Result(node=node, path=path(node), matched=matched)


def _personal(call: Call, node: Node) -> frozenset[str]:
    """The columns, in lower case, whose values are masked for who may not see personal data."""
    return masks.of_table(masks.masked(call), node.schema, node.relation)


def _kinds(call: Call, node: Node) -> dict[str, str]:
    """What scans took the columns for."""
    every = pii.findings(call.views).get(node.source or "", [])
    return {
        each.finding.column.casefold(): each.finding.kind
        for each in every
        if each.finding.table.casefold() == node.relation.casefold()
    }


def _line(
    column: details.DescribedColumn, personal: frozenset[str], kinds: Mapping[str, str]
) -> Line:
    stats, key = column.stats, column.name.casefold()
    buckets = _buckets.decode(stats.get("histogram") or b"[]")
    width, height = MINI
    low, high = stats.get("min"), stats.get("max")
    return Line(
        column=column,
        personal=key in personal,
        kind=kinds.get(key, "") if key in personal else "",
        nulls=_percent(stats),
        distinct=stats.get("distinct_count") or "",
        range="" if low is None or high is None else low if low == high else f"{low} to {high}",
        quartiles=_values.decode(stats.get("quantiles") or b"[]"),
        top=_values.decode(stats.get("top_values") or b"[]")[:VALUES_SHOWN],
        buckets=buckets,
        bars=charts.bars([each.share for each in buckets], width, height, len(buckets) or 1),
    )


def _percent(stats: Mapping[str, Any]) -> str:
    share = stats.get("null_pct")
    return "" if share is None else f"{float(share):g} %"
