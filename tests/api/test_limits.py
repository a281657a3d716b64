"""Requests beyond their rate are turned away, whoever sends them and however many there are."""

import contextlib
import sqlite3

import pytest

from api import limits
from api.platform import HttpSettings
from domain.permissions import Role
from tests.api.access import ADMIN, Server

LOGIN, ME, READY = "/api/auth/login", "/api/auth/me", "/api/health/ready"
PROXY = ("127.0.0.1",)
MOST = 20


def bounded(tmp_path, **settings):
    usual = {"requests_per_address_max": 10_000, "requests_max": 10_000}
    return Server(tmp_path, settings=HttpSettings(**{**usual, **settings}))


async def statuses(client, count, path=ME):
    return [(await client.get(path)).status_code for _ in range(count)]


def test_an_address_has_its_rate_and_others_keep_theirs(tmp_path):
    server = bounded(tmp_path, requests_per_address_max=MOST)

    async def story():
        client, other = server.client("203.0.113.7"), server.client("203.0.113.8")
        assert [200] * MOST + [429] * 2 == await statuses(client, MOST + 2)
        assert [200] == await statuses(other, 1)
        answer = await client.get("/login")
        assert (429, "3") == (answer.status_code, answer.headers["retry-after"])
        assert answer.headers["content-type"].startswith("text/html")
        server.clock.forward(seconds=3)
        answers = [await client.get(ME) for _ in range(2)]
        assert [200, 429] == [answer.status_code for answer in answers]
        told = answers[1].json()
        assert ("too_many_requests", 3) == (told["error_code"], told["retry_after"])
        server.clock.forward(minutes=9)
        assert [200] * MOST + [429] == await statuses(client, MOST + 1)

    server.run(story)


def test_what_asks_whether_the_server_lives_is_not_counted(tmp_path):
    server = bounded(tmp_path, requests_max=1)

    async def story():
        client = server.client("203.0.113.7")
        assert [200, 429] == await statuses(client, 2)
        for path in ("/api/health/live", "/api/health/ready"):
            assert 429 != (await client.get(path)).status_code

    server.upkeep = None
    server.run(story)


def test_this_machine_is_not_counted_by_address_but_whoever_a_trusted_proxy_names_is(tmp_path):
    server = bounded(tmp_path, requests_per_address_max=MOST, trusted_proxies=PROXY)

    async def story():
        assert {200} == set(await statuses(server.client(), 2 * MOST))
        visitor = server.client(**{"x-forwarded-for": "203.0.113.7"})
        assert [200] * MOST + [429] == await statuses(visitor, MOST + 1)
        made_up = server.client(**{"x-forwarded-for": "203.0.113.9, 203.0.113.7"})
        assert [429] == await statuses(made_up, 1)
        other = server.client(**{"x-forwarded-for": "203.0.113.8"})
        assert [200] == await statuses(other, 1)
        unclear = server.client(**{"x-forwarded-for": "nonsense"})
        assert [200] * MOST + [429] == await statuses(unclear, MOST + 1)

    server.run(story)


def test_an_account_has_its_rate_by_all_its_sessions_together(tmp_path):
    server = bounded(tmp_path, requests_per_account_max=MOST)

    async def story():
        await server.add("ada@example.org", ADMIN["password"], Role.VIEWER)
        one, other = await server.logged_in(), await server.logged_in(address="203.0.113.7")
        found = [*await statuses(one, MOST // 2), *await statuses(other, MOST)]
        assert [200] * MOST + [429] * (MOST // 2) == found
        ada = await server.logged_in("ada@example.org")
        assert [200] == await statuses(ada, 1)
        assert [200] == await statuses(server.client(), 1)

    server.run(story)


def test_all_together_have_a_rate_that_one_address_cannot_use_up(tmp_path):
    server = bounded(tmp_path, requests_max=3 * MOST, requests_per_address_max=MOST)

    async def story():
        await statuses(server.client("203.0.113.7"), 5 * MOST)
        for number in range(2):
            assert {200} == set(await statuses(server.client(f"203.0.113.{number}"), MOST))
        assert [429] == await statuses(server.client("203.0.113.3"), 1)
        assert [429] == await statuses(server.client(), 1)

    server.run(story)


def test_the_log_tells_of_it_once_a_minute_and_names_no_address(tmp_path, caplog):
    server = bounded(tmp_path, requests_per_address_max=1)

    async def story():
        for number in range(9):
            await statuses(server.client(f"203.0.113.{number}"), 3)

    server.run(story)
    told = [line for line in caplog.messages if "requests a minute" in line]
    assert ["more than 1 requests a minute of one address"] == told
    assert "203.0.113" not in caplog.text


def test_addresses_that_are_remembered_are_bounded_and_the_newest_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "BUCKETS_MAX", 3)
    server = bounded(tmp_path, requests_per_address_max=1)

    async def story():
        for number in range(9):
            await statuses(server.client(f"203.0.113.{number}"), 1)
        assert 3 == len(server.platform.limits._buckets["address"])
        assert [429] == await statuses(server.client("203.0.113.8"), 1)

    server.run(story)


@pytest.mark.parametrize("back", [1, 3600])
def test_a_clock_that_is_set_back_neither_gives_nor_takes(tmp_path, back):
    server = bounded(tmp_path, requests_per_address_max=MOST)

    async def story():
        client = server.client("203.0.113.7")
        await statuses(client, MOST)
        server.clock.forward(seconds=-back)
        assert [429] == await statuses(client, 1)
        server.clock.forward(minutes=1)
        assert [200] * MOST + [429] == await statuses(client, MOST + 1)

    server.run(story)


def test_no_password_is_checked_for_who_is_over_the_rate(tmp_path):
    server = bounded(tmp_path, requests_per_address_max=3)

    async def story():
        client = server.client("203.0.113.7")
        answers = [
            await client.post(path, json=body)
            for path, body in (
                (LOGIN, ADMIN),
                ("/api/auth/accept-invite", {"token": "A" * 43, "password": "x"}),
                ("/api/auth/reset-password", {"token": "A" * 43, "password": "x"}),
                (LOGIN, ADMIN),
                ("/api/auth/accept-invite", {"token": "A" * 43, "password": "x"}),
            )
        ]
        assert [200, 401, 401, 429, 429] == [answer.status_code for answer in answers]
        assert 1 == server.passwords.checks

    server.run(story)


def test_an_account_s_answers_are_kept_up_to_a_bound(tmp_path, monkeypatch):
    """Requests that change nothing would fill the disk with what they were answered."""
    monkeypatch.setattr(limits, "KEPT_BYTES_PER_DAY_MAX", 5 * limits.KEPT_BYTES_EACH)
    server = Server(tmp_path)

    def kept():
        with contextlib.closing(sqlite3.connect(tmp_path / "events.db")) as log:
            return log.execute("SELECT count(*) FROM vault WHERE kind = 'answer'").fetchone()[0]

    async def story():
        admin = await server.logged_in()

        async def asked(first, count):
            keys = [{"Idempotency-Key": f"key-{first + number}"} for number in range(count)]
            for headers in keys:
                answer = await admin.delete("/api/auth/sessions", headers=headers)
                assert 200 == answer.status_code
            return kept()

        assert 4 == await asked(0, 20)
        server.clock.forward(hours=12)
        assert 7 == await asked(20, 20)

    server.run(story)
