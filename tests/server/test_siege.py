"""While somebody guesses at an account from many addresses, everybody else is served as before."""

import itertools
import threading
import time

import httpx
import pytest

from tests.server.harness import tell
from tests.server.template import EMAIL, PASSWORD

ADDRESSES = 200
BESIEGERS = 8
REQUESTS = 100  # of the owner, meanwhile
P99_S = 0.5
PATHS = ("/api/sources", "/api/auth/me", "/api/events?limit=10", "/")


class Siege:
    """Threads that guess, each from one address after the other, until they are told to stop."""

    def __init__(self, server, addresses):
        self.server, self.addresses = server, itertools.cycle(addresses)
        self.statuses, self._over = [], threading.Event()
        self._threads = [threading.Thread(target=self._guess) for _ in range(BESIEGERS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _guess(self):
        with httpx.Client(base_url=self.server.url, timeout=60) as client:
            while not self._over.is_set():
                body = {"email": EMAIL, "password": f"guess {len(self.statuses)}"}
                headers = {"x-forwarded-for": next(self.addresses)}
                answer = client.post("/api/auth/login", json=body, headers=headers)
                self.statuses.append(answer.status_code)


@pytest.mark.alone  # it measures how long others wait
@pytest.mark.parametrize("guesses", [500, pytest.param(10_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("addresses", [1, ADDRESSES])
def test_a_siege_neither_gets_in_nor_keeps_anybody_out(own, addresses, guesses):
    settings = own.root / ".dango/project.yml"
    trusting = "platform:\n  trusted_proxies: [127.0.0.1]\n"
    settings.write_text(settings.read_text().replace("platform:\n", trusting))
    own.start()
    owner = own.client()
    login = {"email": EMAIL, "password": PASSWORD}
    assert 200 == owner.post("/api/auth/login", json=login).status_code
    times, failed, begun = [], 0, time.monotonic()
    with Siege(own, [f"10.{n}.0.1" for n in range(addresses)]) as siege:
        while len(times) < REQUESTS or len(siege.statuses) < guesses:
            asked = time.perf_counter()
            answer = owner.get(PATHS[len(times) % len(PATHS)])
            times.append(time.perf_counter() - asked)
            failed += answer.status_code != 200
            time.sleep(0.01)
        assert 200 == owner.post("/api/auth/login", json=login).status_code  # a known device
    spent = time.monotonic() - begun
    p99 = sorted(times)[int(len(times) * 0.99)]
    failures = owner.get("/api/events", params={"type": "login_failed", "limit": 1000}).json()
    heard = len(failures["events"])
    tell(f"{len(siege.statuses)} guesses of {addresses} addresses in {spent:.1f} s, {heard} heard;")
    worst = f"p99 {p99 * 1000:.0f} ms, most {max(times):.2f} s"
    tell(f"{failed} of {len(times)} other requests failed, {worst}")
    assert (0, True) == (failed, p99 < P99_S)
    assert 0 < heard <= 100
    assert {401, 429} == set(siege.statuses)
