"""Sources of the type rest_api, against an API on loopback."""

import time

import pytest

from commands import ports
from tests.infra.loading.connecting import Source
from tests.infra.loading.doubles import Answer, serving

PAGE_ROWS = 100


def pages(rows, *, size=PAGE_ROWS):
    """An API that gives `rows` in pages, by a cursor."""

    def answer(asked):
        start = int(asked.query.get("cursor", "0"))
        more = start + size < len(rows)
        following = str(start + size) if more else None
        return Answer(body={"data": rows[start : start + size], "next": following})

    return answer


def block(url, **more):
    endpoint = {
        "path": "orders",
        "data_selector": "data",
        "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "cursor"},
    }
    return {"base_url": url, "allow_private_hosts": True, "endpoints": [endpoint | more]}


def orders(count, **more):
    return [{"id": number, "amount": number / 2, **more} for number in range(count)]


def test_all_pages_become_one_table(trial):
    with serving(pages(orders(250))) as api:
        loaded = Source(trial, "rest_api", block(api.url)).load()
    assert 250 == loaded.rows
    assert 3 == len(api.asked)
    assert [(250, 0, 249)] == Source(trial, "rest_api", {}).rows(
        "count(DISTINCT id), min(id), max(id)", "orders"
    )


def keyed(url, **more):
    cursor = {"cursor_path": "changed", "start_param": "since"}
    return block(url, primary_key="id", incremental=cursor, **more)


def test_a_second_run_asks_for_what_came_since_and_merges_it(trial):
    first = [{"id": n, "changed": f"2026-01-0{n}T00:00:00Z", "name": "old"} for n in (1, 2)]
    with serving(pages(first)) as api:
        source = Source(trial, "rest_api", keyed(api.url))
        source.load()
        api.answer = pages([{"id": 2, "changed": "2026-01-05T00:00:00Z", "name": "new"}])
        source.load()
        source.load()
        assert [None, "2026-01-02T00:00:00Z", "2026-01-05T00:00:00Z"] == [
            asked.query.get("since") for asked in api.asked
        ]
    assert [(1, "old"), (2, "new")] == source.rows("id, name", "orders")


def test_lists_inside_of_rows_go_with_their_row(trial):
    def order(number, day, *items):
        lines = [{"sku": item, "tags": [item.lower()]} for item in items]
        return {"id": number, "changed": f"2026-01-0{day}T00:00:00Z", "lines": lines}

    with serving(pages([order(1, 1, "A", "B"), order(2, 2, "C")])) as api:
        source = Source(trial, "rest_api", keyed(api.url))
        source.load()
        api.answer = pages([order(1, 3, "D"), order(3, 3, "E")])
        source.load()
        assert [("C",), ("D",), ("E",)] == source.rows("sku", "orders__lines")
        assert [("c",), ("d",), ("e",)] == source.rows("value", "orders__lines__tags")
        api.answer = pages([order(3, 4)])
        source.load()
    joined = "sku FROM lake.raw_s.orders o JOIN lake.raw_s.orders__lines l ON o._dlt_id"
    found = source.lake.execute(f"SELECT o.id, {joined} = l._dlt_root_id ORDER BY ALL").fetchall()
    assert [(1, "D"), (2, "C")] == found
    assert [("c",), ("d",)] == source.rows("value", "orders__lines__tags")


def test_lists_that_are_empty_in_all_rows_empty_their_table(trial):
    with serving(pages([{"id": 1, "lines": [{"sku": "A"}]}])) as api:
        source = Source(trial, "rest_api", block(api.url))
        source.load()
        api.answer = pages([{"id": 1, "lines": []}])
        source.load()
    assert [] == source.rows("sku", "orders__lines")


def test_a_new_field_becomes_a_column_and_an_old_row_has_nothing_there(trial):
    with serving(pages([{"id": 1, "changed": "2026-01-01T00:00:00Z"}])) as api:
        source = Source(trial, "rest_api", keyed(api.url))
        source.load()
        api.answer = pages([{"id": 2, "changed": "2026-01-02T00:00:00Z", "colour": "red"}])
        source.load()
    assert [(1, None), (2, "red")] == source.rows("id, colour", "orders")


def test_rows_of_an_api_that_gives_none_all_of_a_sudden_stay(trial):
    with serving(pages(orders(3))) as api:
        source = Source(trial, "rest_api", block(api.url))
        source.load()
        api.answer = pages([])
        with pytest.raises(ports.WorkRefused, match="The API gave no rows"):
            source.load()
    assert 3 == len(source.rows("id", "orders"))


def test_the_rate_is_at_least_5000_rows_a_second(trial):
    rows = [
        {"id": n, "name": f"name {n}", "amount": n / 2, "at": "2026-01-01T00:00:00Z", "ok": True}
        for n in range(100_000)
    ]
    answers = [pages(rows)]
    with serving(answers[0]) as api:
        source = Source(trial, "rest_api", block(api.url))
        begun = time.perf_counter()
        loaded = source.load()
        took_s = time.perf_counter() - begun
    assert 100_000 == loaded.rows
    assert 1_000 == len(api.asked)
    assert loaded.rows / took_s >= 5_000
