"""Takes a result off the engine row by row and writes it as JSON, within bounds.

Decimals, dates, times, UUIDs, enums, bits and JSON become strings; timestamps ISO 8601; intervals
ISO 8601 durations, where the engine's client counts a month as 30 days; NaN and the infinities
null; blobs base64; structs and maps objects (a map whose keys cannot be names: `{"key": […],
"value": […]}`); lists arrays. Integers of 64 bits are numbers, larger ones strings: most clients
fail on such a number or silently round it.
"""

import re
from typing import Any

import duckdb
import msgspec

CHUNK_ROWS = 256
INT64_BOUND = 2**63
# Columns of these types, also within lists and structs, can hold integers beyond 64 bits.
WIDE = re.compile(r"HUGEINT|UBIGINT|VARIANT")

_encoder = msgspec.json.Encoder(decimal_format="string", enc_hook=str)


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON array of arrays or a whole file, and what was left out of it."""

    json: msgspec.Raw = msgspec.Raw(b"[]")
    file: bytes = b""
    count: int
    truncated: bool
    cut_by_size: bool


def collect(
    con: duckdb.DuckDBPyConnection, types: tuple[str, ...], *, rows_max: int, bytes_max: int
) -> Rows:
    """Fetch the pending result of `con` up to both bounds; the rest is never computed."""
    wide = [index for index, kind in enumerate(types) if WIDE.search(kind)]
    out = bytearray(b"[")
    count = 0
    while chunk := con.fetchmany(CHUNK_ROWS):
        for row in chunk:
            encoded = _encoder.encode(_narrowed(row, wide) if wide else row)
            cut_by_size = len(out) + len(encoded) + 1 > bytes_max
            if count == rows_max or cut_by_size:
                return _finish(out, count, truncated=True, cut_by_size=count < rows_max)
            out += encoded
            out += b","
            count += 1
    return _finish(out, count, truncated=False, cut_by_size=False)


def _finish(out: bytearray, count: int, *, truncated: bool, cut_by_size: bool) -> Rows:
    if count:
        out[-1:] = b"]"
    else:
        out += b"]"
    json = msgspec.Raw(bytes(out))
    return Rows(json=json, count=count, truncated=truncated, cut_by_size=cut_by_size)


def _narrowed(row: tuple[Any, ...], wide: list[int]) -> list[Any]:
    values = list(row)
    for index in wide:
        values[index] = _narrow(values[index])
    return values


def _narrow(value: Any) -> Any:
    if isinstance(value, int):
        return value if -INT64_BOUND <= value < INT64_BOUND else str(value)
    if isinstance(value, list | tuple):
        return [_narrow(item) for item in value]
    if isinstance(value, dict):
        return {key: _narrow(item) for key, item in value.items()}
    return value
