"""Well-known APIs: a manifest, filled with what a source's block says, is a rest_api block.

In a manifest `<name>` stands for the block's value of that name. An endpoint with `for_each` is
there once for each item of that list: `<item>` is the item as a part of a path, `<item_name>` as
the name of a table.
"""

import datetime as dt
import re
import urllib.parse
from importlib import resources
from typing import Any, Final

import duckdb
import msgspec
import yaml

from commands import ports
from domain.source_types import rest, vendors
from infra.loading import rest_api, told
from infra.loading.settings import LoadSettings
from infra.loading.staged import Staged
from infra.workers.desk import Desk

INSIGHTS_KEPT: Final = dt.timedelta(days=36 * 30)  # the API refuses what is 37 months ago
_FIELD: Final = re.compile(r"<([a-z_]+)>")
_WORD: Final = re.compile(r"([A-Z])")
_NOT_NAME: Final = re.compile(r"[^A-Za-z0-9_]+")


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a vendor's API is asked, and where the vendor says so."""

    title: str
    documentation: tuple[str, ...]
    api: dict[str, Any]
    notes: str = ""


def stage(
    connection: duckdb.DuckDBPyConnection, load: ports.Load, settings: LoadSettings, desk: Desk
) -> Staged:
    """Fetch what the block asks for."""
    return rest_api.stage_block(connection, load, settings, desk, block=expanded(load))


def sample(
    connection: duckdb.DuckDBPyConnection, load: ports.Load, settings: LoadSettings, desk: Desk
) -> ports.Sample:
    """Fetch the first page of every endpoint."""
    return rest_api.sample_block(connection, load, settings, desk, block=expanded(load))


def manifest(name: str) -> Manifest:
    """Read a vendor's manifest."""
    text = (resources.files("infra.loading") / "manifests" / f"{name}.yml").read_text("utf-8")
    return msgspec.convert(yaml.safe_load(text), Manifest)


def expanded(load: ports.Load) -> rest.RestApiBlock:
    """Give the rest_api block that a load's block stands for. Raises WorkRefused."""
    block = told.block(load, vendors.BLOCKS[load.type][2])
    return expand(manifest(load.type), block, until=load.end_date)


def expand(
    described: Manifest, block: vendors.VendorBlock, *, until: str | None = None
) -> rest.RestApiBlock:
    """Fill a manifest. Raises WorkRefused for endpoints that it does not have.

    Where an API wants to be told both ends of a time, it ends with the day `until`, or today.
    """
    today = dt.datetime.now(dt.UTC).date()
    days = {"until": (until or block.end_date or today.isoformat())[:10]}
    values = {**msgspec.structs.asdict(block), **days, **_derived(block, today)}
    api = dict(described.api)
    endpoints: list[Any] = []
    for endpoint in api.pop("endpoints"):
        one = dict(endpoint)
        each = one.pop("for_each", None)
        items = [{}] if each is None else [_item(item, values) for item in values[each]]
        endpoints += [_filled(one, values | item, braces=True) for item in items]
    for one in endpoints:
        if keep := _kept(block, one["name"]):
            one["keep"] = keep
    found: dict[str, Any] = _filled(api, values, braces=False)
    found["endpoints"] = _chosen(endpoints, block.wanted)
    for name in ("base_url", "start_date", "end_date", "lookback_days", "allow_private_hosts"):
        if values[name] is not None:
            found[name] = values[name]
    return msgspec.convert(found, rest.RestApiBlock)


def _kept(block: vendors.VendorBlock, name: str) -> dict[str, list[str]]:
    """Which rows a block names, of an endpoint that gives more."""
    match block, name:
        case vendors.SlackBlock(selected_channels=tuple() as chosen), "channels":
            return {"id": list(chosen)}
        case vendors.NotionBlock(database_ids=tuple() as chosen), "pages":
            ids = (one.get("id", "") if isinstance(one, dict) else one for one in chosen)
            return {"parent.database_id": [str(one) for one in ids]}
        case _:
            return {}


def _derived(block: vendors.VendorBlock, today: dt.date) -> dict[str, Any]:
    match block:
        case vendors.GoogleAnalyticsBlock():
            dated = [one for one in block.queries if "date" in one.dimensions]
            others = [one for one in block.queries if "date" not in one.dimensions]
            return {"dated": dated, "undated": others, "since": block.start_date or "2015-08-14"}
        case vendors.FacebookAdsBlock():
            return {
                "account": f"act_{str(block.account_id).removeprefix('act_')}",
                "insights_fields": ",".join(block.insights_fields),
                "earliest": (today - INSIGHTS_KEPT).isoformat(),
            }
        case vendors.GoogleSheetsBlock(range_names=str() as one):
            return {"spreadsheet_id": block.spreadsheet_id, "range_names": (one,)}
        case vendors.GoogleSheetsBlock():
            return {"spreadsheet_id": block.spreadsheet_id}
        case vendors.PipedriveBlock(since_timestamp=str() as since):
            return {"start_date": block.start_date or since}
        case _:
            return {}


def _chosen(endpoints: list[Any], told: tuple[str, ...]) -> list[Any]:
    if not told:
        return endpoints
    names = [one["name"] for one in endpoints]
    # Existing files call them by the vendor's types: BalanceTransaction.
    plain = [_WORD.sub(r"_\1", name).lstrip("_").lower() for name in told]
    wanted = [f"{name}s" if f"{name}s" in names else name for name in plain]
    for name in wanted:
        if name not in names:
            reason = f"There is no endpoint '{name}'; there are {', '.join(names)}."
            raise ports.WorkRefused(reason)
    # Those that others are asked for each row of come along.
    needed = set(wanted)
    for one in endpoints:
        if one["name"] in wanted:
            needed.update(re.findall(r"\{resources\.(\w+)\.", str(one)))
    return [one for one in endpoints if one["name"] in needed]


def _item(item: str | vendors.GoogleReport, values: dict[str, Any]) -> dict[str, Any]:
    if isinstance(item, vendors.GoogleReport):
        return {
            "item_name": item.resource_name,
            "dimensions": list(item.dimensions),
            "metrics": list(item.metrics),
            "dimensions_asked": [{"name": name} for name in item.dimensions],
            "metrics_asked": [{"name": name} for name in item.metrics],
        }
    more = values.get("fields", {}).get(item, ())
    selected = ", ".join(("FIELDS(STANDARD)", *more))
    plain = _NOT_NAME.sub("_", item).strip("_").lower() or "rows"
    named = f"_{plain}" if plain[0].isdecimal() else plain
    return {
        "item": urllib.parse.quote(item, safe=""),
        "item_name": named,
        "selected": selected,
    }


def _filled(value: Any, values: dict[str, Any], *, braces: bool) -> Any:
    """Fill in the values; `braces`: where dlt looks for placeholders, theirs are doubled."""
    match value:
        case str() if (whole := _FIELD.fullmatch(value)) and not isinstance(values[whole[1]], str):
            return values[whole[1]]
        case str():
            return _FIELD.sub(lambda found: _spelled(values, found[1], braces=braces), value)
        case dict():
            return {key: _filled(item, values, braces=braces) for key, item in value.items()}
        case list():
            return [_filled(item, values, braces=braces) for item in value]
        case _:
            return value


def _spelled(values: dict[str, Any], name: str, *, braces: bool) -> str:
    text = str(values[name])
    return text.replace("{", "{{").replace("}", "}}") if braces else text
