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
