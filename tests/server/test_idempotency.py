"""The same request under one Idempotency-Key: one effect, one answer, also at once and later."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.server.harness import until

AT_ONCE = 20


def created(server, admin, after):
    return len(server.events(admin, after=after, type="api_key_created"))


def test_a_repeat_gets_the_same_bytes_and_appends_nothing(server, editor, admin):
    head = server.head(admin)
    key = {"idempotency-key": "repeat"}
    first, *others = (
        editor.post("/api/auth/api-keys", json={"name": "once"}, headers=key) for _ in range(3)
    )
    assert 200 == first.status_code, first.text
    assert "idempotency-replayed" not in first.headers
    for other in others:
        assert (first.status_code, first.content) == (other.status_code, other.content)
        assert first.headers["x-position"] == other.headers["x-position"]
        assert "true" == other.headers["idempotency-replayed"]
    assert 1 == created(server, admin, head)
    assert editor.get("/api/auth/api-keys").status_code == 200


def test_another_request_under_the_key_is_422(server, editor, admin):
    key = {"idempotency-key": "other"}
    assert 200 == editor.post("/api/auth/api-keys", json={"name": "a"}, headers=key).status_code
    head = server.head(admin)
    for path, body in (
        ("/api/auth/api-keys", {"name": "b"}),
        ("/api/auth/api-keys?x=1", {"name": "a"}),
        ("/api/sync/trigger", {"sources": ["orders"]}),
    ):
        answer = editor.post(path, json=body, headers=key)
        assert 422 == answer.status_code, path
    assert head == server.head(admin)


def test_a_key_belongs_to_its_actor(server, editor, admin):
    key = {"idempotency-key": "shared"}
    one, other = (
        client.post("/api/auth/api-keys", json={"name": "a"}, headers=key)
        for client in (editor, admin)
    )
    assert (200, 200) == (one.status_code, other.status_code)
    assert one.json()["id"] != other.json()["id"]


def test_a_secret_is_shown_again_only_to_what_asked_for_it(server, admin):
    key, other = {"idempotency-key": "secret"}, server.client(key="admin")
    body = {"email": "secret@a.io", "generate_password": True}
    made, again, stolen = (
        client.post("/api/admin/users", json=body, headers=key) for client in (admin, admin, other)
    )
    assert (201, made.content) == (again.status_code, again.content), made.text
    assert 422 == stolen.status_code
    assert "temp_password" not in stolen.json()


def test_a_narrowed_key_is_not_given_what_its_owner_was_told(server, admin):
    """The answer to the owner may hold what the key does not see: values without masks."""
    body = {"name": "narrow", "permissions": ["query.execute"]}
    made = admin.post("/api/auth/api-keys", json=body).json()
    narrow = server.client(authorization=f"Bearer {made['key']}")
    key, query = {"idempotency-key": "narrow"}, {"sql": "select 1 as one"}
    whole, less = (client.post("/api/query", json=query, headers=key) for client in (admin, narrow))
    assert (200, 422) == (whole.status_code, less.status_code), less.text
    own = {"idempotency-key": "own"}
    one, again = (narrow.post("/api/query", json=query, headers=own) for _ in "ab")
    assert (200, one.content) == (again.status_code, again.content)


@pytest.mark.parametrize(
    ("path", "body", "type"),
    [
        ("/api/auth/api-keys", {"name": "at once"}, "api_key_created"),
        ("/api/sources/orders/sync", {}, "sync_requested"),
        ("/api/query", {"sql": "select 41 + 1"}, "query_executed"),
    ],
)
def test_many_at_once_have_one_effect_and_one_answer(server, admin, path, body, type):
    head = server.head(admin)
    headers = {"idempotency-key": f"at-once-{type}"}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(
            pool.map(lambda _: admin.post(path, json=body, headers=headers), range(AT_ONCE))
        )
    assert {200} == {answer.status_code for answer in answers}, answers
    assert 1 == len({answer.content for answer in answers})
    assert 1 == len(server.events(admin, after=head, type=type))
    if type == "sync_requested":
        server.job(admin, answers[0].json()["job_id"])


def test_a_request_that_was_refused_may_be_repeated(server, admin):
    key = {"idempotency-key": "refused"}
    body = {"name": "late", "expires_at": "2020-01-01T00:00:00Z"}
    for _ in range(2):
        answer = admin.post("/api/auth/api-keys", json=body, headers=key)
        assert 422 == answer.status_code
        assert "idempotency-replayed" not in answer.headers


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\xe4", "a\tb"])
def test_a_key_that_is_none_is_422(server, admin, key):
    head = server.head(admin)
    headers = {b"idempotency-key": key.encode("latin-1")}
    answer = admin.post("/api/auth/api-keys", json={"name": "a"}, headers=headers)
    assert 422 == answer.status_code
    assert head == server.head(admin)


def test_the_answer_is_kept_over_a_restart_and_over_a_kill(own):
    own.start()
    client, key = own.client(session="editor"), {"idempotency-key": "restart"}
    first = client.post("/api/auth/api-keys", json={"name": "kept"}, headers=key)
    own.kill()
    own.start()
    again = client.post("/api/auth/api-keys", json={"name": "kept"}, headers=key)
    assert (200, first.content) == (again.status_code, again.content)
    own.stop()
    own.start()
    third = client.post("/api/auth/api-keys", json={"name": "kept"}, headers=key)
    assert first.content == third.content
    before = int(first.headers["x-position"]) - 1
    assert 1 == created(own, own.client(session="admin"), before)


def test_kept_answers_are_sealed(server, editor):
    key = {"idempotency-key": "sealed"}
    secret = editor.post("/api/auth/api-keys", json={"name": "x"}, headers=key).json()["key"]
    for path in (server.root / ".dango").glob("*.db*"):
        assert secret.encode() not in path.read_bytes(), path


def test_every_mutating_answer_carries_its_position(server, admin):
    for path, body in (
        ("/api/auth/api-keys", {"name": "position"}),
        ("/api/query", {"sql": "select 1"}),
    ):
        answer = admin.post(path, json=body)
        assert 200 == answer.status_code, answer.text
        head = server.head(admin)
        assert head == int(answer.headers["x-position"]), path


def test_a_request_id_is_echoed_or_made_and_is_the_correlation(server, admin):
    answer = admin.post(
        "/api/auth/api-keys", json={"name": "a"}, headers={"x-request-id": "mine-1"}
    )
    assert "mine-1" == answer.headers["x-request-id"]
    event = admin.get(f"/api/events/{answer.headers['x-position']}").json()
    assert "mine-1" == event["correlation"]
    for bad in ("", "a b", "x" * 65, "<script>"):
        made = admin.get("/api/sources", headers={"x-request-id": bad}).headers["x-request-id"]
        assert bad != made
        assert len(made) == 32


def test_reading_waits_for_a_position_and_refuses_one_that_nobody_wrote(server, admin):
    position = int(admin.post("/api/auth/api-keys", json={"name": "p"}).headers["x-position"])
    assert 200 == admin.get(f"/api/sources?min_position={position}").status_code
    for bad in (position + 1_000, "-1", "abc", "", "9" * 30, "%D9%A1"):
        answer = admin.get(f"/api/sources?min_position={bad}")
        assert 422 == answer.status_code, bad
        assert "min_position" == answer.json()["fields"][0]["path"]


def test_one_reads_what_one_wrote(server, admin):
    for number in range(50):
        name = f"own write {number}"
        made = admin.post("/api/auth/api-keys", json={"name": name}).json()
        listed = admin.get("/api/auth/api-keys").json()
        assert made["id"] in {key["id"] for key in listed}
        assert 200 == admin.delete(f"/api/auth/api-keys/{made['id']}").status_code
        listed = admin.get("/api/auth/api-keys").json()
        assert made["id"] not in {key["id"] for key in listed}
    until(lambda: server.process.poll() is None)
