"""Masked columns: whatever a statement does, the values are not there."""

import json

import pytest

from commands import ports
from infra.querying import masks, worker

VALUE = "ann@example.org"
HIDDEN = (
    ports.MaskedColumn(schema="raw_people", table="people", column="EMAIL"),
    ports.MaskedColumn(schema="raw_people", table="People", column="pin"),
    ports.MaskedColumn(schema="raw_people", table="people", column="contact"),
    ports.MaskedColumn(schema="raw_people", table="gone", column="email"),
    ports.MaskedColumn(schema="raw_people", table="people", column="not_there"),
    ports.MaskedColumn(schema="marts", table="greetings", column="town"),
)
TABLES = """
CREATE SCHEMA lake.raw_people;
CREATE TABLE lake.raw_people.people AS SELECT * FROM (VALUES
    (1, 'ann@example.org', 4401, {'phone': '+491', 'x': 1}, 'Ulm'),
    (2, 'bob@example.org', 4402, {'phone': '+492', 'x': 2}, 'Bonn'),
    (3, NULL, NULL, NULL, 'Ulm')) t(id, email, pin, contact, town);
CREATE VIEW lake.marts.letters AS
    SELECT id, upper(email) AS address, pin + 1 AS next, town FROM lake.raw_people.people;
CREATE VIEW lake.marts.greetings(a, town, b) AS
    SELECT address, town, '{DUCKLAKE_CATALOG} lake' FROM lake.marts.letters;
CREATE VIEW lake.marts.fragile AS SELECT 'x'::INT AS n, email FROM lake.raw_people.people;
CREATE VIEW lake.marts.odd AS SELECT current_setting('threads') AS a;
CREATE VIEW lake.marts.bare AS SELECT * FROM letters;
"""
OTHER_VALUES = """VALUES
    (1, 'zoe1@other.net@', 7, {'phone': 'none', 'x': 9}, 'Ulm'),
    (2, 'al', 9007, {'phone': '', 'x': -2}, 'Bonn'),
    (3, NULL, NULL, NULL, 'Ulm')"""


@pytest.fixture(scope="module")
def people(settings, writer):
    for statement in TABLES.split(";\n"):
        writer.execute(statement)
    return worker.Worker(settings)


def ask(worker, sql, **more):
    answer = worker.answer(ports.Query(sql=sql, masked=HIDDEN, **more))
    return json.loads(bytes(answer.rows))


P = "raw_people.people"
# None of these may tell apart a table with other values in its masked columns.
ORACLES = [
    f"SELECT * FROM {P}",
    f"SELECT email, pin, contact FROM {P}",
    f"SELECT count(*) FROM {P} WHERE email LIKE 'a%'",
    f"SELECT count(*) FROM {P} WHERE pin > 4401",
    f"SELECT count(*) FROM {P} WHERE starts_with(email, 'a') OR pin BETWEEN 4000 AND 4401",
    f"SELECT count(*) FROM {P} WHERE regexp_matches(email, '^a.n@')",
    f"SELECT id FROM {P} ORDER BY email, id",
    f"SELECT id FROM {P} ORDER BY pin DESC, id",
    f"SELECT max(email), min(pin), list(email), string_agg(email, ','), mode(pin) FROM {P}",
    f"SELECT count(DISTINCT email), approx_count_distinct(pin), histogram(email) FROM {P}",
    f"SELECT arg_max(id, email), arg_min(id, pin), arg_max(email, id) FROM {P}",
    f"SELECT email, count(*) FROM {P} GROUP BY ALL",
    f"SELECT email[1:1], length(email), md5(email), hash(email), pin % 7 FROM {P}",
    f"SELECT contact.phone, contact['phone'], struct_extract(contact, 'phone') FROM {P}",
    f"SELECT unnest(contact) FROM {P}",
    f"SELECT contact.* FROM {P}",
    f"SELECT p, to_json(p), p::VARCHAR FROM {P} p",
    f"SELECT {P}.email, lake.{P}.pin FROM {P}",
    f"SELECT * EXCLUDE (id) REPLACE (lower(email) AS email) FROM {P}",
    f"SELECT COLUMNS('e.*') FROM {P}",
    f"SELECT COLUMNS(c -> c = 'pin') FROM {P}",
    f"SELECT min(COLUMNS(*)) FROM {P}",
    f"FROM {P}",
    f"TABLE {P}",
    'SELECT "EMAIL" FROM RAW_PEOPLE."People"',
    f"SELECT 1 FROM {P} HAVING max(email) > 'b'",
    f"SELECT id FROM {P} QUALIFY row_number() OVER (ORDER BY email) = 1",
    f"SELECT lag(email) OVER (ORDER BY id), rank() OVER (ORDER BY pin) FROM {P}",
    f"SELECT CASE WHEN email = '{VALUE}' THEN 1 ELSE 0 END FROM {P}",
    f"SELECT a.id FROM {P} a JOIN (VALUES ('{VALUE}')) v(email) USING (email)",
    f"SELECT a.id FROM {P} a JOIN range(4300, 4500) r(pin) ON a.pin = r.pin",
    f"SELECT a.id, r.x FROM (VALUES (4401)) r(x) ASOF JOIN {P} a ON r.x >= a.pin",
    f"SELECT a.id FROM {P} a NATURAL JOIN (SELECT '{VALUE}' AS email)",
    f"SELECT a.id FROM {P} a SEMI JOIN (SELECT 4401 AS pin) USING (pin)",
    f"SELECT id FROM {P} WHERE email IN (SELECT '{VALUE}') OR pin = ANY (SELECT 4401)",
    f"SELECT (SELECT email FROM {P} WHERE id = 1), EXISTS (FROM {P} WHERE pin = 4401)",
    f"SELECT email FROM {P} UNION SELECT '{VALUE}x'",
    f"SELECT '{VALUE}' IN (SELECT email FROM {P})",
    f"SELECT email FROM {P} INTERSECT SELECT '{VALUE}'",
    f"WITH x AS (SELECT email AS y FROM {P}) SELECT y FROM x WHERE y < 'b'",
    f"WITH RECURSIVE r(e) AS (SELECT max(email) FROM {P} UNION SELECT e[2:] FROM r) FROM r",
    f"SELECT l.y FROM {P} p, LATERAL (SELECT p.email AS y) l",
    f"PIVOT {P} ON email IN ('{VALUE}') USING count(*)",
    f"UNPIVOT (SELECT id, email FROM {P}) ON email",
    f"SUMMARIZE {P}",
    f"SUMMARIZE SELECT email, pin FROM {P}",
    f"DESCRIBE {P}",
    f"EXPLAIN SELECT * FROM {P} WHERE email = '{VALUE}x'",
    f"SELECT * FROM {P} TABLESAMPLE 100%",
    f"SELECT * FROM {P} POSITIONAL JOIN (SELECT 1)",
    f"SELECT list_filter(list(email), x -> x LIKE 'a%') FROM {P}",
    f"SELECT list_transform(list(pin), i -> i + 1) FROM {P}",
    f"SELECT generate_series FROM generate_series(0, (SELECT max(pin) FROM {P}))",
    f"SELECT u FROM {P}, unnest([email, pin::VARCHAR]) t(u)",
    f"SELECT * FROM {P} LIMIT (SELECT max(pin) FROM {P})",
    "SELECT * FROM marts.letters",
    "SELECT count(*) FROM marts.letters WHERE address LIKE 'A%' OR next = 4402",
    "SELECT a FROM marts.greetings ORDER BY a",
    "SUMMARIZE marts.greetings",
]


def outcome(worker, sql):
    try:
        return ask(worker, sql)
    except ports.WorkRefused as refused:
        return refused.reason


@pytest.fixture(scope="module")
def told(people, writer):
    """What each statement is answered with these values, and with others of the same types."""
    before = [outcome(people, sql) for sql in ORACLES]
    writer.execute(f"DELETE FROM lake.{P}")  # an UPDATE would change the order of the rows
    writer.execute(f"INSERT INTO lake.{P} {OTHER_VALUES}")
    after = [outcome(people, sql) for sql in ORACLES]
    return dict(zip(ORACLES, zip(before, after, strict=True), strict=True))


@pytest.mark.parametrize("sql", ORACLES)
def test_a_statement_cannot_tell_one_value_from_another(sql, told):
    before, after = told[sql]

    assert before == after
    text = json.dumps(before).replace(VALUE, "") if VALUE in sql else json.dumps(before)
    for value in ("ann", "ANN", "bob@", "4401", "4402", "+491"):
        assert value not in text or value in sql
    assert "lake_behind_masks" not in text


def test_masks_keep_types_and_show_where_there_is_nothing(people):
    answer = people.answer(ports.Query(sql=f"FROM {P} ORDER BY id", masked=HIDDEN))

    assert ("INTEGER", "VARCHAR", "INTEGER") == answer.types[:3]
    assert "STRUCT(phone VARCHAR, x INTEGER)" == answer.types[3].replace('"', "")
    expected = [[1, masks.MASK, None, None, "Ulm"], [2, masks.MASK, None, None, "Bonn"]]
    assert [*expected, [3, None, None, None, "Ulm"]] == json.loads(bytes(answer.rows))
    assert (P,) == answer.relations


def test_a_view_is_made_anew_over_masks(people):
    assert [[1, "****", None, "Ulm"]] == ask(people, "FROM marts.letters WHERE id = 1")


def test_a_views_own_columns_are_masked_too(people):
    sql = "SELECT DISTINCT a, town, b FROM marts.greetings WHERE a IS NOT NULL"

    assert [["****", "****", "lake lake"]] == ask(people, sql)


@pytest.mark.parametrize("view", ["odd", "bare"])
def test_a_view_that_cannot_be_checked_cannot_be_read(view, people):
    with pytest.raises(ports.WorkRefused, match=f"marts.{view} cannot be read with masked"):
        ask(people, f"FROM marts.{view}")


def test_what_has_no_mask_is_read_as_it_is(people):
    sql = "SELECT town, count(*) FROM raw_people.people GROUP BY town ORDER BY town"

    assert [["Bonn", 1], ["Ulm", 2]] == ask(people, sql)
    assert [[1000]] == ask(people, "SELECT count(*) FROM raw_orders.orders")


@pytest.mark.parametrize(
    "sql",
    [
        f"FROM lake_behind_masks.{P}",
        "FROM lake_behind_masks.people",
        f"SELECT lake_behind_masks.{P}.email FROM {P}",
        "FROM __ducklake_metadata_lake_behind_masks.ducklake_table",
        "FROM memory.people",
        "SELECT email FROM raw_people.people AT (VERSION => 1)",
        "FROM (SELECT * FROM raw_people.people AT (TIMESTAMP => now()))",
        "SELECT rowid, snapshot_id FROM raw_people.people",
        "SELECT filename FROM raw_people.people",
    ],
)
def test_there_is_no_way_around(sql, people):
    with pytest.raises(ports.WorkRefused):
        ask(people, sql)


def test_a_real_column_called_filename_is_read_beside_masks(people):
    assert [["a.csv"]] == ask(people, "SELECT filename FROM raw_files.files")


def test_an_error_tells_the_mask_and_not_the_value(people):
    with pytest.raises(ports.WorkRefused) as refused:
        ask(people, f"SELECT email::INT FROM {P}")

    assert "'****'" in refused.value.reason
    assert "@" not in refused.value.reason


def test_the_past_is_masked_too(people, writer):
    (snapshot,) = writer.execute("FROM lake.current_snapshot()").fetchone()

    assert [["****"]] == ask(people, f"SELECT email FROM {P} WHERE id = 1", snapshot=snapshot)


def test_a_new_commit_is_seen_and_masked(people, writer):
    writer.execute("CREATE TABLE lake.raw_people.gone AS SELECT 'x' AS email")
    assert [["****"]] == ask(people, "FROM raw_people.gone")
    writer.execute("ALTER TABLE lake.raw_people.gone ADD COLUMN more INT DEFAULT 1")
    assert [["****", 1]] == ask(people, "FROM raw_people.gone")
    writer.execute("DROP TABLE lake.raw_people.gone")


def test_who_may_see_them_sees_them(people):
    answer = people.answer(ports.Query(sql=f"SELECT count(*) FROM {P} WHERE email LIKE '%'"))

    assert b"[[2]]" == bytes(answer.rows)
