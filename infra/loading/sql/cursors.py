"""The point that a table was read up to, kept as JSON, and the condition for what came after."""

import datetime as dt
import decimal
from typing import Any

import sqlalchemy

from commands import ports


def kept(value: Any) -> list[str] | None:  # noqa: C901 - a table, one line a type
    """Give a cursor's value as the state keeps it."""
    match value:
        case None:
            return None
        case bool():
            return None
        case int():
            return ["int", str(value)]
        case float():
            return ["float", repr(value)]
        case decimal.Decimal():
            return ["decimal", str(value)]
        case dt.datetime():
            return ["datetime", value.isoformat()]
        case dt.date():
            return ["date", value.isoformat()]
        case str():
            return ["text", value]
        case _:
            kind = type(value).__name__
            raise ports.WorkRefused(f"A column of {kind} values cannot be a cursor.")


def value_of(told: list[str]) -> Any:
    """Read what `kept` wrote."""
    kind, text = told
    match kind:
        case "int":
            return int(text)
        case "float":
            return float(text)
        case "decimal":
            return decimal.Decimal(text)
        case "datetime":
            return dt.datetime.fromisoformat(text)
        case "date":
            return dt.date.fromisoformat(text)
        case _:
            return text


def as_cursor(text: str | float, column: sqlalchemy.Column[Any]) -> Any:
    """Read a cursor's first value, as a person wrote it, in the column's type."""
    try:
        kind = column.type.python_type
    except NotImplementedError:
        kind = str
    try:
        if kind is dt.datetime:
            moment = dt.datetime.fromisoformat(str(text))
            zoned = getattr(column.type, "timezone", False)
            return moment.replace(tzinfo=moment.tzinfo or dt.UTC) if zoned else moment
        if kind is dt.date:
            return dt.date.fromisoformat(str(text))
        return kind(text)
    except (ValueError, TypeError, ArithmeticError):
        reason = f"'{text}' is no value of column '{column.name}'."
        raise ports.WorkRefused(reason) from None


def earlier(value: Any, days: int) -> Any:
    """Go back by some days, where the cursor is a point in time."""
    if days and isinstance(value, dt.date):
        return value - dt.timedelta(days=days)
    return value


def compared(
    database: sqlalchemy.Connection, column: sqlalchemy.Column[Any], value: Any
) -> tuple[sqlalchemy.ColumnElement[Any], Any]:
    """Give both sides of a comparison with a cursor.

    SQLite has no points in time: it keeps text, in more than one spelling of the same moment.
    """
    if isinstance(value, str):
        return sqlalchemy.type_coerce(column, sqlalchemy.String()), value
    if database.dialect.name == "sqlite" and isinstance(value, dt.datetime):
        spelled = sqlalchemy.func.strftime("%Y-%m-%d %H:%M:%f", column, type_=sqlalchemy.String())
        return spelled, value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}"
    return column, value
