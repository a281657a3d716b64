"""Columns of a database as Arrow columns: exact where there is a type for it, else as text."""

import datetime as dt
import decimal
import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import sqlalchemy
from sqlalchemy import types

DIGITS_MAX = 38
# A numeric without a scale of its own: 29 digits before the point, 9 behind it.
SCALE = 9

_MIDNIGHT = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - a time of day has no zone

Convert = Callable[[Any], Any]


class Unfit(Exception):
    """Values of these columns are not of the column's type; they are read as text."""

    def __init__(self, columns: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(columns)))
        self.columns = columns


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How one column is read; `convert` is for values that Arrow would not take."""

    name: str
    selected: sqlalchemy.ColumnElement[Any]
    type: pa.DataType
    convert: Convert | None = None

    def array(self, values: Sequence[Any]) -> pa.Array:
        """Give a batch of values. Raises Unfit."""
        try:
            if self.convert is not None:
                values = [None if value is None else self.convert(value) for value in values]
            return pa.array(values, type=self.type)
        except (pa.ArrowException, ValueError, TypeError, ArithmeticError, OverflowError):
            raise Unfit(frozenset({self.name})) from None


def shapes(table: sqlalchemy.Table, wanted: Sequence[str], as_text: frozenset[str]) -> list[Shape]:
    """Give the columns in their order."""
    found = []
    for column in table.columns:
        if wanted and column.name not in wanted:
            continue
        if column.name in as_text:
            raw = sqlalchemy.type_coerce(column, types.NullType())
            found.append(Shape(name=column.name, selected=raw, type=pa.string(), convert=_text))
        else:
            arrow, convert = _of(column.type)
            selected: sqlalchemy.ColumnElement[Any] = column
            if isinstance(column.type, types.Double | types.Float):
                selected = sqlalchemy.type_coerce(column, types.Double(asdecimal=False))
            found.append(Shape(name=column.name, selected=selected, type=arrow, convert=convert))
    return found


def temporal(table: sqlalchemy.Table) -> frozenset[str]:
    """Name the columns of dates and times."""
    kinds = (types.DateTime, types.Date, types.Time)
    return frozenset(column.name for column in table.columns if isinstance(column.type, kinds))


def _of(  # noqa: C901 - a table, one line a type
    kind: types.TypeEngine[Any],
) -> tuple[pa.DataType, Convert | None]:
    match kind:
        case types.Boolean():
            return pa.bool_(), None
        case types.Integer():
            unsigned = getattr(kind, "unsigned", False)
            return (pa.uint64() if unsigned else pa.int64()), None
        case types.Float():
            return pa.float64(), float
        case types.Numeric(precision=int(digits), scale=scale) if digits <= DIGITS_MAX:
            return pa.decimal128(digits, scale or 0), _decimal
        case types.Numeric():
            return pa.decimal128(DIGITS_MAX, SCALE), _decimal
        case types.DateTime():
            return pa.timestamp("us", tz="UTC" if kind.timezone else None), _moment
        case types.Date():
            return pa.date32(), None
        case types.Time():
            return pa.time64("us"), _time
        case types.LargeBinary() | types.BINARY() | types.VARBINARY():
            return pa.binary(), bytes
        case _:
            return pa.string(), _text


def _decimal(value: Any) -> decimal.Decimal:
    return value if isinstance(value, decimal.Decimal) else decimal.Decimal(str(value))


def _moment(value: Any) -> Any:
    # MariaDB's 0000-00-00, which its driver gives as text, is no point in time.
    return None if isinstance(value, str) and value.startswith("0000-00-00") else value


def _time(value: Any) -> Any:
    if isinstance(value, dt.timedelta):  # MariaDB's TIME counts hours too
        return (_MIDNIGHT + value).time() if value.days == 0 else _refuse(value)
    return value.replace(tzinfo=None) if isinstance(value, dt.time) else value


def _refuse(value: Any) -> Any:
    raise ValueError(type(value).__name__)


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case bytes() | bytearray() | memoryview():
            return bytes(value).decode("utf-8", "backslashreplace")
        case dict() | list() | tuple():
            return json.dumps(value, default=str)
        case set() | frozenset():
            return ",".join(sorted(map(str, value)))
        case _:
            return str(value)
