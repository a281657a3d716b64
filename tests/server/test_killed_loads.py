"""kill -9 of the server and of its load workers, at any moment of a sync.

Every round writes a new generation of a source's only file. Whatever is killed, the table holds one
generation as a whole, never an older one than it held before, and every run comes to an end.
"""

import contextlib
import os
import signal
import time
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.server.forks import Forks
from tests.server.harness import children, copied, tell, until
from tests.server.killing import all_events
from tests.server.template import write_rows

KILLS, KILLS_SOAK = 5, 50
SEED = int(os.environ.get("DANGO_TEST_SEED", "20261121"))
ROWS, APART = 100_000, 1_000_000
MOMENT_S = (0.0, 0.5)  # after the request; on a machine that is free, a sync takes most of it
END_S = 120.0
SOAK_S = 1_200
SQL = "select count(*), min(order_id), max(order_id), count(distinct _dango_run) from {0}"
TABLE = "raw_orders.orders"
ENDINGS = ("sync_completed", "sync_failed", "sync_cancelled", "sync_interrupted")


class Account(msgspec.Struct):
    """What became of the rounds."""

    kills: dict[str, int] = {}
    endings: dict[str, int] = {}  # of all runs, those that were tried again among them
    halves: list[object] = []
    lost: list[tuple[int, int]] = []
    open_runs: list[int] = []


@pytest.fixture
def loading(template, tmp_path):
    with (
        contextlib.closing(Forks(None)) as forks,
        copied(template, tmp_path / "loading", forks=forks) as server,
    ):
        yield server


def test_five_kills_leave_whole_tables_and_no_open_run(loading):
    leave_whole_tables(loading, KILLS)


@pytest.mark.soak
@pytest.mark.timeout(SOAK_S)
def test_fifty_kills_leave_whole_tables_and_no_open_run(loading):
    leave_whole_tables(loading, KILLS_SOAK)


def leave_whole_tables(server, kills):
    account = battered(server, kills)
    tell(f"{kills} kills, seed {SEED}: {account.kills}, runs ended {account.endings}")
    assert [] == account.halves
    assert [] == account.lost
    assert [] == account.open_runs


def battered(server, kills):
    random, account = Random(SEED), Account()  # noqa: S311 - the same moments for the same seed
    server.start()
    admin = server.client(session="admin")
    path = server.root / "data/uploads/orders/orders.csv"
    server.sync(admin, "orders")
    published = 0
    for generation in range(1, kills + 1):
        # A file that changes while it is read is another story: that run is tried again later.
        until(lambda: [] == open_runs(admin), END_S)
        write_rows(path, ROWS, first=generation * APART)
        begin(admin)
        time.sleep(random.uniform(*MOMENT_S))
        what = (kill_server, kill_workers)[generation % 2]
        account.kills[what.__name__] = account.kills.get(what.__name__, 0) + 1
        what(server)
        published = look(server, admin, published, account)
    begin(admin)  # all runs have ended, or this would be refused
    until(lambda: [] == open_runs(admin), END_S)
    assert kills == look(server, admin, published, account)
    for event in all_events(admin):
        if event["type"] in ENDINGS:
            account.endings[event["type"]] = account.endings.get(event["type"], 0) + 1
    account.open_runs = open_runs(admin)
    return account


def begin(client):
    """Ask for a sync as soon as the one of before, or the next try of it, has ended."""

    def asked():
        answer = client.post("/api/sources/orders/sync", json={})
        assert answer.status_code in (200, 409), answer.text
        return answer.status_code == 200

    until(asked, END_S)


def kill_server(server):
    server.kill()
    server.start()


def kill_workers(server):
    for child in children(server.pid):
        with contextlib.suppress(OSError):
            told = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            if b"infra.workers.child" in told and b"load" in told:
                os.kill(child, signal.SIGKILL)


def look(server, client, published, account):
    """The generation that can be queried; an older one, or none as a whole, is noted."""
    ((count, first, last, runs),) = server.rows(client, SQL.format(TABLE))
    now, rest = divmod(first, APART)
    whole = (count, rest, last, runs) == (ROWS, 0, first + ROWS - 1, 1)
    if not whole and now > 0:
        account.halves.append((count, first, last, runs))
    if now < published:
        account.lost.append((published, now))
    return max(now, published)


def open_runs(client):
    """The jobs that were asked for and have not ended."""
    events = all_events(client)
    ended = {event["data"]["job"] for event in events if event["type"] in ENDINGS}
    return [
        event["position"]
        for event in events
        if event["type"] == "sync_requested" and event["position"] not in ended
    ]
