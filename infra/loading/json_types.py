"""The keys of JSON objects, and the types of their values.

All objects must be looked at: the engine passes over a key that its sample did not have, and makes
1.5 an integer where the sample had integers alone. It looks at all of them on one processor; so of
large inputs a sample says what to expect, and statements that use all processors prove that every
object is so. Where one is not, it is found out the slow way.
"""

from collections.abc import Callable

import duckdb

from infra.loading.scan import STAGED_COLUMN
from infra.warehouse.quoting import identifier, literal

DEPTH_MAX = 6  # what lies deeper stays JSON
PROVEN_BYTES_MIN = 16 * 1024**2  # less is looked at as a whole in no time
SHAPES_MAX = 10_000  # different sets of keys that are compared
WHOLE, SAMPLE = -1, 20_480  # objects

# What the text of a value, as JSON has it, must be so that nothing of it is lost; a column of any
# other type is not proven.
LOSSLESS = {
    "BIGINT": "TRY_CAST({0} AS BIGINT)::VARCHAR IS NOT DISTINCT FROM {0}",
    "DOUBLE": "({0})[1] BETWEEN '-' AND '9'",  # a sign or a digit
    "BOOLEAN": "{0} IN ('true', 'false')",
    "VARCHAR": "starts_with({0}, '\"')",
    "DATE": "TRY_CAST(({0})[2:-2] AS DATE)::VARCHAR IS NOT DISTINCT FROM ({0})[2:-2]",
}

Table = Callable[..., str]  # gives the table function over the files, with more options


def find(
    connection: duckdb.DuckDBPyConnection, table: Table, objects: str, *, total_bytes: int
) -> dict[str, str]:
    """Give the engine's type for each key of any object.

    `objects` is the table function that gives each of them as one value, `json`.
    """
    if total_bytes >= PROVEN_BYTES_MIN:
        found = _described(connection, table, SAMPLE)
        if _proven(connection, table, objects, found):
            return found
    return _described(connection, table, WHOLE)


def columns(types: dict[str, str]) -> str:
    """Give the option that names all columns."""
    listed = ", ".join(f"{literal(name)}: {literal(spelled)}" for name, spelled in types.items())
    return f"columns = {{{listed}}}"


def _described(connection: duckdb.DuckDBPyConnection, table: Table, sample: int) -> dict[str, str]:
    source = table(
        f"sample_size = {sample}",
        "union_by_name = true",
        f"maximum_depth = {DEPTH_MAX}",
        "map_inference_threshold = -1",
        "field_appearance_threshold = 0",
    )
    rows = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608 - quoted
    return {row[0]: row[1] for row in rows if row[0] != STAGED_COLUMN}


def _proven(
    connection: duckdb.DuckDBPyConnection, table: Table, objects: str, types: dict[str, str]
) -> bool:
    if not types or not LOSSLESS.keys() >= set(types.values()):
        return False
    shapes = connection.execute(
        f"SELECT DISTINCT json_keys(json) FROM {objects} LIMIT {SHAPES_MAX + 1}"  # noqa: S608 - quoted
    ).fetchall()
    if len(shapes) > SHAPES_MAX or any(not types.keys() >= set(keys or ()) for (keys,) in shapes):
        return False
    texts = table(columns(dict.fromkeys(types, "JSON")))
    kept = " AND ".join(
        f"coalesce({LOSSLESS[spelled].format(f'{identifier(name)}::VARCHAR')}, true)"
        for name, spelled in types.items()
    )
    row = connection.execute(f"SELECT bool_and({kept}) FROM {texts}").fetchone()  # noqa: S608 - quoted
    return row is not None and bool(row[0])
