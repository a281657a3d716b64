"""The log and the views alone: appending, rebuilding, looking back, proving."""

import contextlib
import hashlib
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from infra.log.envelope import seal
from infra.log.sqlite import SQLiteLog
from infra.log.verify import verify
from infra.rebuild import fold
from infra.views.views import Past
from infra.workers.pool import Pool
from projections import sources
from projections.table import PROJECTIONS
from tests.bench import history
from tests.bench.figures import Figure

SINGLE, BATCHES, BATCH = 600, 120, 100
ROUNDS = 5


def every(folder, count):
    yield from append(folder)
    yield from long(folder, count)


class Plain:
    """What anybody would write: equal rows, indexes and hash, with the same durability."""

    def __init__(self, path):
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
            "CREATE TABLE events (position INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL,"
            " tags BLOB NOT NULL, data BLOB NOT NULL, hash BLOB NOT NULL) STRICT;"
            "CREATE INDEX events_type ON events (type, position);"
            "CREATE TABLE event_tags (tag TEXT NOT NULL, type TEXT NOT NULL,"
            " position INTEGER NOT NULL,"
            " PRIMARY KEY (tag, type, position)) STRICT, WITHOUT ROWID;"
        )
        self.position, self.hash = 0, bytes(32)

    def append(self, rows):
        self.database.execute("BEGIN IMMEDIATE")
        for kind, labels, tags, data in rows:
            self.position += 1
            self.hash = hashlib.sha256(self.hash + kind.encode() + tags + data).digest()
            self.database.execute(
                "INSERT INTO events VALUES (?,?,?,?,?)",
                (self.position, kind, tags, data, self.hash),
            )
            self.database.executemany(
                "INSERT INTO event_tags VALUES (?,?,?)",
                [(tag, kind, self.position) for tag in labels],
            )
        self.database.execute("COMMIT")


def append(folder):
    """Ours against plain, in turns, so that the disk's moods fall on both."""
    events = list(history.events(SINGLE + BATCHES * BATCH))
    records = [seal(event) for event in events]
    rows = [(r.type, json.loads(r.tags), r.tags, r.data) for r in records]
    for title, size, times in (("single", 1, SINGLE), (f"batches of {BATCH}", BATCH, BATCHES)):
        ratios, rates = [], []
        for number in range(ROUNDS):
            ours = SQLiteLog(folder / f"ours-{size}-{number}.db")
            plain = Plain(folder / f"plain-{size}-{number}.db")
            spent = {"ours": 0.0, "plain": 0.0}
            for at in range(0, size * times // ROUNDS, size):
                begin = time.perf_counter()
                ours.begin()
                ours.insert(records[at : at + size])
                ours.commit()
                middle = time.perf_counter()
                plain.append(rows[at : at + size])
                spent["ours"] += middle - begin
                spent["plain"] += time.perf_counter() - middle
            ours.close()
            plain.database.close()
            ratios.append(spent["plain"] / spent["ours"])
            rates.append(size * times / ROUNDS / spent["ours"])
        yield Figure(
            name=f"append, durable, {title}: ours against plain sqlite3",
            value=statistics.median(ratios),
            unit="ratio",
            limit=0.9,
            note=f"{statistics.median(rates):,.0f} events/s",
        )


def write(path, count):
    """A log of so many events, not durable on the way."""
    log = SQLiteLog(path)
    log.connection.execute("PRAGMA synchronous=OFF")
    batch = []
    for recorded in history.events(count):
        batch.append(seal(recorded))
        if len(batch) == 20_000:
            log.begin()
            log.insert(batch)
            log.commit()
            batch.clear()
    if batch:
        log.begin()
        log.insert(batch)
        log.commit()
    head = log.head()
    log.close()
    return head


REBUILD = """
import asyncio, resource, sys, time
from pathlib import Path
from tests.bench.log import rebuild

log, views, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
asyncio.run(rebuild(log, views, count // 4))
first = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
begin = time.perf_counter()
asyncio.run(rebuild(log, views, count))
seconds = time.perf_counter() - begin
print(seconds, first, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


async def rebuild(log, views, upto):
    """As the server does it: by its workers, whose start is part of the time."""
    pool = Pool({"log": msgspec.Raw(b"null")})
    try:
        await fold(pool, str(log), upto, views)
    finally:
        await pool.close()


def long(folder, count):
    path, views = folder / "long.db", folder / "long-views.db"
    head = write(path, count)
    done = subprocess.run(
        [sys.executable, "-c", REBUILD, str(path), str(views), str(head)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    seconds, first, last = map(float, done.stdout.split())
    yield Figure(
        name=f"rebuild of {head:,} events, history included",
        value=head / seconds,
        unit="events/s",
        limit=80_000,
    )
    yield Figure(
        name="memory of the rebuild, whole against a quarter of the log",
        value=last / first,
        unit="ratio",
        limit=1.25,
        least=False,
        note=f"{last / 1024:,.0f} MB",
    )
    yield Figure(name="size of log and views", value=_size(path, views), unit="MB")
    yield looking_back(views, head)
    begin = time.perf_counter()
    found = verify(path)
    seconds = time.perf_counter() - begin
    if not found.ok or found.events != head:
        raise RuntimeError(f"the log does not verify: {found}")
    yield Figure(name="verify", value=head / seconds, unit="events/s", limit=300_000)


def looking_back(views, head):
    tables = [table for projection in PROJECTIONS for table in projection.tables]
    slowest = 0.0
    with contextlib.closing(Past(views, lambda: history.BEGIN, tables)) as past:
        for step in range(1, 21):
            past.at(head * step // 20, history.BEGIN)
            begin = time.perf_counter()
            found = sources.every(past)
            slowest = max(slowest, time.perf_counter() - begin)
            if len(found) != history.SOURCES:
                raise RuntimeError("a source is missing in the past")
    return Figure(
        name="as_of anywhere in the log, whole view of sources, slowest of 20",
        value=slowest * 1000,
        unit="ms",
        limit=50,
        least=False,
    )


def _size(*paths):
    return sum(path.stat().st_size for path in paths) / 1e6
