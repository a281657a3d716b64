"""Whatever comes over the wire is answered, and never with a 500."""

import os
import socket

import pytest

from api import dashboards
from api.routes import ROUTES
from tests.server import mutations, raw
from tests.server.harness import copied
from tests.server.planted import ROUTE

SEED = int(os.environ.get("DANGO_TEST_SEED", "20261121"))
COUNT = 2_000
ALIVE_EVERY = 100
SLOW_S = 5.0
HTTP = tuple(route for route in ROUTES if route.method != "WS")
# What the HTTP parser of uvicorn answers before the application sees anything.
NO_HTTP = b"Invalid HTTP request received."


def probe(port, attacks):
    """What is wrong with the answers, one line for each."""
    wrong = []
    for number, attack in enumerate(attacks):
        try:
            answer = raw.send(port, attack.data, head=attack.head, cut=attack.cut)
        except TimeoutError:
            wrong.append(f"no answer: {attack.label}")
            continue
        if complaint := complain(attack, answer):
            wrong.append(f"{answer.status} {complaint}: {attack.label} {answer.body[:120]!r}")
        if not number % ALIVE_EVERY:
            alive = raw.send(port, raw.request("GET", "/api/health/live"))
            if alive.status != 200:
                wrong.append(f"not alive after: {attack.label}")
    return wrong


def complain(attack, answer):
    if answer.status == 0:
        return None if attack.cut else "no answer"
    if answer.status == 400 and answer.body == NO_HTTP:
        return None
    if answer.status == 502 and dashboards.ABSENT.encode() in answer.body:
        return None  # it would have been passed on
    if not 200 <= answer.status < 500:
        return "is no answer to a bad request"
    if answer.seconds > SLOW_S:
        return f"took {answer.seconds:.1f} s"
    if b"Traceback" in answer.body or b'File \\"' in answer.body:
        return "shows a traceback"
    html = answer.headers.get("content-type", "").startswith("text/html")
    if answer.status < 400 or attack.head or (attack.page and html):
        return None
    return complain_of_error(answer)


def complain_of_error(answer):
    body = answer.json
    if not isinstance(body, dict) or not isinstance(body.get("detail"), str):
        return "has no detail"
    if body.get("request_id") != answer.headers.get("x-request-id"):
        return "does not name its request"
    return None


def test_no_input_leads_to_a_500_and_the_server_lives_on(server):
    key = server.people.keys["admin"]
    assert [] == probe(server.port, mutations.attacks(HTTP, SEED, COUNT, key))
    assert server.process.poll() is None
    assert "Traceback" not in server.text()


def test_the_same_seed_gives_the_same_attacks():
    first, second = (list(mutations.attacks(HTTP, 5, 200, "key")) for _ in range(2))
    assert first == second
    assert len({attack.data for attack in first}) > 150


def test_the_probe_notices_a_route_that_raises(template, tmp_path):
    program = ("-m", "tests.server.planted")
    with copied(template, tmp_path / "project", program) as server:
        server.start()
        attack = mutations.Attack(raw.request("GET", "/api/planted"), "planted")
        assert 1 == len(probe(server.port, [attack]))
        answer = raw.send(server.port, attack.data)
        assert 500 == answer.status
        assert {"detail", "request_id"} == set(answer.json)
        assert "An internal error occurred." == answer.json["detail"]
        # The log names the cause under the id that the answer shows.
        assert answer.json["request_id"] in server.text()
        assert f"ZeroDivisionError: {ROUTE.path}" in server.text()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"sql":"\xff"}', 400),
        (b"[" * 100_000, 400),
        (b'{"sql":1e999}', 400),
        (b'{"sql":NaN}', 400),
        (b'{"sql":18446744073709551616}', 400),
        (b'{"sql":"a","sql":"b"}', 400),
        (b'{"sql":"a\\u0000"}', 400),
        (b'{"sql":"\\ud800"}', 400),
        (b'{"sql":', 400),
        (b"", 400),
        (b'{"sql":7}', 422),
        (b'{"sql":"select 1","role":"admin"}', 422),
        (b'{"sql":"' + b"x" * 102_401 + b'"}', 422),
        (b'{"sql":"' + b"x" * 2_000_000 + b'"}', 413),
    ],
    ids=lambda value: f"{value[:24]!r}" if isinstance(value, bytes) else str(value),
)
def test_malformed_is_400_invalid_is_422_and_too_large_is_413(server, body, status):
    headers = [("Authorization", f"Bearer {server.people.keys['editor']}"), mutations.JSON]
    answer = raw.send(server.port, raw.request("POST", "/api/query", headers, body))
    assert status == answer.status, answer.body
    assert b"xxxx" not in answer.body


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", None, "text/html", "x"]
)
def test_json_of_another_type_is_415(server, kind):
    headers = [("Authorization", f"Bearer {server.people.keys['editor']}")]
    headers += [("Content-Type", kind)] if kind else []
    answer = raw.send(
        server.port, raw.request("POST", "/api/query", headers, b'{"sql":"select 1"}')
    )
    assert 415 == answer.status


def test_two_requests_are_never_made_of_one_that_is_ambiguous(server):
    headers = [mutations.JSON, ("Content-Length", "4"), ("Transfer-Encoding", "chunked")]
    inner = b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n"
    data = raw.request("POST", "/api/auth/login", [*headers, ("Connection", "keep-alive")], None)
    with socket.create_connection(("127.0.0.1", server.port), raw.ANSWER_S) as connection:
        connection.sendall(data + b"0\r\n\r\n" + inner)
        connection.shutdown(socket.SHUT_WR)
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert 1 == answers.count(b"HTTP/1.1 ")
    assert answers.startswith(b"HTTP/1.1 400")


def test_what_is_too_large_is_refused_before_it_is_sent(server):
    headers = [
        ("Authorization", f"Bearer {server.people.keys['editor']}"),
        mutations.JSON,
        ("Content-Length", str(10**12)),
    ]
    answer = raw.send(server.port, raw.request("POST", "/api/query", headers))
    assert 413 == answer.status
    assert answer.seconds < raw.ANSWER_S / 2


@pytest.mark.parametrize("path", ["/api/query", "/api/health/live", "/api/sync/1/cancel"])
def test_another_method_is_405_with_those_that_are_taken(server, path):
    taken = {"POST"} if path != "/api/health/live" else {"GET"}
    for method in ("OPTIONS", "PATCH", "TRACE"):
        answer = raw.send(server.port, raw.request(method, path))
        assert 405 == answer.status, method
        assert taken == {name.strip() for name in answer.headers["allow"].split(",")} - {"OPTIONS"}


def test_head_answers_as_get_without_a_body_and_keeps_the_connection(server):
    data = raw.request("HEAD", "/api/health/live", [("Connection", "keep-alive")])
    with socket.create_connection(("127.0.0.1", server.port), raw.ANSWER_S) as connection:
        for _ in range(2):
            connection.sendall(data)
            answer = raw._read(connection, head=True)
            assert 200 == answer.status
            assert 0 < int(answer.headers["content-length"])
            assert b"" == answer.body
    assert "Traceback" not in server.text()


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**40])
@pytest.mark.parametrize("path", ["/api/sync/status/{}", "/api/events/{}"])
def test_a_number_that_nothing_can_have_is_404(admin, path, number):
    assert 404 == admin.get(path.format(number)).status_code


@pytest.mark.parametrize("host", ["a:b:c", "x:99999", "", "a b", "[::1", "\xff"])
def test_a_host_that_is_none_is_400(server, host):
    headers = [("Host", host), ("Authorization", f"Bearer {server.people.keys['editor']}")]
    data = raw.request("POST", "/api/query", [*headers, mutations.JSON], b"{}")
    assert 400 == raw.send(server.port, data).status
