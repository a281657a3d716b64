"""Sources of the type rest_api, against an API on loopback."""

import base64
import functools
import json
import time

import pytest

from commands import ports
from domain.source_types import rest
from domain.source_types.table import OptionInvalid, options
from infra.loading import rest_api
from infra.loading.web import guard
from infra.loading.web.session import Session
from tests.infra.loading.connecting import Source
from tests.infra.loading.doubles import Answer, serving

PAGE_ROWS = 100
SECRET = "planted-Secret-77"


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


@pytest.mark.soak
def test_the_rate_is_at_least_5000_rows_a_second(trial):
    rows = [
        {"id": n, "name": f"name {n}", "amount": n / 2, "at": "2026-01-01T00:00:00Z", "ok": True}
        for n in range(100_000)
    ]
    starts = range(0, len(rows), PAGE_ROWS)
    # Encoded before: the double must not be what is measured.
    bodies = [
        json.dumps({"data": rows[n : n + PAGE_ROWS], "next": str(n // PAGE_ROWS + 1)}).encode()
        for n in starts
    ]
    bodies[-1] = json.dumps({"data": rows[-PAGE_ROWS:], "next": None}).encode()
    with serving(lambda asked: Answer(body=bodies[int(asked.query.get("cursor", 0))])) as api:
        source = Source(trial, "rest_api", block(api.url))
        begun = time.perf_counter()
        loaded = source.load()
        took_s = time.perf_counter() - begun
    assert 100_000 == loaded.rows
    assert 1_000 == len(api.asked)
    assert loaded.rows / took_s >= 5_000


def test_only_the_days_that_are_asked_for_are_loaded_and_the_cursor_stays(trial):
    rows = [{"id": n, "changed": f"2026-01-0{n}T12:00:00Z"} for n in range(1, 6)]
    with serving(pages(rows)) as api:
        described = keyed(api.url)
        described["endpoints"][0]["incremental"]["end_param"] = "until"
        source = Source(trial, "rest_api", described)
        source.load(start_date="2026-01-02", end_date="2026-01-03")
        assert [(2,), (3,)] == source.rows("id", "orders")
        source.load()
    told = [(asked.query.get("since"), asked.query.get("until")) for asked in api.asked]
    assert [("2026-01-02T00:00:00Z", "2026-01-04T00:00:00Z"), (None, None)] == told
    assert 5 == len(source.rows("id", "orders"))


def test_a_full_refresh_forgets_the_cursor_and_replaces(trial):
    with serving(pages([{"id": 1, "changed": "2026-01-01T00:00:00Z"}])) as api:
        source = Source(trial, "rest_api", keyed(api.url))
        source.load()
        api.answer = pages([{"id": 2, "changed": "2025-01-01T00:00:00Z"}])
        source.load(full_refresh=True)
    assert [None, None] == [asked.query.get("since") for asked in api.asked]
    assert [(2,)] == source.rows("id", "orders")


def test_days_of_the_past_are_asked_for_again(trial):
    with serving(pages([{"id": 1, "changed": "2026-01-10T00:00:00Z"}])) as api:
        source = Source(trial, "rest_api", {**keyed(api.url), "lookback_days": 3})
        source.load()
        source.load()
    assert "2026-01-07T00:00:00Z" == api.asked[-1].query["since"]


def test_the_source_s_days_hold_where_its_block_says_nothing(trial):
    with serving(pages([{"id": 1, "changed": "2026-01-10T00:00:00Z"}])) as api:
        for days, expected in (({}, "2026-01-05"), ({"lookback_days": 3}, "2026-01-07")):
            source = Source(trial, "rest_api", {**keyed(api.url), **days})
            source.load(full_refresh=True)
            source.load(lookback_days=5)
            assert f"{expected}T00:00:00Z" == api.asked[-1].query["since"]


def test_an_endpoint_is_asked_for_each_row_of_another_one(trial):
    def answer(asked):
        if asked.path == "/shops":
            return Answer(body=[{"id": 1}, {"id": 2}])
        return Answer(body=[{"sku": f"{asked.path}"}])

    with serving(answer) as api:
        endpoints = [
            {"path": "shops", "data_selector": "$", "paginator": {"type": "single_page"}},
            {
                "name": "items",
                "path": "shops/{resources.shops.id}/items",
                "include_from_parent": ["id"],
                "data_selector": "$",
                "paginator": {"type": "single_page"},
            },
        ]
        source = Source(trial, "rest_api", {**block(api.url), "endpoints": endpoints})
        source.load()
    expected = [(1, "/shops/1/items"), (2, "/shops/2/items")]
    assert expected == source.rows("_shops_id, sku", "items")


PAGINATORS = {
    "offset": (
        {"type": "offset", "limit": 2, "offset_param": "from", "total_path": "total"},
        lambda asked: int(asked.query["from"]),
    ),
    "page_number": (
        {"type": "page_number", "page_param": "p"},
        lambda asked: (int(asked.query["p"]) - 1) * 2,
    ),
    "offset without a total": (
        {"type": "offset", "limit": 2, "offset_param": "from"},
        lambda asked: int(asked.query["from"]),
    ),
    "json_link": (
        {"type": "json_link", "next_url_path": "link"},
        lambda asked: int(asked.query.get("n", "0")),
    ),
    "auto": (None, lambda asked: int(asked.query.get("n", "0"))),
    "header_cursor": (
        {"type": "header_cursor", "cursor_key": "X-Next", "cursor_param": "n"},
        lambda asked: int(asked.query.get("n", "0")),
    ),
}


@pytest.mark.parametrize("kind", PAGINATORS)
def test_pages_are_followed_in_each_of_their_kinds(trial, kind):
    told, position = PAGINATORS[kind]
    rows = orders(5)

    def answer(asked):
        start = position(asked)
        body = {"data": rows[start : start + 2]}
        if kind == "offset":
            body["total"] = len(rows)
        headers = {}
        if start + 2 < len(rows):
            following = f"{api.url}/orders?n={start + 2}"
            body["link"] = following
            headers = {"X-Next": str(start + 2)}
            if kind == "auto":
                headers["Link"] = f'<{following}>; rel="next"'
        return Answer(body=body, headers=headers)

    with serving(answer) as api:
        source = Source(trial, "rest_api", block(api.url, paginator=told))
        assert 5 == source.load().rows


CREDENTIALS = {
    "bearer": ({"auth_token": "${KEY}"}, lambda a: a.headers["authorization"], f"Bearer {SECRET}"),
    "api_key": (
        {"auth_token": "${KEY}", "api_key_name": "key", "api_key_location": "query"},
        lambda a: a.query["key"],
        SECRET,
    ),
    "basic": (
        {"basic_username": "me", "basic_password": "${KEY}"},
        lambda a: base64.b64decode(a.headers["authorization"].removeprefix("Basic ")).decode(),
        f"me:{SECRET}",
    ),
    "custom_header": (
        {"auth_token": "${KEY}", "auth_header_name": "X-Mine"},
        lambda a: a.headers["x-mine"],
        SECRET,
    ),
}


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_credentials_are_shown_in_each_of_their_ways(trial, kind):
    told, shown, expected = CREDENTIALS[kind]
    with serving(pages(orders(150))) as api:
        described = {**block(api.url), "auth_type": kind, **told}
        Source(trial, "rest_api", described, KEY=SECRET).load()
    assert [expected, expected] == [shown(asked) for asked in api.asked]


def test_a_token_is_asked_for_once_with_client_credentials(trial):
    listed = pages(orders(150))

    def answer(asked):
        if asked.path == "/token":
            return Answer(body={"access_token": "tok-1", "expires_in": 3600})
        return listed(asked)

    with serving(answer) as api:
        told = {"access_token_url": f"{api.url}/token", "client_id": "me", "scopes": ["read"]}
        described = {**block(api.url), "auth_type": "oauth2_client_credentials", **told}
        described["client_secret"] = "${KEY}"
        Source(trial, "rest_api", described, KEY=SECRET).load()
    form, *rest = api.asked
    expected = {"grant_type": "client_credentials", "client_id": "me", "scope": "read"}
    assert {**expected, "client_secret": SECRET} == form.body
    assert ["Bearer tok-1"] * 2 == [asked.headers["authorization"] for asked in rest]


def signed(url, **more):
    return {**block(url), "auth_type": "custom_header", "auth_header_name": "X-Key",
            "auth_token": "${KEY}", **more}  # fmt: skip


def test_credentials_do_not_follow_a_redirect_to_another_host(trial):
    with serving(pages(orders(3))) as other:
        away = Answer(status=302, headers={"Location": f"{other.url}/orders"})
        with serving(lambda _: away) as api:
            Source(trial, "rest_api", signed(api.url, headers={"X-More": "1"}), KEY=SECRET).load()
    assert SECRET == api.asked[0].headers["x-key"]
    assert SECRET not in str(other.asked[0].headers)
    assert "x-more" not in other.asked[0].headers


def test_credentials_do_not_follow_a_link_to_another_host(trial):
    with serving(pages(orders(3))) as other:
        page = Answer(body={"data": orders(1), "next": f"{other.url}/orders"})
        with serving(lambda _: page) as api:
            described = signed(api.url)
            described["endpoints"][0]["paginator"] = {"type": "json_link"}
            Source(trial, "rest_api", described, KEY=SECRET).load()
    assert 1 == len(other.asked)
    assert SECRET not in str(other.asked[0].headers)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_servers_own_network_is_not_asked(trial, host):
    with serving(pages(orders(3))) as api:
        port = api.server_address[1]
        described = {**block(f"http://{host}:{port}"), "allow_private_hosts": False}
        with pytest.raises(ports.WorkRefused, match="lies in a private network"):
            Source(trial, "rest_api", described).load()
    assert [] == api.asked


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.1", True), ("169.254.169.254", True), ("10.1.2.3", True), ("::1", True),
        ("fe80::1%eth0", True), ("::ffff:127.0.0.1", True), ("192.168.1.1", True),
        ("93.184.215.14", False), ("2606:2800:220:1::1", False),
    ],
)  # fmt: skip
def test_private_addresses_are_known(address, private):
    assert private is guard.is_private(address)


def test_a_page_that_asks_for_itself_ends_the_load(trial):
    with (
        serving(lambda _: Answer(body={"data": orders(1), "next": "1"})) as api,
        pytest.raises(ports.WorkRefused, match="the same page again and again"),
    ):
        Source(trial, "rest_api", block(api.url)).load()
    assert len(api.asked) < 50


def test_a_server_that_fails_is_asked_again_and_then_later(trial, monkeypatch):
    waited = []
    monkeypatch.setattr(rest_api, "Session", functools.partial(Session, sleep=waited.append))
    with (
        serving(lambda _: Answer(status=503, body={})) as api,
        pytest.raises(ports.WorkFailed, match="fails with status 503") as failed,
    ):
        Source(trial, "rest_api", block(api.url)).load()
    assert not isinstance(failed.value, ports.WorkRefused)
    assert {"transient": True} == failed.value.facts
    assert [1, 2, 4, 8, 16] == waited
    assert 6 == len(api.asked)


def test_github_says_403_for_too_many_requests(trial, monkeypatch):
    waited = []
    monkeypatch.setattr(rest_api, "Session", functools.partial(Session, sleep=waited.append))
    listed = pages(orders(1))
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 40)}
    answers = [Answer(status=403, headers=headers, body={"message": "API rate limit exceeded"})]
    with serving(lambda asked: answers.pop() if answers else listed(asked)) as api:
        Source(trial, "rest_api", block(api.url)).load()
    assert 1 == len(waited)
    assert 30 <= waited[0] <= 40


def test_an_api_that_asks_to_come_back_in_a_day_is_asked_by_a_later_run(trial):
    later = Answer(status=429, headers={"Retry-After": "86400"}, body={})
    with (
        serving(lambda _: later) as api,
        pytest.raises(ports.WorkFailed, match="asks for fewer requests"),
    ):
        Source(trial, "rest_api", block(api.url)).load()
    assert 1 == len(api.asked)


def test_nothing_of_a_secret_is_left_behind(trial, caplog, capfd):
    def answer(asked):
        if "cursor" in asked.query:
            return Answer(status=400, body={"message": f"bad key {SECRET} in {asked.headers}"})
        return Answer(body={"data": [{"id": 1}], "next": "1"})

    with serving(answer) as api:
        described = signed(api.url, auth_type="api_key", api_key_location="query")
        source = Source(trial, "rest_api", described, KEY=SECRET)
        with pytest.raises(ports.WorkRefused) as refused:
            source.load()
    printed = capfd.readouterr()
    told = [refused.value.reason, str(refused.value.facts), caplog.text, printed.out, printed.err]
    assert not [text for text in told if SECRET in text]
    root = trial.directory.parent
    files = [path for path in root.rglob("*") if path.is_file()]
    assert [] == [path for path in files if SECRET.encode() in path.read_bytes()]
    assert [] == list(root.rglob("dlt-*"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"base_url": "ftp://x"}, "must be an address"),
        ({"base_url": "https://me:pw@x.org"}, "must not hold credentials"),
        ({"auth_type": "bearer"}, "is needed with auth_type bearer"),
        ({"headers": {"X-Api-Key": "abc"}}, "put the value into the vault"),
        ({"endpoints": [{"path": "a/{incremental.__class__}"}]}, "knows"),
        ({"endpoints": [{"path": "a"}, {"path": "/a/"}]}, "like that of endpoints"),
        ({"endpoints": [{"path": "a", "write_disposition": "merge"}]}, "is needed to merge"),
        ({"endpoints": [{"path": "https://other.org/a"}]}, "must be relative"),
        ({"endpoints": []}, "length"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_description_that_cannot_work_is_refused_with_its_place(change, words):
    with pytest.raises(OptionInvalid, match=words):
        options("rest_api", {**block("https://api.example.com"), **change})


def test_a_block_of_the_existing_product_reads_as_it_is():
    told = {
        "base_url": "https://api.example.com",
        "auth_token_env": "TOKEN",
        "headers": None,
        "api_key_location": None,
        "endpoints": [
            {"path": "v1/orders", "paginator": "none"},
            {"path": "/items", "paginator": "header_link", "primary_key": "id"},
            {"path": "users", "paginator": {"type": "offset"}, "params": {"per": 5}},
        ],
    }
    read = options("rest_api", told)
    assert ("bearer", "${TOKEN}") == (read.auth, read.auth_token)
    assert ["v1_orders", "items", "users"] == [rest.table_name(one) for one in read.endpoints]
    assert ["replace", "merge", "replace"] == [one.write for one in read.endpoints]
    kinds = [type(one.paginator) for one in read.endpoints]
    assert [rest.SinglePage, rest.HeaderLink, rest.Offset] == kinds
