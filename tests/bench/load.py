"""Load from a process of its own, over raw sockets: `python -m tests.bench.load` (see `main`).

Each client is one connection that sends a request when the answer to the last one is there. One
epoll loop serves them all, and nothing is parsed but the status line and the length, so that the
load takes as little as it can of the machine that it shares with the server.
"""

import json
import re
import select
import socket
import sys
import time

PASSWORD = "a tiger in the snow"
WARM_S = 2.5  # before logins: the server has stood for a moment
LENGTH = re.compile(rb"(?i)content-length: (\d+)")
KEY_ID = re.compile(rb'"id":"([0-9a-f]{32})"')
HEAD_END = b"\r\n\r\n"
READ_BYTES = 65_536


class Client:
    """One connection; `work` yields requests and is sent the answers' bodies."""

    def __init__(self, port, cookie, work, number, more=""):
        host = f"Host: 127.0.0.1:{port}\r\nCookie: dango_session={cookie}\r\n{more}"
        self.head = f"HTTP/1.1\r\n{host}".encode()
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.work, self.times, self.bad, self.last_bad = work(number), [], 0, b""
        self.rest, self.need = b"", None

    def ask(self, request):
        method, path, body = request
        kind = b"Content-Type: application/json\r\n" if body else b""
        length = b"Content-Length: %d\r\n\r\n" % len(body)
        self.begin = time.perf_counter()
        self.socket.sendall(b"%b %b %b%b%b%b" % (method, path, self.head, kind, length, body))

    def begin_work(self):
        self.ask(next(self.work))

    def take(self, end):
        """What has come; asks again when the answer is whole and there is time."""
        body = self.take_some()
        if body is None:
            return True
        if time.perf_counter() > end:
            return False
        self.ask(self.work.send(body))
        return True

    def take_some(self):
        """What has come: the body when the answer is whole, None before."""
        self.rest += self.socket.recv(READ_BYTES)
        if self.need is None:
            at = self.rest.find(HEAD_END)
            if at < 0:
                return None
            self.need = at + len(HEAD_END) + int(LENGTH.search(self.rest)[1])
            self.body_at = at + len(HEAD_END)
        if len(self.rest) < self.need:
            return None
        self.times.append(time.perf_counter() - self.begin)
        body = self.rest[self.body_at :]
        if not self.rest.startswith(b"HTTP/1.1 20"):
            self.bad, self.last_bad = self.bad + 1, self.rest[:300]
        self.rest, self.need = b"", None
        return body


def reads(_):
    while True:
        yield b"GET", b"/api/sources", b""


def writes(_):
    """A key made, the same key revoked: two durable commands, each with vault, views, frames."""
    while True:
        made = yield b"POST", b"/api/auth/api-keys", b'{"name":"bench"}'
        found = KEY_ID.search(made)
        if found:
            yield b"DELETE", b"/api/auth/api-keys/" + found[1], b""


def logins(number):
    """Log in again and again, each client as another user."""
    body = json.dumps({"email": f"user{number}@example.org", "password": PASSWORD}).encode()
    while True:
        yield b"POST", b"/api/auth/login", body


def many(work, port, cookies, seconds):
    poll, clients = select.epoll(), {}
    if work is logins:  # a login ends the session that its browser came with
        cookies = [""] * len(cookies)
    for number, cookie in enumerate(cookies):
        client = Client(port, cookie, work, number)
        clients[client.socket.fileno()] = client
        poll.register(client.socket, select.EPOLLIN)
    if work is logins:
        time.sleep(WARM_S)
    begin = time.perf_counter()
    for client in clients.values():
        client.begin_work()
    open_ones = len(clients)
    while open_ones:
        for number, _ in poll.poll():
            if not clients[number].take(begin + seconds):
                poll.unregister(number)
                open_ones -= 1
    return told(clients.values(), time.perf_counter() - begin)


def told(clients, spent):
    times = sorted(t for client in clients for t in client.times)
    bad = [client.last_bad for client in clients if client.bad]
    return {
        "rate": len(times) / spent,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000,
        "requests": len(times),
        "bad": sum(client.bad for client in clients),
        "example": bad[0].decode(errors="replace") if bad else None,
    }


def main():
    """Arguments: reads|writes|logins PORT SECONDS CLIENTS; standard input: cookies as JSON."""
    work = {"reads": reads, "writes": writes, "logins": logins}[sys.argv[1]]
    port, seconds, count = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    cookies = json.load(sys.stdin)
    chosen = [cookies[number % len(cookies)] for number in range(count)]
    sys.stdout.write(json.dumps(many(work, port, chosen, seconds)) + "\n")


if __name__ == "__main__":
    main()
