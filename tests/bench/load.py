"""Load from processes of their own, over raw sockets: `python -m tests.bench.load` (see `main`).

Each client is one connection that sends a request when the answer to the last one is there. Nothing
is parsed but the status line and the length, so that the load is not the bottleneck.
"""

import asyncio
import json
import re
import sys
import time

LENGTH = re.compile(rb"(?i)content-length: (\d+)")
KEY_ID = re.compile(rb'"id":"([0-9a-f]{32})"')


class Client:
    def __init__(self, port, cookie):
        self.port, self.cookie, self.times, self.bad = port, cookie, [], 0

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, method, path, body=b""):
        kind = "Content-Type: application/json\r\n" if body else ""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Cookie: dango_session={self.cookie}\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
        )
        begin = time.perf_counter()
        self.writer.write(head.encode() + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        text = await self.reader.readexactly(int(LENGTH.search(answer)[1]))
        self.times.append(time.perf_counter() - begin)
        if not answer.startswith(b"HTTP/1.1 20"):
            self.bad += 1
            self.last_bad = answer[:100] + text[:200]
        return text


async def reads(client, end):
    await client.open()
    while time.perf_counter() < end:
        await client.ask("GET", "/api/sources")


async def writes(client, end):
    """A key made, the same key revoked: two durable commands, each with vault, views, frames."""
    await client.open()
    while time.perf_counter() < end:
        made = await client.ask("POST", "/api/auth/api-keys", b'{"name":"bench"}')
        found = KEY_ID.search(made)
        if found:
            await client.ask("DELETE", f"/api/auth/api-keys/{found[1].decode()}")


async def many(work, port, cookies, seconds):
    clients = [Client(port, cookie) for cookie in cookies]
    begin = time.perf_counter()
    await asyncio.gather(*(work(client, begin + seconds) for client in clients))
    spent = time.perf_counter() - begin
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
    """Arguments: reads|writes PORT SECONDS CLIENTS, and the cookies as JSON on standard input."""
    work = {"reads": reads, "writes": writes}[sys.argv[1]]
    port, seconds, count = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    cookies = json.load(sys.stdin)
    chosen = [cookies[number % len(cookies)] for number in range(count)]
    sys.stdout.write(json.dumps(asyncio.run(many(work, port, chosen, seconds))) + "\n")


if __name__ == "__main__":
    main()
