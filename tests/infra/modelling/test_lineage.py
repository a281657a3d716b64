"""Columns are followed through queries; where they cannot be, they may come from anything."""

import duckdb
import pytest

from infra.modelling import lineage, tracing

TABLES = """
ATTACH ':memory:' AS lake;
USE lake;
CREATE SCHEMA raw;
CREATE TABLE raw.people (id BIGINT, email VARCHAR, name VARCHAR, tags VARCHAR[], extra STRUCT(
    phone VARCHAR, age INTEGER), doc JSON);
CREATE TABLE raw.orders (id BIGINT, person BIGINT, amount DECIMAL(9, 2), status VARCHAR);
CREATE VIEW raw.seen AS SELECT id, email FROM raw.people;
CREATE TABLE plain (id BIGINT, email VARCHAR);
"""
ALL = "*"  # in place of a column: the whole table


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as made:
        made.execute(TABLES)
        yield made


def followed(connection, sql):
    """What each column of the query comes from, as table.column by name."""
    names = [column[0] for column in connection.execute(f"{sql} LIMIT 0").description]
    found = lineage.trace(sql, names, connection, lineage.Columns(connection))
    assert names == [each.column for each in found]
    return {
        each.column: ",".join(sorted(f"{o.table}.{o.column or ALL}" for o in each.origins))
        for each in found
    }


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("select id, email as contact from raw.people", "id=people.id contact=people.email"),
        ("select p.email e, lower(p.name) n from raw.people p", "e=people.email n=people.name"),
        ("from raw.people select email", "email=people.email"),
        ("select raw.people.email from raw.people", "email=people.email"),
        ("select lake.raw.people.email from lake.raw.people", "email=people.email"),
        ("select EMAIL from RAW.People", "email=People.email"),
        ("select count(*) n, count(email) m from raw.people", "n= m=people.email"),
        ("select * from raw.orders", ("id=orders.id person=orders.person amount=orders.amount "
         "status=orders.status")),
        ("select * exclude (tags, extra, doc, name) from raw.people",
         "id=people.id email=people.email"),
        ("select * exclude (amount, person) replace (status || 'x' as id) from raw.orders",
         "id=orders.status status=orders.status"),
        ("select * rename (id as number) from plain", "number=plain.id email=plain.email"),
        ("select columns('^e') from plain", "email=plain.email"),
        (("with a as (select id, email e from raw.people), b as (select e as x from a) "
         "select x from b"), "x=people.email"),
        ("with a(k, v) as (select id, email from raw.people) select v, k from a",
         "v=people.email k=people.id"),
        ("with people as (select id, status as email from raw.orders) select email from people",
         "email=orders.status"),
        ("select t.c from (select email as c from raw.people) t", "c=people.email"),
        ("select o.amount, p.email from raw.orders o join raw.people p on o.person = p.id",
         "amount=orders.amount email=people.email"),
        ("select id, email, amount from raw.orders join raw.people using (id)",
         "id=orders.id,people.id email=people.email amount=orders.amount"),
        ("select id, email x from raw.people union all select id, status from raw.orders",
         "id=orders.id,people.id x=orders.status,people.email"),
        ("select id from raw.people union all by name select email, id from plain",
         "id=people.id,plain.id email=plain.email"),
        ("select case when email like '%x' then 1 else 0 end f, id from raw.people",
         "f=people.email id=people.id"),
        ("select email as e, e || '!' as f from raw.people", "e=people.email f=people.email"),
        ("select extra.phone p, extra['age'] a from raw.people", "p=people.extra a=people.extra"),
        ("select people.extra.phone p from raw.people", "p=people.extra"),
        ("select doc -> '$.x' as x, doc ->> '$.y' as y from raw.people",
         "x=people.doc y=people.doc"),
        ("select list_transform(tags, t -> t || name) x from raw.people",
         "x=people.name,people.tags"),
        ("select [t for t in tags if t > email] x from raw.people",
         "x=people.email,people.tags"),
        ("select unnest(tags) as tag from raw.people", "tag=people.tags"),
        ("select id, x.t from raw.people, unnest(tags) as x(t)", "id=people.id t=people.tags"),
        ("select row_number() over (partition by email order by id) r, id from raw.people",
         "r=people.email,people.id id=people.id"),
        ("select first(id) over w r from raw.people window w as (order by name)",
         "r=people.id,people.name"),
        (("select id, (select max(email) from raw.people p where p.id = o.person) m "
         "from raw.orders o"), "id=orders.id m=orders.person,people.email,people.id"),
        ("select exists (select 1 from raw.people p where p.email = o.status) f from raw.orders o",
         "f=orders.status,people.email"),
        ("select id in (select person from raw.orders) f from raw.people",
         "f=orders.person,people.id"),
        ("select amount, z.n from raw.orders o, lateral (select o.status as n) z",
         "amount=orders.amount n=orders.status"),
        ("select email from raw.seen", "email=seen.email"),
        ("select email from plain where id in (select id from raw.people)", "email=plain.email"),
        ("select a, b from (values (1, 2)) v(a, b)", "a= b="),
        ("select range as n from range(3)", "n="),
        ("select sum(amount) filter (status = 'x') s from raw.orders",
         "s=orders.amount,orders.status"),
        ("select string_agg(name order by email) s from raw.people",
         "s=people.email,people.name"),
        ("select p from raw.people p", ("p=people.doc,people.email,people.extra,people.id,"
         "people.name,people.tags")),
    ],
)  # fmt: skip
def test_a_column_names_what_it_comes_from_and_nothing_else(connection, sql, wanted):
    expected = dict(part.split("=") for part in wanted.split(" "))

    assert expected == followed(connection, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select extra.* from raw.people",
        "select unnest(extra) from raw.people",
        "select min(columns(*)) from plain",
        "select columns('e(.*)') as 'x\\1' from plain",
        "select #2 as x from plain",
        "select * from (pivot plain on id in (1, 2) using max(email))",
        "select * from plain pivot (max(email) for id in (1, 2))",
        "select * from (unpivot (select email, email as b from plain) on email, b)",
        (
            "with recursive r(a, b) as (select id, '' from plain union all "
            "select p.id, p.email from plain p, r where p.id = r.a) select b as a from r"
        ),
        "select struct_pack(a := email) as s from plain",
        "select struct_pack(*columns(*)) as s from plain",
        "select a.*, b.* from plain a join plain b on a.id = b.id",
        "select * from plain a natural join plain b",
        "select * from plain a positional join plain b",
        "select list(plain) x from plain",
        "select to_json(p) as x from plain p",
        "select {'x': email} as x from plain",
        "select (select email) as x from plain",
        "select x.email from (select * from (from plain)) as x",
        "select max_by(id, email) as x from plain",
        "select (select string_agg(p.email) from plain p) as x",
        "select distinct on (id) email from plain",
        "select coalesce(try_cast(null as varchar), email) x from plain",
        "select list_reduce(list(email), (a, b) -> a || b) x from plain",
        "with t as (with u as (select email from plain) from u) select * from t",
        "select email from plain at (version => 1)",
    ],
)
def test_no_way_through_sql_loses_where_a_column_comes_from(connection, sql):
    names = ["email", "x", "a", "b"]
    found = lineage.trace(sql, names, connection, lineage.Columns(connection))
    reached = {origin.column for each in found for origin in each.origins}

    assert reached & {"email", "extra", ""}


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('people.csv')",
        "select * from 'people.csv'",
        "select * from query('select 1')",
        "select * from raw.gone",
        "select * from other.raw.people",
        "select id, getvariable('x') as x from plain",
        "select pg_catalog.own(email) from plain",
        "select * from (summarize plain)",
        "select * from (show tables)",
        "pivot plain on id using max(email)",
        "select unknown_macro(id) from plain",
        "select nothing, (select getenv('HOME')) from plain",
        "insert into plain select 1, 'x'",
        "select 1; select 2",
        "no sql at all",
    ],
)
def test_what_reads_nobody_knows_what_is_opaque(connection, sql):
    with pytest.raises(tracing.Opaque):
        lineage.trace(sql, ["a"], connection, lineage.Columns(connection))


def test_a_name_that_nobody_knows_may_come_from_all_that_is_read(connection):
    sql = "select surprise, id from plain, raw.orders"
    found = lineage.trace(sql, ["surprise", "id"], connection, lineage.Columns(connection))

    for each in found:
        assert {("plain", ""), ("orders", "")} == {(o.table, o.column) for o in each.origins}


def test_a_column_that_the_code_does_not_have_may_come_from_all_that_is_read(connection):
    found = lineage.trace(
        "select id from plain", ["id", "old"], connection, lineage.Columns(connection)
    )

    assert ["id", ""] == [each.origins[0].column for each in found]


def test_tracing_that_takes_too_long_names_whole_tables(connection, monkeypatch):
    monkeypatch.setattr(tracing, "TRACE_S_MAX", -1.0)
    found = lineage.trace("select id from plain", ["id"], connection, lineage.Columns(connection))

    assert [""] == [origin.column for origin in found[0].origins]
