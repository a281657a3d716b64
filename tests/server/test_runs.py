"""What a run changed, and undoing it, over HTTP: pages, rights, runs of others, bad input."""

import pytest

from tests.server.harness import until
from tests.server.template import sources_yml, write_rows, write_sources

BEFORE, AFTER = 10, 25
SQL = "select count(*), min(order_id), max(order_id) from {0}"


@pytest.fixture
def shop(server, admin, request):
    """A source of the test's own, and the jobs of its two runs: the second replaced all rows."""
    return two_runs(server, admin, f"r{abs(hash(request.node.name)) % 10**9}")


@pytest.fixture(scope="module")
def looked_at(server):
    """The same, of all tests that change nothing of it."""
    return two_runs(server, server.client(session="admin"), "looked_at")


def two_runs(server, admin, name):
    path = server.root / "data/uploads" / name / "rows.csv"
    write_rows(path, BEFORE)
    write_sources(server.root, sources_yml(*dict.fromkeys(("orders", "looked_at", name))))
    until(lambda: name in [source["name"] for source in admin.get("/api/sources").json()])
    first = job(server, admin, name)
    write_rows(path, AFTER, first=101)
    return name, first, job(server, admin, name)


def job(server, client, source, path="sync", **body):
    answer = client.post(f"/api/sources/{source}/{path}", json=body)
    assert 200 == answer.status_code, answer.text
    assert "success" == server.job(client, answer.json()["job_id"])["status"]
    return answer.json()["job_id"]


def changes(client, source, run, **query):
    return client.get(f"/api/sources/{source}/runs/{run}/changes", params=query)


def table(source):
    return f"raw_{source}.{source}"


def test_the_changes_of_a_run_are_given_page_by_page(editor, looked_at):
    source, first, second = looked_at
    whole = changes(editor, source, second).json()
    assert {source: {"deleted": BEFORE, "inserted": AFTER}} == whole["counts"]
    assert (source, second, source, 0, False) == tuple(
        whole[name] for name in ("source_name", "job_id", "table", "offset", "more")
    )
    assert ["change", "order_id", "item", "price", "_dango_file", "_dango_run"] == whole["columns"]
    assert BEFORE + AFTER == whole["row_count"] == len(whole["rows"])
    kinds = {(row[0], row[5]) for row in whole["rows"]}
    assert {("deleted", first), ("inserted", second)} == kinds

    pages = [changes(editor, source, second, limit=20, offset=at).json() for at in (0, 20, 40)]
    assert whole["rows"] == [row for page in pages for row in page["rows"]]
    assert [(20, True), (15, False), (0, False)] == [(p["row_count"], p["more"]) for p in pages]


def test_a_run_that_changed_nothing_has_no_changes(server, editor, shop):
    source, *_ = shop
    idle = job(server, editor, source)
    found = changes(editor, source, idle).json()
    assert (None, {}, None, []) == tuple(
        found[name] for name in ("snapshot", "counts", "table", "rows")
    )


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": 0}, 422),
        ({"limit": 1_001}, 422),
        ({"limit": "many"}, 422),
        ({"offset": -1}, 422),
        ({"offset": 10**7 + 1}, 422),
        ({"offset": 10**30}, 422),
        ({"table": "other"}, 400),
        ({"table": "x'); DROP TABLE y; --"}, 400),
        ({"table": "_rejects"}, 400),
    ],
)
def test_a_page_that_cannot_be_is_refused_with_a_reason(editor, looked_at, query, status):
    source, _, second = looked_at
    answer = changes(editor, source, second, **query)
    assert status == answer.status_code, answer.text
    assert answer.json()["detail"]


def test_only_runs_of_the_source_itself_have_changes_and_can_be_undone(server, editor, shop):
    source, _, second = shop
    other = job(server, editor, "orders", full_refresh=True)
    asked = editor.post(f"/api/sources/{source}/sync", json={}).json()["job_id"]
    server.job(editor, asked)
    for run in (other, 1, 10**9, 10**30, -1):
        answer = changes(editor, source, run)
        assert answer.status_code in (404, 422), (run, answer.text)
        undone = editor.post(f"/api/sources/{source}/rollback", json={"job_id": run})
        assert undone.status_code in (400, 404, 422), (run, undone.text)
    assert 404 == changes(editor, "orders", second).status_code
    assert 404 == changes(editor, "nobody", second).status_code
    assert 404 == editor.post("/api/sources/nobody/rollback", json={"job_id": 1}).status_code
    assert 404 == changes(editor, source, "x").status_code
    assert [[AFTER, 101, 100 + AFTER]] == server.rows(editor, SQL.format(table(source)))


@pytest.mark.parametrize(
    "body", [{}, {"job_id": None}, {"job_id": "x"}, {"job_id": 1.5}, {"job_id": 1, "force": True}]
)
def test_a_rollback_must_name_its_run_and_nothing_else(editor, body):
    answer = editor.post("/api/sources/orders/rollback", json=body)
    assert 422 == answer.status_code, answer.text


def test_what_is_personal_now_is_masked_in_the_past_of_a_run_too(server, admin, editor, shop):
    source, _, second = shop
    column = {
        "source": source, "table_name": source, "column_name": "item", "pii_status": "pii"
    }  # fmt: skip
    before = server.head(admin)
    said = admin.put("/api/governance/pii/overrides", json={"overrides": [column]})
    assert 200 == said.status_code, said.text
    editor.headers["X-Dango-Mask"] = "1"
    for query in ({}, {"as_of": before}):
        found = changes(editor, source, second, **query).json()
        items = {row[found["columns"].index("item")] for row in found["rows"]}
        assert {"***"} == items, query


def test_a_viewer_sees_no_rows_of_a_run_and_undoes_nothing(server, editor, looked_at):
    source, first, second = looked_at
    viewer, nobody = server.client(session="viewer"), server.client()
    for client, status in ((viewer, 403), (nobody, 401)):
        assert status == changes(client, source, second).status_code
        answer = client.post(f"/api/sources/{source}/rollback", json={"job_id": first})
        assert status == answer.status_code
    assert [[AFTER, 101, 100 + AFTER]] == server.rows(editor, SQL.format(table(source)))


def test_a_rollback_is_a_run_that_can_be_looked_at_and_followed_by_a_sync(server, editor, shop):
    source, _, second = shop
    back = job(server, editor, source, "rollback", job_id=second)
    count = SQL.format(table(source))
    assert [[BEFORE, 1, BEFORE]] == server.rows(editor, count)
    counts = changes(editor, source, back).json()["counts"]
    assert {source: {"deleted": AFTER, "inserted": BEFORE}} == counts
    (asked,) = [
        event
        for event in server.events(server.client(session="admin"), type="sync_requested")
        if event["position"] == back
    ]
    assert (second, [source]) == (asked["data"]["rollback_of"], asked["data"]["sources"])
    # The file is what it was: it counts as new again, and its rows come back.
    again = job(server, editor, source)
    assert [[AFTER, 101, 100 + AFTER]] == server.rows(editor, count)
    assert again > back
    # And back once more, through the rollback itself.
    job(server, editor, source, "rollback", job_id=back)
    assert [[AFTER, 101, 100 + AFTER]] == server.rows(editor, count)


def test_a_rollback_waits_for_no_running_sync(server, editor, shop):
    source, _, second = shop
    write_rows(server.root / "data/uploads" / source / "more.csv", 200_000, first=1_000)
    running = editor.post(f"/api/sources/{source}/sync", json={}).json()["job_id"]
    answer = editor.post(f"/api/sources/{source}/rollback", json={"job_id": second})
    assert 409 == answer.status_code, answer.text
    assert running == answer.json()["job_id"]
    assert "success" == server.job(editor, running)["status"]
