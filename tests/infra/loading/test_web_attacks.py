"""An API that is not what it seems: what it may take along, and how much it may take up."""

import contextlib
import gzip
import json
import socket
import threading
import time
import tracemalloc
from contextlib import contextmanager

import pytest

from commands import ports
from domain.source_types.table import OptionInvalid, options
from infra.loading.web import answers, s3
from infra.workers import secrecy
from tests.infra.loading.connecting import Source
from tests.infra.loading.doubles import Answer, serving

SECRET = "planted-Secret-77"
PEAK_BYTES_MAX = 150_000_000
LINK = {"paginator": {"type": "json_link"}}
BOMB = gzip.compress(b" " * 300_000_000, 1)


def block(url, endpoint=(), **more):
    whole = {"path": "orders", "data_selector": "data", **dict(endpoint)}
    return {"base_url": url, "allow_private_hosts": True, "endpoints": [whole], **more}


def row(_):
    return Answer(body={"data": [{"id": 1}]})


def linking(url):
    return lambda _: Answer(body={"data": [{"id": 1}], "next": url})


def refused(trial, described, kind=ports.WorkRefused, **secrets):
    with pytest.raises(kind) as failed:
        Source(trial, "rest_api", described, **secrets).load()
    return failed.value.reason


def test_headers_that_hold_secrets_do_not_follow_a_link_to_another_host(trial):
    with serving(row) as other, serving(linking(f"{other.url}/orders")) as api:
        endpoint = LINK | {"headers": {"X-Key": "${KEY}"}}
        described = block(api.url, endpoint, headers={"X-Tenant": "${KEY}"})
        Source(trial, "rest_api", described, KEY=SECRET).load()
    mine, others = api.asked[0].headers, other.asked[0].headers
    assert (SECRET, SECRET) == (mine["x-key"], mine["x-tenant"])
    assert SECRET not in str(others)


def test_what_is_posted_does_not_follow_a_link_to_another_host(trial):
    with serving(row) as other, serving(linking(f"{other.url}/orders")) as api:
        described = block(api.url, LINK | {"method": "POST", "json": {"key": "${KEY}"}})
        assert "another host" in refused(trial, described, KEY=SECRET)
    assert [] == other.asked


def test_an_address_in_a_row_takes_no_secret_to_another_host(trial):
    with serving(row) as other:
        rows = Answer(body={"data": [{"id": 1, "url": f"{other.url}/x"}]})
        with serving(lambda _: rows) as api:
            child = {"path": "{resources.orders.url}", "name": "kids", "params": {"key": "${KEY}"}}
            described = block(api.url)
            described["endpoints"].append(child)
            secrecy.hide([SECRET])
            assert "A secret of the source" in refused(trial, described, KEY=SECRET)
    assert [] == other.asked


@pytest.mark.parametrize("link", ["gopher://127.0.0.1/x", "file:///etc/passwd", "ftp://x/y"])
def test_a_link_that_is_none_of_the_web_is_refused_at_once(trial, link):
    with serving(linking(link)) as api:
        begun = time.monotonic()
        assert "not one of the web" in refused(trial, block(api.url, LINK))
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("way", ["link", "redirect"])
def test_only_the_host_that_is_named_may_lie_in_the_own_network(trial, way):
    with serving(row) as other:
        there = f"http://localhost:{other.server_address[1]}/orders"
        away = Answer(status=302, headers={"Location": there})
        with serving(linking(there) if way == "link" else lambda _: away) as api:
            assert "localhost lies in a private network" in refused(trial, block(api.url, LINK))
    assert [] == other.asked


@contextmanager
def little_memory():
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < PEAK_BYTES_MAX
    finally:
        tracemalloc.stop()


def test_a_packed_answer_is_given_up_at_the_bound(trial):
    packed = Answer(body=BOMB, headers={"Content-Encoding": "gzip"})
    with serving(lambda _: packed) as api, little_memory():
        assert "gives more than" in refused(trial, block(api.url))


def test_the_body_of_a_redirect_is_not_read(trial):
    headers = {"Content-Encoding": "gzip", "Location": "/there"}

    def answer(asked):
        if asked.path == "/there":
            return row(asked)
        return Answer(status=302, body=BOMB, headers=headers)

    with serving(answer) as api, little_memory():
        assert 1 == Source(trial, "rest_api", block(api.url)).load().rows


def test_an_answer_that_drips_is_given_up(trial, monkeypatch):
    monkeypatch.setattr(answers, "ANSWER_S_MAX", 0.5)
    ended = threading.Event()

    def drip(listener):
        connection, _ = listener.accept()
        with connection, contextlib.suppress(ConnectionError):  # whoever asked has hung up
            connection.recv(10_000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not ended.wait(0.05):
                connection.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        try:
            described = block(f"http://127.0.0.1:{listener.getsockname()[1]}")
            reason = refused(trial, described, ports.WorkFailed)
        finally:
            ended.set()
            thread.join()
    assert "takes more than 0.5 s" in reason


@pytest.mark.parametrize(
    "more", ["\r\nX-Evil: 1", "\nb", "\0", "\N{LATIN SMALL LETTER E WITH ACUTE}"]
)
def test_a_secret_that_is_no_header_is_refused_and_not_told(trial, more):
    with serving(row) as api:
        described = block(api.url, headers={"X-Key": "${KEY}"})
        reason = refused(trial, described, KEY=SECRET + more)
    assert "The value for the header X-Key" in reason
    assert SECRET not in reason
    assert [] == api.asked


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({"X-A\r\nX-Evil": "1"}, ".headers"),
        ({"a b": "1"}, ".headers"),
        ({"": "1"}, ".headers"),
        ({"Content-Length": "1"}, ".headers.Content-Length"),
        ({"Host": "internal"}, ".headers.Host"),
        ({"X-A": "1\r\nX-Evil: 1"}, ".headers.X-A"),
    ],
)
def test_headers_that_break_a_request_are_refused_by_their_place(headers, path):
    with pytest.raises(OptionInvalid) as invalid:
        options("rest_api", block("https://api.example.com", headers=headers))
    assert path == invalid.value.path
    with pytest.raises(OptionInvalid) as invalid:
        options("rest_api", block("https://api.example.com", {"headers": headers}))
    assert f".endpoints[0]{path}" == invalid.value.path


def test_what_is_no_json_is_told_with_what_to_look_at(trial):
    with serving(lambda _: Answer(body=b"<html>")) as api:
        assert "Check base_url" in refused(trial, block(api.url))
        by_token = block(
            api.url,
            auth_type="oauth2_client_credentials",
            access_token_url=f"{api.url}/token",
            client_id="a",
            client_secret="${KEY}",
        )
        assert "/token does not answer with JSON" in refused(trial, by_token, KEY=SECRET)


def test_a_token_that_was_given_is_not_told(trial):
    token = "given-Token-88"

    def answer(asked):
        if asked.path == "/token":
            return Answer(body={"access_token": token})
        return Answer(status=400, body={"message": f"bad token {token}"})

    with serving(answer) as api:
        described = block(
            api.url,
            auth_type="oauth2_client_credentials",
            access_token_url=f"{api.url}/token",
            client_id="a",
            client_secret="${KEY}",
        )
        reason = refused(trial, described, KEY=SECRET)
    assert "bad token ****" in reason


@pytest.mark.parametrize(
    "content",
    [
        '<!DOCTYPE l [<!ENTITY a "x">]><ListBucketResult>&a;</ListBucketResult>'.encode("utf-16"),
        b"<ListBucketResult><Contents><Size>much</Size></Contents></ListBucketResult>",
        b"<ListBucketResult><Contents><Size>-1</Size></Contents></ListBucketResult>",
        json.dumps([]).encode(),
    ],
    ids=["entity", "size", "negative", "json"],
)
def test_a_list_that_no_bucket_gives_is_refused(content):
    class Session:
        def get(self, _):
            return self

    session = Session()
    session.content = content
    with pytest.raises(ports.WorkRefused, match="not what S3 answers"):
        list(s3.Bucket(session, "https://bucket.example.com").objects(""))
