"""Whatever is allowed touches nothing outside of the allow-lists, in the engine's own tree.

The check here is another one than the gate's: no scopes, no kinds of nodes, only names, found
wherever they stand in the tree.
"""

import re
from pathlib import Path

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands import ports
from infra.querying import functions, gate

HERE = Path(__file__).parent


def corpus(file):
    lines = (HERE / file).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("## ")]


LEGAL, HOSTILE = corpus("legal.sql"), corpus("hostile.sql")
WORD = re.compile(r"\s+|[(),;]|\w+|[^\w\s]")
RELATIONS = {("raw_orders", "orders"), ("raw_files", "files"), ("marts", "daily")}

READABLE = {f"{schema}.{name}" for schema, name in RELATIONS}
READABLE |= {f"lake.{full}" for full in READABLE}


def pieces(statement):
    return WORD.findall(statement)


def fragment(statement, start, length):
    words = pieces(statement)
    return "".join(words[start % len(words) :][:length])


FRAGMENTS = st.one_of(
    st.builds(fragment, st.sampled_from(HOSTILE), st.integers(0, 60), st.integers(1, 14)),
    st.sampled_from(HOSTILE),
    st.sampled_from(["/*", "*/", "--", ";", "'", '"', "$$", "(", ")", "EXPLAIN", "filename"]),
)
NAMES = st.sampled_from(
    ["x", "t", "orders", "filename", '"secret.csv"', "duckdb_tables", "sqlite_master"]
)
FROM_ITEMS = st.one_of(
    NAMES,
    st.builds("{}.{}".format, NAMES, NAMES),
    st.sampled_from(
        [
            "'/etc/passwd'", "read_text('/etc/passwd')", "duckdb_settings()", "glob('*')",
            "query('SELECT 1')", "information_schema.tables", "sqlite_master", "range(3)",
            "__ducklake_metadata_lake.ducklake_table", "lake.snapshots()", "marts.daily",
            "raw_orders.orders", "raw_files.files", "unnest([1])", "pragma_version()",
        ]
    ),
)  # fmt: skip
EXPRESSIONS = st.sampled_from(
    [
        "1", "id", "filename", "current_setting('threads')", "getenv('A')", "upper('a')", "?",
        "getvariable('a')", "nextval('a')", "[x FOR x IN [sleep_ms(1)]]", "x -> write_log('a')",
        "sum(1) OVER (ORDER BY current_query())", "count(*) FILTER (getenv('A') = '')",
        "'a'::x.y", "COLUMNS(c -> getenv(c) = '')", "json_serialize_sql('a')", "{'a': pg_sleep(1)}",
    ]
)  # fmt: skip
RELATION = re.compile(r"\b(?:raw_orders\.orders|marts\.daily|range\(\d+\))")
OPERAND = re.compile(r"\b(?:id|customer|amount|n|\d+)\b")
INNER = st.one_of(
    st.builds("SELECT {} FROM {}".format, EXPRESSIONS, FROM_ITEMS), st.sampled_from(LEGAL)
)
WRAPPINGS = st.sampled_from(
    [
        "WITH {name} AS ({inner}) {outer}",
        "WITH RECURSIVE {name} AS (SELECT 1 UNION ALL {inner}) {outer}",
        "WITH {name} AS ({outer}) {inner}",
        "SELECT * FROM ({inner}) {name}, ({outer})",
        "({inner}) UNION ALL ({outer})",
        "SELECT ({inner}) FROM ({outer}) {name}",
        "DESCRIBE {inner}",
        "EXPLAIN {inner}",
        "SELECT * FROM {name}, LATERAL ({inner})",
        "PIVOT ({inner}) ON {name} IN (1) USING first(id)",
    ]
)


@st.composite
def mutants(draw):
    """A legal statement with hostile pieces in the places of its own, or anywhere."""
    sql = draw(st.sampled_from(LEGAL)).rstrip(";")
    for _ in range(draw(st.integers(0, 2))):
        pattern, pieces_to_draw = draw(
            st.sampled_from([(RELATION, FROM_ITEMS), (OPERAND, EXPRESSIONS)])
        )
        piece = draw(pieces_to_draw)
        sql = pattern.sub(lambda _: piece, sql, count=draw(st.integers(1, 3)))  # noqa: B023
    if draw(st.booleans()):
        shape = draw(WRAPPINGS)
        sql = shape.format(name=draw(NAMES), inner=draw(INNER).rstrip(";"), outer=sql)
    if draw(st.integers(0, 3)) == 0:
        words = pieces(sql)
        at = draw(st.integers(0, len(words)))
        words[at : at + draw(st.integers(0, 4))] = [" ", draw(FRAGMENTS), " "]
        sql = "".join(words)
    return sql


def objects(value):
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from objects(item)


def tables_looked_for(sql, con):
    """Ask the engine which tables it would look up, with its own idea of scopes."""
    try:
        return con.get_table_names(sql, qualified=True)
    except duckdb.Error:
        return set()  # without types it cannot follow some expressions


def complaint(sql, con):
    """Let the engine bind the statement; what it says when it finds no table or no file."""
    try:
        con.execute(f"EXPLAIN SELECT * FROM ({sql.rstrip().rstrip(';')}\n)")
    except (duckdb.CatalogException, duckdb.PermissionException, duckdb.IOException) as error:
        return str(error)
    except duckdb.Error:
        pass  # it does not bind for another reason
    return ""


def assert_harmless(sql, con):
    """Check the names in the engine's tree of a statement that was allowed."""
    body = re.sub(r"^EXPLAIN\s", " ", sql)
    answer = msgspec.json.decode(con.execute("SELECT json_serialize_sql(?)", [body]).fetchone()[0])
    assert {name.lower().split()[0] for name in tables_looked_for(body, con)} <= READABLE, sql
    elsewhere = "[Tt]able with name(?!.* at version)|file"
    assert re.search(elsewhere, complaint(body, con)) is None, sql
    assert answer["error"] is False
    assert len(answer["statements"]) == 1
    found = list(objects(answer))
    pairs = [entry["key"] for entry in found if entry.keys() == {"key", "value"}]
    given_names = {key.lower() for key in pairs if isinstance(key, str)}  # RENAME has other keys
    for node in found:
        name = node.get("function_name", "").lower()
        if node.get("type") == "BASE_TABLE":
            full = node["schema_name"].lower(), node["table_name"].lower()
            assert full in RELATIONS or (not full[0] and full[1] in given_names), sql
        elif name and node["class"] in {"FUNCTION", "WINDOW"}:
            allowed = functions.SCALARS | functions.TABLE_FUNCTIONS
            assert name in allowed | functions.BUILT_INTO_THE_BINDER, sql
        assert node.get("class") != "PARAMETER", sql


def check(sql, published, con):
    try:
        return gate.check(sql, published, con)
    except ports.WorkRefused:
        return None


ALONE = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@ALONE
@given(sql=mutants())
def test_an_allowed_mutant_reads_only_what_is_published(sql, published, sandboxed):
    statement = check(sql, published, sandboxed)
    if statement is not None:
        assert_harmless(statement.sql, sandboxed)


@ALONE
@given(sql=st.text(st.characters(exclude_categories=[]), max_size=200))
def test_any_text_is_either_refused_or_harmless(sql, published, sandboxed):
    statement = check(sql, published, sandboxed)
    if statement is not None:
        assert_harmless(statement.sql, sandboxed)


@pytest.mark.parametrize("sql", LEGAL)
def test_the_check_of_this_file_knows_the_legal_statements(sql, published, sandboxed):
    statement = check(sql, published, sandboxed)
    if statement is not None:
        assert_harmless(statement.sql, sandboxed)


@pytest.mark.soak
@settings(ALONE, max_examples=20_000)
@given(sql=mutants())
def test_many_allowed_mutants_read_only_what_is_published(sql, published, sandboxed):
    statement = check(sql, published, sandboxed)
    if statement is not None:
        assert_harmless(statement.sql, sandboxed)
