"""How a source is read: all of it or what is new, and what becomes of the rows that are there.

Its block decides. What only the other side knows, such as the keys of a database's own tables, is
not asked for.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from domain.source_types.databases import DatabaseTable, TablesBlock
from domain.source_types.files import FilesBlock
from domain.source_types.native import DltNativeBlock
from domain.source_types.rest import Endpoint, RestApiBlock
from domain.source_types.table import TYPES
from domain.source_types.vendors import VendorBlock


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a run reads and does; of a source with several tables, what any of them does."""

    incremental: bool = False  # what came since the run before, and that alone
    dated: bool = False  # a range of days can be asked for
    write: str = "replace"  # or append, merge, scd2


WHOLE: Final = Reading()
_STRENGTH: Final = ("replace", "append", "merge")
# What decides about an endpoint; the rest of it may hold masks where secrets stood.
_OF_ENDPOINTS: Final = ("path", "primary_key", "write_disposition", "incremental")


def reading(type_name: str, options: Mapping[str, Any]) -> Reading:
    """How a source with these options is read."""
    row = TYPES.get(type_name)
    block = None if row is None else row.block
    if block is None:
        return WHOLE
    if issubclass(block, FilesBlock):
        files = msgspec.convert(_some(options, FilesBlock.__struct_fields__), FilesBlock)
        return Reading(incremental=True, write=files.writes)
    if issubclass(block, TablesBlock):
        return _together(_of_table(one) for one in options.get("tables", ()))
    if issubclass(block, RestApiBlock):
        return _together(_of_endpoint(one) for one in options.get("endpoints", ()))
    if issubclass(block, VendorBlock):
        return Reading(incremental=True, dated=True, write="merge") if block.dated else WHOLE
    if issubclass(block, DltNativeBlock):  # it keeps cursors of its own
        return Reading(incremental=True, write="append")
    return WHOLE


def _of_table(one: Any) -> Reading:
    table = msgspec.convert(one, str | DatabaseTable)
    if isinstance(table, str):
        return WHOLE
    new = table.cursor is not None
    # Tables that have a cursor mostly have a key too, which the database tells.
    write = table.write_disposition or ("merge" if new else "replace")
    return Reading(incremental=new, dated=new, write=write)


def _of_endpoint(one: Mapping[str, Any]) -> Reading:
    endpoint = msgspec.convert(_some(one, _OF_ENDPOINTS), Endpoint)
    new = endpoint.incremental is not None
    return Reading(incremental=new, dated=new, write=endpoint.write)


def _together(parts: Iterable[Reading]) -> Reading:
    every = tuple(parts)
    return Reading(
        incremental=any(one.incremental for one in every),
        dated=any(one.dated for one in every),
        write=max((one.write for one in every), key=_STRENGTH.index, default="replace"),
    )


def _some(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}
