"""What is sent to webhooks, and to where nothing is ever sent."""

import asyncio
import contextlib
import hashlib
import hmac
import itertools
import json

import pytest

from infra.notices import webhooks

BODY = b'{"event":"test"}'
EVERYWHERE = "0.0.0.0"  # noqa: S104 - told, not bound
PRIVATE = (
    "127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", EVERYWHERE, "224.0.0.1", "255.255.255.255", "192.0.0.1", "198.18.0.1",
    "::1", "::", "fe80::1", "fd00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "::127.0.0.1",
)  # fmt: skip
PUBLIC = "93.184.215.14"


class Listener:
    """A server on loopback: counts connections, answers as it is told."""

    def __init__(self, answer=b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", pause_s=0.0):
        self.answer, self.pause_s, self.connections = answer, pause_s, 0
        self.requests, self.tasks = [], []

    async def _serve(self, reader, writer):
        self.connections += 1
        self.tasks.append(asyncio.current_task())
        try:
            await self._answer(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(
                int(line.split(":")[1])
                for line in head.split("\r\n")
                if line.lower().startswith("content-length")
            )
            self.requests.append((head, await reader.readexactly(length)))
            await asyncio.sleep(self.pause_s)
            writer.write(self.answer)
            await writer.drain()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def forms(port):
    """URLs that a server must not be talked into asking: how this machine can be named."""
    hosts = (
        "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "017700000001",
        "0177.0.0.1", "localhost", "LOCALHOST", "localhost.", EVERYWHERE, "0", "[::1]", "[::]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "127.0.0.1.", "127.00.0.1",
        "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "%31%32%37.0.0.1",
    )  # fmt: skip
    yield from (f"http://{host}:{port}/hook" for host in hosts)
    yield from (f"https://{host}:{port}/hook" for host in hosts[:4])
    userinfo = ("example.org@127.0.0.1", "a:b@127.0.0.1", "example.org%40127.0.0.1", "@127.0.0.1")
    yield from (f"http://{host}:{port}/" for host in userinfo)
    yield f"http://example.org\\@127.0.0.1:{port}/"
    yield f"http://127.0.0.1\t:{port}/"
    yield f"http://127.0.0.1:{port}\r\nHost: x/"
    yield f"http://\u24dbocalhost:{port}/"
    yield f"http://\uff11\uff12\uff17.0.0.1:{port}/"
    yield f"http://127\u30020\u30020\u30021:{port}/"
    yield f"http://127.0.0.1:{port}#@example.org/"
    yield f"http://127.0.0.1:{port}?@example.org/"
    yield "http://169.254.169.254/latest/meta-data/"
    yield "http://[::ffff:169.254.169.254]/latest/meta-data/"
    for scheme in ("file", "ftp", "gopher", "dict", "unix", "data", "javascript", "ws", "HTTPX"):
        yield f"{scheme}://127.0.0.1:{port}/"
    yield from ("", "/", "//127.0.0.1/", "http://", "http:///x", "http://[::1", "http://x:99999/")


def sent(url, **more):
    return asyncio.run(webhooks.post(url, BODY, {}, **more))


def test_nothing_on_this_machine_is_ever_connected_to():
    async def story():
        async with Listener() as listener:
            results = [(url, await webhooks.post(url, BODY, {})) for url in forms(listener.port)]
            for address in PRIVATE:

                async def resolve(*_, address=address):
                    return [PUBLIC, address]

                url = f"http://hook.example.org:{listener.port}/"
                results.append((address, await webhooks.post(url, BODY, {}, resolve=resolve)))
            return results, listener.connections

    results, connections = asyncio.run(story())

    assert 80 <= len(results)
    assert [] == [url for url, found in results if found.ok]
    assert 0 == connections


def test_a_name_that_changes_its_address_is_looked_up_once():
    async def story():
        async with Listener() as listener:
            answers = itertools.chain([PUBLIC], itertools.repeat("127.0.0.1"))
            asked = []

            async def rebinding(host, port):
                asked.append(host)
                return [next(answers)]

            found = await webhooks.pinned(
                f"http://rebind.example.org:{listener.port}/",
                allow_private=False,
                resolve=rebinding,
            )
            return found[1], asked, listener.connections

    assert (PUBLIC, ["rebind.example.org"], 0) == asyncio.run(story())


def test_a_name_that_turns_private_is_refused_the_next_time():
    async def story():
        async with Listener() as listener:

            async def resolve(*_):
                return ["127.0.0.1"]

            url = f"http://rebind.example.org:{listener.port}/"
            found = await webhooks.post(url, BODY, {}, resolve=resolve)
            return found, listener.connections

    found, connections = asyncio.run(story())

    assert (False, True, 0) == (found.ok, found.final, connections)
    assert "private network" in found.reason


def local(answer=None, *, pause_s=0.0, headers=None):
    """Post to a listener that is allowed; the result and what it was sent."""

    async def story():
        listener = Listener(pause_s=pause_s) if answer is None else Listener(answer, pause_s)
        async with listener:

            async def resolve(host, _):
                return ["127.0.0.1"]

            url = f"http://hook.example.org:{listener.port}/path?x=1"
            post = webhooks.post(url, BODY, headers or {}, allow_private=True, resolve=resolve)
            return await post, listener

    return asyncio.run(story())


def test_a_message_goes_to_the_address_that_was_looked_at_under_its_own_name():
    found, listener = local(headers={"x-dango-event": "test"})

    assert (True, 200) == (found.ok, found.status_code)
    ((head, body),) = listener.requests
    assert BODY == body
    assert head.startswith("POST /path?x=1 HTTP/1.1\r\n")
    assert f"host: hook.example.org:{listener.port}" in head.lower()
    assert "x-dango-event: test" in head.lower()


def test_a_redirect_is_not_followed():
    answer = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n"
    found, listener = local(answer)

    assert (False, 302, True, 1) == (
        found.ok,
        found.status_code,
        found.final,
        listener.connections,
    )


@pytest.mark.parametrize(
    ("status", "final"), [(400, True), (404, True), (410, True), (429, False), (500, False)]
)
def test_what_may_pass_is_worth_another_attempt(status, final):
    found, _ = local(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % status)

    assert (False, status, final) == (found.ok, found.status_code, found.final)


def test_an_answer_without_end_is_not_read(monkeypatch):
    monkeypatch.setattr(webhooks, "ANSWER_BYTES_MAX", 1_000)
    found, _ = local(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n" + b"x" * 5_000)

    assert found.ok


def test_who_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(webhooks, "CALL_S", 0.2)
    found, _ = local(pause_s=5.0)

    assert (False, False) == (found.ok, found.final)
    assert "no answer" in found.reason


def test_no_reason_repeats_the_url():
    for url in ("http://127.0.0.1:1/SECRET", "ftp://SECRET/", "http://SECRET@host/", "http://S.T/"):
        assert "SECRET" not in str(sent(url).reason)


def test_a_signature_can_be_checked_by_who_has_the_key():
    given = webhooks.signed(BODY, "key", 1_700_000_000)
    expected = hmac.new(b"key", b"1700000000." + BODY, hashlib.sha256).hexdigest()

    assert f"t=1700000000,v1={expected}" == given


def test_slack_gets_blocks_and_nothing_that_it_would_take_for_a_command():
    message = {
        "event": "sync_failed",
        "schedule": "nightly",
        "sources": ["orders"],
        "error": "<!channel> & more",
        "duration_seconds": 1.5,
        "rows_loaded": None,
        "dashboard_url": "http://localhost:8800/",
    }
    (attachment,) = json.loads(webhooks.slack(message))["attachments"]
    text = attachment["blocks"][0]["text"]["text"]

    assert "#d32f2f" == attachment["color"]
    assert "*Error:* &lt;!channel&gt; &amp; more" in text


def test_no_log_line_repeats_the_url(caplog):
    caplog.set_level("INFO")
    local()

    assert "path?x=1" not in caplog.text
