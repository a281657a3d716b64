"""Judges one statement: `check` gives what may run, or raises WorkRefused with the reason.

It runs in the worker, within the deadline, and changes nothing. Two parsers must agree that there
is one reading statement, and every relation, function and kind of syntax in the engine's own tree
must be in an allow-list. What the gate does not know is refused.
"""

import functools
import re
from collections.abc import Iterable
from typing import Any

import duckdb
import msgspec

from commands import ports
from infra.querying import messages, tree
from infra.querying.relations import Published, Relation
from infra.warehouse.quoting import literal

SQL_BYTES_MAX = 102_400

COMMENT_OR_SPACE = r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)"
# What follows must begin like a query: `EXPLAIN ANALYZE` runs it, `EXPLAIN (…)` takes options.
EXPLAIN = re.compile(
    rf"{COMMENT_OR_SPACE}*explain(?={COMMENT_OR_SPACE}+(?:select|with|from|values)\b)",
    re.IGNORECASE | re.DOTALL,
)
TOO_DEEP = "The statement is nested too deeply."


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What may run: the user's own text, or for EXPLAIN and SHOW a text made here."""

    sql: str
    relations: tuple[Relation, ...]
    past: messages.Place | None = None  # where it asks for a table AT another time


def check(sql: str, published: Published, con: duckdb.DuckDBPyConnection) -> Statement:
    """Judge a statement; `con` parses it and looks up columns, and runs nothing of it."""
    _check_text(sql)
    kind = _parse(sql)
    if kind == "EXPLAIN":
        return _explain(sql, published, con)
    if kind != "SELECT":
        raise ports.WorkRefused(f"Only reading statements are allowed, not {kind}.")
    try:
        return _check_query(sql, published, con)
    except RecursionError:
        raise ports.WorkRefused(TOO_DEEP) from None


def _check_text(sql: str) -> None:
    try:
        size_bytes = len(sql.encode())
    except UnicodeEncodeError:
        raise ports.WorkRefused("The statement is not valid Unicode text.") from None
    if size_bytes > SQL_BYTES_MAX:
        raise ports.WorkRefused(f"The statement is longer than {SQL_BYTES_MAX} bytes.")
    if "\0" in sql:
        raise ports.WorkRefused("The statement contains a NUL character.")


@functools.cache
def parser() -> duckdb.DuckDBPyConnection:
    """Give an engine that may open nothing, to take statements apart.

    While it parses `IMPORT DATABASE 'folder'` it reads a file of that folder, if it may.
    """
    bare: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": "false",
        "lock_configuration": "true",
        "threads": "1",
    }
    return duckdb.connect(config=bare)


def _parse(sql: str) -> str:
    try:
        statements = parser().extract_statements(sql)
    except duckdb.Error as error:
        raise messages.refused(error, sql) from None
    if not statements:
        raise ports.WorkRefused("The statement is empty.")
    kinds = [statement.type.name for statement in statements]
    if len(kinds) == 1:
        return kinds[0]
    if kinds[0] == "CREATE" and re.search(r"\bpivot", sql, re.IGNORECASE):
        raise ports.WorkRefused("A PIVOT needs its values: PIVOT … ON column IN (value, …).")
    raise ports.WorkRefused("Only one statement at a time is allowed.")


def _check_query(sql: str, published: Published, con: duckdb.DuckDBPyConnection) -> Statement:
    body = syntax_tree(sql, con)
    listing = _listing(body, published)
    if listing is not None:
        return listing
    try:
        found = tree.walk(body, published)
    except tree.Unknown as unknown:
        place = messages.place_at(sql, unknown.offset)
        raise messages.with_place(unknown.reason, place) from None
    _check_path_column(found, sql, published.source, con)
    from infra.querying import second_parse  # 0.4 s of imports, made in the background

    objection = second_parse.objection(sql)
    if objection is not None:
        raise ports.WorkRefused(objection)
    past = messages.place_at(sql, found.past)
    return Statement(sql=sql, relations=tuple(found.relations), past=past)


def syntax_tree(sql: str, con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Give the engine's own tree of one query. Raises WorkRefused."""
    row = con.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()
    try:
        answer = msgspec.json.decode(row[0] if row else "{}")
    except RecursionError:
        raise ports.WorkRefused(TOO_DEEP) from None
    if answer.get("error") is not False or len(answer["statements"]) != 1:
        raise ports.WorkRefused("This statement is not allowed: it could not be checked.")
    body: dict[str, Any] = answer["statements"][0]["node"]
    return body


def _check_path_column(
    found: tree.Found, sql: str, source: str, con: duckdb.DuckDBPyConnection
) -> None:
    """Refuse the name of the virtual column, unless each table has a real one that covers it."""
    if not found.path_column:
        return
    for relation, offset in found.relations.items():
        row = con.execute(
            "SELECT count(*) FROM duckdb_columns() WHERE database_name = ? "
            "AND schema_name = ? AND table_name = ? AND lower(column_name) = ?",
            [source, relation.schema, relation.name, tree.VIRTUAL_PATH_COLUMN],
        ).fetchone()
        if not row or not row[0]:
            reason = f"{relation} has no column {tree.VIRTUAL_PATH_COLUMN}."
            raise messages.with_place(reason, messages.place_at(sql, offset))


def _explain(sql: str, published: Published, con: duckdb.DuckDBPyConnection) -> Statement:
    """EXPLAIN of a query that is itself allowed; the word is put before that query's own text."""
    match = EXPLAIN.match(sql)
    if match is None:
        raise ports.WorkRefused("EXPLAIN takes one query and no options here.")
    # Blanked out, so that the places in messages stay right.
    inner = re.sub(r"[^\n]", " ", match[0]) + sql[match.end() :]
    if _parse(inner) != "SELECT":
        raise ports.WorkRefused("EXPLAIN takes one query here.")
    statement = _check_query(inner, published, con)
    return msgspec.structs.replace(statement, sql=f"EXPLAIN {inner}")


def _listing(body: dict[str, Any], published: Published) -> Statement | None:
    """SHOW TABLES and its relatives: answered from what is published, whatever the engine knows."""
    item = body.get("from_table") or {}
    if item.get("type") != "SHOW_REF" or item["show_type"] in tree.SHOW_OF_A_QUERY:
        return None
    if item["show_type"] == "SHOW_UNQUALIFIED" and item["table_name"] in {
        '"tables"',
        "__show_tables_expanded",
    }:
        return Statement(sql=_values(published.all()), relations=())
    if item["show_type"] == "SHOW_FROM" and not item["catalog_name"]:
        return Statement(sql=_values(published.all(item["schema_name"])), relations=())
    raise ports.WorkRefused("SHOW lists tables only: SHOW TABLES, SHOW TABLES FROM schema.")


def _values(relations: Iterable[Relation]) -> str:
    rows = [f"({literal(one.schema)}, {literal(one.name)})" for one in relations]
    if not rows:
        return "SELECT '' AS schema, '' AS name WHERE false"
    return f"SELECT * FROM (VALUES {', '.join(rows)}) AS listing(schema, name)"  # noqa: S608 - quoted
