"""A client that takes nothing does not keep its connection; one that is only slow does."""

import asyncio
import contextlib
import logging
import socket

import pytest
import uvicorn

from infra import connections
from infra.seldom import PERIOD_S, REPEATS_MAX, Seldom

PIECE = 64 * 1024
LATE_S = 1.0  # how long the body of a stream is waited for
PIECES = 200  # more than the kernel keeps for one connection
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def answer(scope, receive, send):
    headers = [(b"content-length", b"%d" % (PIECE * PIECES))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for number in range(PIECES):
        more = number < PIECES - 1
        await send({"type": "http.response.body", "body": b"x" * PIECE, "more_body": more})


async def flood(scope, receive, send):
    await send({"type": "websocket.accept"})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            while True:
                await send({"type": "websocket.send", "text": "x" * PIECE})


async def stream(scope, receive, send):
    """The head at once; the body when somebody has waited for it."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await asyncio.sleep(LATE_S)
    await send({"type": "http.response.body", "body": b"late"})


async def either(scope, receive, send):
    apps = {"/": answer, "/stream": stream, "/short": short}
    app = flood if scope["type"] == "websocket" else apps[scope["path"]]
    await app(scope, receive, send)


async def short(scope, receive, send):
    headers = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"short"})


@contextlib.asynccontextmanager
async def serving():
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        either,
        http=connections.Http,
        ws=connections.Socket,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve([listener]))
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.setblocking(False)
    try:
        with client:
            await asyncio.get_running_loop().sock_connect(client, listener.getsockname())
            yield server, client
    finally:
        server.should_exit = True
        await task


async def gone(server, timeout_s):
    async with asyncio.timeout(timeout_s):
        while server.server_state.connections:  # noqa: ASYNC110 - another's set
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
def test_an_answer_that_is_not_taken_is_cut_off(monkeypatch, more):
    monkeypatch.setattr(connections, "WRITE_S", 0.3)

    async def story():
        async with serving() as (server, client):
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n" + more + b"\r\n")
            await asyncio.sleep(0.1)
            assert server.server_state.connections
            await gone(server, 2.0)

    asyncio.run(story())


def test_an_answer_that_is_taken_slowly_is_not_cut_off(monkeypatch):
    monkeypatch.setattr(connections, "WRITE_S", 0.5)
    monkeypatch.setattr(connections, "SEND_BYTES_MAX", 32 * 1024)

    async def story():
        loop, got = asyncio.get_running_loop(), 0
        async with serving() as (_, client):
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            begun = loop.time()
            while data := await loop.sock_recv(client, 4 * PIECE):
                got += len(data)
                if loop.time() < begun + 2.0:
                    await asyncio.sleep(0.02)
        assert got > PIECE * PIECES

    asyncio.run(story())


def test_a_socket_whose_client_takes_nothing_ends_with_the_application():
    async def story():
        async with serving() as (server, client):
            client.send(UPGRADE)
            await asyncio.sleep(0.1)
            assert server.server_state.connections
            await gone(server, connections.CLOSE_S + 1.0)

    asyncio.run(story())


def test_the_same_complaint_is_logged_a_few_times_and_then_counted():
    now, seldom = [0.0], Seldom(lambda: now[0])

    def passes(message):
        record = logging.LogRecord("asyncio", logging.ERROR, "", 0, message, None, None)
        return record.getMessage() if seldom.filter(record) else None

    first = [passes(f"accept() failed\nsocket: {n}") for n in range(100)]
    assert [True] * REPEATS_MAX + [False] * (100 - REPEATS_MAX) == [bool(line) for line in first]
    assert "another" == passes("another")
    now[0] = PERIOD_S + 1
    assert passes("accept() failed").endswith(f"({100 - REPEATS_MAX} more like this before)")


def test_head_and_body_of_an_answer_are_sent_as_one(monkeypatch):
    sent = []

    class Noted(connections._Whole):
        def __init__(self, transport, loop):
            class Transport:
                def __getattr__(self, name):
                    return getattr(transport, name)

                def write(self, data):
                    sent.append(data)
                    transport.write(data)

            super().__init__(Transport(), loop)

    monkeypatch.setattr(connections, "_Whole", Noted)

    async def story():
        async with serving() as (_, client):
            loop = asyncio.get_running_loop()
            for _ in range(2):
                await loop.sock_sendall(client, b"GET /short HTTP/1.1\r\nHost: a\r\n\r\n")
                await received(client, b"short")

    asyncio.run(story())
    assert [True, True] == [each.startswith(b"HTTP/1.1 200") for each in sent]
    assert [True, True] == [each.endswith(b"\r\n\r\nshort") for each in sent]


def test_the_head_of_a_stream_does_not_wait_for_its_body():
    async def story():
        async with serving() as (_, client):
            loop = asyncio.get_running_loop()
            begun = loop.time()
            await loop.sock_sendall(client, b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
            await received(client, b"\r\n\r\n")
            head = loop.time() - begun
            await received(client, b"0\r\n\r\n")
            return head, loop.time() - begun

    head, whole = asyncio.run(story())
    assert head < LATE_S <= whole


def test_a_head_alone_and_answers_in_a_row_come_whole_and_in_order():
    async def story():
        async with serving() as (_, client):
            asked = (b"HEAD /short", b"GET /short", b"GET /stream", b"GET /short")
            await asyncio.get_running_loop().sock_sendall(
                client, b"".join(each + b" HTTP/1.1\r\nHost: a\r\n\r\n" for each in asked)
            )
            return await received(client, b"short", least=2)

    said = asyncio.run(story())
    assert 4 == said.count(b"HTTP/1.1 200")
    assert [b"", b"short", b"4\r\nlate\r\n0\r\n\r\n", b"short"] == [
        each.partition(b"\r\n\r\n")[2] for each in said.split(b"HTTP/1.1 200 OK")[1:]
    ]


async def received(client, end, *, least=1):
    """All that comes until it ends so, and has this in it so many times."""
    said = b""
    async with asyncio.timeout(20):
        while not said.endswith(end) or said.count(end) < least:
            said += await asyncio.get_running_loop().sock_recv(client, 65_536)
    return said
