"""Types of columns: which one holds the values of two, and which ones a table can have."""

import re
from typing import Final

TEXT: Final = "VARCHAR"
JSON: Final = "JSON"
# Whole numbers above this are not exact in a DOUBLE.
EXACT_MAX: Final = 2**53

_WHOLE: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
_UNSIGNED: Final = {
    "UTINYINT": "SMALLINT",
    "USMALLINT": "INTEGER",
    "UINTEGER": "BIGINT",
    "UBIGINT": "DECIMAL(20,0)",
}
_DIGITS: Final = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19}
_TIMES: Final = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
_DECIMAL: Final = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_DECIMAL_DIGITS_MAX: Final = 38
_DOUBLE_DIGITS: Final = 15  # that every DOUBLE keeps
# What Parquet has no place for, or gives back as another type, and what is stored instead.
_STORED: Final = {
    "HUGEINT": "DECIMAL(38,0)",
    "UHUGEINT": TEXT,
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
    "TIMESTAMP_NS": "TIMESTAMP",
    "TIME WITH TIME ZONE": TEXT,
    "INTERVAL": TEXT,
    "BIT": TEXT,
    '"NULL"': TEXT,
}


def stored(spelled: str) -> str:
    """Give the type as which values of this one are kept."""
    if spelled.startswith("ENUM"):
        return TEXT
    return _STORED.get(spelled, spelled)


def nested(spelled: str) -> bool:
    """Tell whether values have parts."""
    return (
        spelled.endswith("]") or spelled.startswith(("STRUCT", "MAP", "UNION")) or spelled == JSON
    )


def wider(one: str, other: str) -> str:
    """Give the narrowest type that holds both without loss; of long whole numbers see EXACT_MAX."""
    if one == other:
        return one
    if nested(one) or nested(other):
        return JSON
    one, other = _UNSIGNED.get(one, one), _UNSIGNED.get(other, other)
    for chain in (_WHOLE, _TIMES):
        if one in chain and other in chain:
            return max(one, other, key=chain.index)
    decimals = _as_decimal(one), _as_decimal(other)
    if "FLOAT" in (one, other) or "DOUBLE" in (one, other):
        return "DOUBLE" if _fit_double(one) and _fit_double(other) else TEXT
    if decimals[0] is None or decimals[1] is None:
        return TEXT
    scale = max(decimals[0][1], decimals[1][1])
    width = max(part[0] - part[1] for part in decimals if part) + scale
    return f"DECIMAL({width},{scale})" if width <= _DECIMAL_DIGITS_MAX else TEXT


def promotes(before: str, after: str) -> bool:
    """Tell whether a table can be told to see a column as the other type, its files left alone."""
    if before in _WHOLE and after in _WHOLE:
        return _WHOLE.index(before) < _WHOLE.index(after)
    return before == "FLOAT" and after == "DOUBLE"


def _fit_double(spelled: str) -> bool:
    if spelled in ("FLOAT", "DOUBLE") or spelled in _WHOLE:
        return True
    decimal = _as_decimal(spelled)
    return decimal is not None and decimal[0] <= _DOUBLE_DIGITS


def _as_decimal(spelled: str) -> tuple[int, int] | None:
    if spelled in _DIGITS:
        return _DIGITS[spelled], 0
    found = _DECIMAL.fullmatch(spelled)
    return (int(found[1]), int(found[2])) if found else None
