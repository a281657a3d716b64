"""What the gate lets through and what it refuses; the corpora are in hostile.sql and legal.sql."""

import duckdb
import pytest

from commands import ports
from infra.querying import functions, gate
from infra.querying.relations import Published, Relation

PASSED_BY_NATURE = "-- ; DROP"  # a comment: what follows never was a statement

NO_DAIL = "There is no table marts.dail in the warehouse."
NO_DAILY = "There is no table daily in the warehouse."


def refusal(sql, published, con):
    with pytest.raises(ports.WorkRefused) as refused:
        gate.check(sql, published, con)
    return refused.value


def test_a_hostile_statement_is_refused(hostile_line, settings, published, sandboxed):
    warehouse = settings.warehouse
    sql = (
        hostile_line.replace("{secret}", f"{warehouse.catalog[: -len('catalog.sqlite')]}secret.csv")
        .replace("{data}", warehouse.data)
        .replace("{catalog}", warehouse.catalog)
    )
    if PASSED_BY_NATURE in sql:
        assert gate.check(sql, published, sandboxed).relations == ()
        return
    reason = refusal(sql, published, sandboxed).reason
    assert len(reason) > 10
    for path in (warehouse.catalog, warehouse.data):
        assert path not in reason or path in sql


def test_a_legal_statement_is_answered(legal_line, asked):
    sql = legal_line.replace("\\n", "\n", 1) if legal_line.startswith("--") else legal_line
    answer = asked.answer(ports.Query(sql=sql, rows_max=50))
    assert len(answer.columns) == len(answer.types) >= 1
    assert answer.row_count >= (0 if "SAMPLE" in sql or "QUALIFY" in sql else 1)


@pytest.mark.parametrize("character", ["\0", "\ud800"])
def test_a_character_that_is_not_text_is_refused(character, published, sandboxed):
    assert refusal(f"SELECT '{character}'", published, sandboxed).reason.startswith("The statement")


def test_a_statement_may_have_100_kilobytes_and_no_more(published, sandboxed):
    longest = "SELECT '" + "é" * ((gate.SQL_BYTES_MAX - 10) // 2) + "'"
    longest += " " * (gate.SQL_BYTES_MAX - len(longest.encode()))
    assert gate.check(longest, published, sandboxed).relations == ()
    assert "longer than 102400 bytes" in refusal(longest + " ", published, sandboxed).reason


@pytest.mark.parametrize(
    "deep",
    [
        "(" * 3000 + "1" + ")" * 3000,
        "(SELECT " * 3000 + "1" + ")" * 3000,
        "[" * 3000 + "1" + "]" * 3000,
        "NOT " * 3000 + "true",
        "1" + " + 1" * 20_000,
        "abs(" * 3000 + "1" + ")" * 3000,
        "CASE WHEN true THEN " * 2000 + "1" + " END" * 2000,
        "(" * 50_000,
        "{'a': " * 3000 + "1" + "}" * 3000,
    ],
)
def test_what_is_nested_too_deeply_is_refused(deep, published, sandboxed):
    refusal(f"SELECT {deep}", published, sandboxed)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("", "The statement is empty."),
        ("DROP TABLE x", "Only reading statements are allowed, not DROP."),
        ("SELECT\n*\nFROM marts.dail", f"{NO_DAIL} Did you mean marts.daily? (line 3, column 6)"),
        ("SELECT 'é' FROM daily", f"{NO_DAILY} Did you mean marts.daily? (line 1, column 17)"),
        ("SELECT\n\n  getenv('A')", "The function getenv is not allowed. (line 3, column 3)"),
        ("SELECT ?", "Placeholders are not allowed: there is no value for them."),
        ("/*\n*/ EXPLAIN\nSELECT f()", "The function f is not allowed. (line 3, column 8)"),
        (
            "SELEC 1",
            'Parser Error: syntax error at or near "SELEC" (line 1, column 1)',
        ),
        (
            "PIVOT raw_orders.orders ON id",
            "A PIVOT needs its values: PIVOT … ON column IN (value, …).",
        ),
    ],
)
def test_a_refusal_names_the_reason_and_the_place(sql, reason, published, sandboxed):
    assert reason == refusal(sql, published, sandboxed).reason


def test_the_relations_that_a_statement_reads_are_named_once(published, sandboxed):
    sql = "SELECT * FROM RAW_ORDERS.orders a, raw_orders.Orders b, (FROM marts.daily), range(3)"
    relations = gate.check(sql, published, sandboxed).relations
    assert relations == (Relation("raw_orders", "orders"), Relation("marts", "daily"))


def test_the_text_that_runs_is_the_users_own(published, sandboxed):
    sql = "  select /* so */ 1 -- here\n"
    assert sql == gate.check(sql, published, sandboxed).sql


def test_a_statement_is_taken_apart_where_nothing_may_be_opened(tmp_path, published, sandboxed):
    """The engine's own parser would read the file, and run through what it holds."""
    (tmp_path / "schema.sql").write_text("SELECT 1;\n")
    for sql in (f"IMPORT DATABASE '{tmp_path}'", f"PRAGMA import_database('{tmp_path}')"):
        assert "Permission Error" in refusal(sql, published, sandboxed).reason


def test_names_in_a_listing_are_quoted(sandboxed):
    published = Published("lake", [Relation("a'b", "c');--")])
    sql = gate.check("SHOW TABLES", published, sandboxed).sql
    assert [("a'b", "c');--")] == sandboxed.execute(sql).fetchall()


def test_nothing_is_published_in_an_empty_warehouse(sandboxed):
    listing = gate.check("SHOW TABLES", Published("lake", ()), sandboxed)
    assert sandboxed.execute(listing.sql).fetchall() == []


ENGINE = "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type IN "


def engine_functions(con, *kinds):
    names = ", ".join(f"'{kind}'" for kind in kinds)
    return {row[0] for row in con.execute(f"{ENGINE} ({names})").fetchall()}


def test_each_function_that_is_allowed_exists(sandboxed):
    known = engine_functions(sandboxed, "scalar", "aggregate", "macro")
    assert functions.SCALARS - known == set()
    assert functions.TABLE_FUNCTIONS - engine_functions(sandboxed, "table") == set()


def test_an_aggregate_that_a_text_names_is_one_that_is_allowed(sandboxed):
    """`list_aggregate(list, 'name')` looks only for aggregates, whatever the gate has seen."""
    internal = {"sum_no_overflow"}  # a sum that is faster
    assert internal == engine_functions(sandboxed, "aggregate") - functions.SCALARS
    for name in ("current_setting", "getenv", "nextval", "write_log", "upper"):
        with pytest.raises(duckdb.CatalogException):
            sandboxed.execute(f"SELECT list_aggregate(['a'], '{name}')")


def test_each_function_of_the_engine_that_is_not_listed_is_refused(published, sandboxed):
    unlisted = engine_functions(sandboxed, "scalar", "aggregate", "macro") - functions.SCALARS
    for name in unlisted | {"brand_new"}:
        refusal(f'SELECT "{name}"(1)', published, sandboxed)
    tables = (
        engine_functions(sandboxed, "table", "table_macro", "pragma") - functions.TABLE_FUNCTIONS
    )
    for name in tables | {"brand_new"}:
        refusal(f'FROM "{name}"(1)', published, sandboxed)


def test_a_macro_that_is_allowed_uses_only_what_is_allowed(published, sandboxed):
    rows = duckdb.execute(
        "SELECT function_name, macro_definition FROM duckdb_functions() "
        "WHERE function_type = 'macro'"
    ).fetchall()
    listed = [(name, body) for name, body in rows if name in functions.SCALARS]
    assert len(listed) > 50
    for name, body in listed:
        allowed = body.replace("\"error\"('json_group_object key cannot be NULL')", "NULL")
        assert gate.check(f"SELECT {allowed}", published, sandboxed).relations == (), name
