"""Readers of the list and of a count, from a process of their own: see `main`.

Each is one connection over a raw socket, as in load.py: it asks for the list of sources, counts the
rows of a table, pauses, and begins again. An answer that is an error, or that counts what no sync
has published as a whole, is bad. It ends when its standard input does.

    python -m tests.bench.readers PORT TABLE ROWS < cookies
"""

import json
import select
import sys
import time

from tests.bench.load import Client

PAUSE_S = 0.02
LIST, COUNT = "list", "count"


class Reader(Client):
    """Keeps the times of its two questions apart, and looks at what was counted."""

    def __init__(self, port, cookie, table, rows):
        super().__init__(port, cookie, self._questions, 0)
        self._sql = json.dumps({"sql": f"SELECT count(*) FROM {table}"}).encode()
        self._rows = rows
        self.took = {LIST: [], COUNT: []}
        self.due = 0.0

    def _questions(self, _):
        while True:
            yield b"GET", b"/api/sources", b""
            self._kept(LIST)
            body = yield b"POST", b"/api/query", self._sql
            self._kept(COUNT)
            if not self.bad and json.loads(body)["rows"] != [[self._rows]]:
                self.bad, self.last_bad = self.bad + 1, body[:300]
            # The pause: nothing is asked until `due`.
            self.due = time.perf_counter() + PAUSE_S
            yield None

    def _kept(self, what):
        self.took[what].append(self.times[-1])

    def go_on(self, body=None):
        """Send the next question, or begin the pause; whether one was sent."""
        question = self.work.send(body)
        if question is not None:
            self.ask(question)
        return question is not None


def read(port, cookies, table, rows):
    readers, poll = {}, select.epoll()
    poll.register(sys.stdin, select.EPOLLIN | select.EPOLLHUP)
    for cookie in cookies:
        reader = Reader(port, cookie, table, rows)
        readers[reader.socket.fileno()] = reader
        poll.register(reader.socket, select.EPOLLIN)
        reader.go_on()
    pausing = []
    while True:
        for number, _ in poll.poll(PAUSE_S / 10):
            if number == sys.stdin.fileno():
                return told(list(readers.values()))
            reader = readers[number]
            body = reader.take_some()
            if body is not None and not reader.go_on(body):
                pausing.append(reader)
        now = time.perf_counter()
        for reader in [each for each in pausing if each.due <= now]:
            pausing.remove(reader)
            reader.go_on()


def told(readers):
    bad = [reader.last_bad for reader in readers if reader.bad]
    found = {"bad": sum(reader.bad for reader in readers), "rounds": 0}
    found["example"] = bad[0].decode(errors="replace") if bad else None
    for what in (LIST, COUNT):
        times = sorted(t for reader in readers for t in reader.took[what])
        found["rounds"] = len(times)
        found[what] = {
            "p50_ms": times[len(times) // 2] * 1000,
            "p99_ms": times[int(len(times) * 0.99)] * 1000,
        }
    return found


def main():
    port, table, rows = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    cookies = json.loads(sys.stdin.readline())
    sys.stdout.write(json.dumps(read(port, cookies, table, rows)) + "\n")


if __name__ == "__main__":
    main()
