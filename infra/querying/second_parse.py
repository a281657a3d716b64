"""A second parser's opinion: a statement passes when sqlglot, too, sees one that only reads.

The engine's own tree decides what a statement touches. This is the belt to those braces: a fault in
one parser, or in how the tree is written out, does not open the gate by itself.
"""

import logging

import sqlglot
from sqlglot import exp
from sqlglot.dialects import duckdb as dialect
from sqlglot.errors import SqlglotError

READING = (exp.Query, exp.Values, exp.Pivot, exp.Describe, exp.Summarize)
NEVER = (
    exp.Alter, exp.Attach, exp.Command, exp.Create, exp.Detach, exp.DML, exp.Drop, exp.Into,
    exp.Placeholder, exp.Pragma, exp.Set, exp.Transaction, exp.Use,
)  # fmt: skip

# It warns about what it does not know and quotes the user's statement while doing so.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


def objection(sql: str) -> str | None:
    """Say why the statement should not run, or None; raises RecursionError when it is too deep."""
    try:
        parsed = sqlglot.parse(sql, dialect=dialect.DuckDB)
    except (SqlglotError, LookupError, AttributeError, TypeError, ValueError):
        # It also stumbles over its own feet on some texts, `SHOW ALL` for one.
        return "This syntax is not allowed: it could not be checked."
    statements = [one for one in parsed if one is not None and not isinstance(one, exp.Semicolon)]
    if len(statements) != 1:
        return "Only one statement at a time is allowed."
    if isinstance(statements[0], exp.Command) and statements[0].name.upper() == "SHOW":
        return "SHOW lists tables only; use DESCRIBE for one of them."
    if not isinstance(statements[0], READING):
        return "Only reading statements are allowed."
    for node in statements[0].walk():
        if isinstance(node, NEVER):
            return f"Only reading statements are allowed, not {type(node).__name__.upper()}."
    return None
