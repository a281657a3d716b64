"""Ways to change a log from outside, each with the position at which it has to be found.

What this stands for is a person with the file and SQLite. Each way changes a copy and answers the
first position that is not as it was written, or the vault's entry that is not.
"""

import contextlib
import shutil
import sqlite3

from infra.log.envelope import Record, chain

COLUMNS = ("type", "tags", "data", "hash")
BLOCK = 50  # events that are put in another order at most
TAIL = 500  # events that are cut off at most


class Tampered:
    """A copy of a log, open for changes, and what of it may be changed."""

    def __init__(self, path, copy, random):
        shutil.copyfile(path, copy)
        self.random, self.database = random, sqlite3.connect(copy, isolation_level=None)
        self.execute("PRAGMA synchronous=OFF")
        self.execute("PRAGMA journal_mode=MEMORY")
        self.events = self.execute("SELECT max(position) FROM events").fetchone()[0]

    def execute(self, sql, *values):
        return self.database.execute(sql, values)

    def any(self):
        return self.random.randint(1, self.events)

    def row(self, position):
        columns = "CAST(type AS BLOB), tags, data, hash"
        return self.execute(f"SELECT {columns} FROM events WHERE position = ?", position).fetchone()

    def put(self, position, values):
        sql = "UPDATE events SET type = CAST(? AS TEXT), tags = ?, data = ?, hash = ?"
        self.execute(f"{sql} WHERE position = ?", *values, position)

    def cut(self, first):
        self.execute("DELETE FROM events WHERE position >= ?", first)
        self.execute("DELETE FROM event_tags WHERE position >= ?", first)

    def tag(self, position):
        tags = "SELECT tag FROM event_tags WHERE position = ? ORDER BY random()"
        return self.execute(tags, position).fetchone()[0]


@contextlib.contextmanager
def tampered(path, copy, way, random):
    """The copy, changed in this way; yields where."""
    made = Tampered(path, copy, random)
    with contextlib.closing(made.database):
        made.execute("BEGIN")
        where = way(made)
        made.execute("COMMIT")
    yield where


def flipped(column):
    def way(log):
        position = log.any()
        values = list(log.row(position))
        changed = bytearray(values[column])
        changed[log.random.randrange(len(changed))] ^= 1 << log.random.randrange(8)
        values[column] = bytes(changed)
        log.put(position, values)
        return position

    way.__name__ = f"a bit of {COLUMNS[column]} flipped"
    return way


def deleted(log):
    position = log.any()
    log.execute("DELETE FROM events WHERE position = ?", position)
    return position


def exchanged(log):
    first, second = sorted(log.random.sample(range(1, log.events + 1), 2))
    one, other = log.row(first), log.row(second)
    log.put(first, other)
    log.put(second, one)
    return first


def exchanged_below_their_hashes(log):
    first, second = sorted(log.random.sample(range(1, log.events + 1), 2))
    one, other = log.row(first), log.row(second)
    log.put(first, (*other[:3], one[3]))
    log.put(second, (*one[:3], other[3]))
    return first


def put_in_another_order(log):
    first = log.random.randint(1, log.events - BLOCK)
    positions = range(first, first + log.random.randint(2, BLOCK))
    rows = [log.row(position) for position in positions]
    for position, values in zip(positions, reversed(rows), strict=True):
        log.put(position, values)
    return first


def tag_taken_away(log):
    position = log.any()
    tag = log.tag(position)
    log.execute("DELETE FROM event_tags WHERE position = ? AND tag = ?", position, tag)
    return position


def tag_renamed(log):
    position = log.any()
    sql = "UPDATE event_tags SET tag = tag || 'x' WHERE position = ? AND tag = ?"
    log.execute(sql, position, log.tag(position))
    return position


def tag_added(log):
    position, other = log.random.sample(range(1, log.events + 1), 2)
    sql = "INSERT INTO event_tags SELECT ?, type, position FROM events WHERE position = ?"
    log.execute(sql, log.tag(other), position)
    return position


def event_linked_to_another_value(log):
    """The event names another row of the vault, and the tags follow suit."""
    position, other = log.random.sample(range(1, log.events + 1), 2)
    ours, theirs = (log.tag(each).partition(":")[2].encode() for each in (position, other))
    kind, tags, data, digest = log.row(position)
    log.put(position, (kind, tags.replace(ours, theirs), data.replace(ours, theirs), digest))
    sql = "UPDATE event_tags SET tag = ? WHERE position = ?"
    log.execute(sql, log.tag(other), position)
    return position


def tail_cut_off(log):
    first = log.events + 1 - log.random.randint(1, TAIL)
    log.cut(first)
    return first


def tail_rewritten(log):
    """The end told anew, with a chain that fits: only the head that was noted says so, there."""
    first = log.events + 1 - log.random.randint(2, TAIL)
    digest = log.row(first - 1)[3]
    rows = [log.row(position) for position in range(first, log.events + 1)]
    for position, (kind, tags, data, _) in zip(
        range(first, log.events + 1), [*rows[1:], rows[0]], strict=True
    ):
        digest = chain(digest, Record(kind.decode(), tags, data))
        log.put(position, (kind, tags, data, digest))
        log.execute("DELETE FROM event_tags WHERE position = ?", position)
        sql = "INSERT INTO event_tags SELECT value, ?, ? FROM json_each(?)"
        log.execute(sql, kind.decode(), position, tags)
    return log.events


def value_linked_to_another_record(log):
    """Two rows of the vault change places."""
    ids = [row[0] for row in log.execute("SELECT id FROM vault ORDER BY id")]
    one, other = sorted(log.random.sample(ids, 2))
    for new, old in (("", one), (one, other), (other, "")):
        log.execute("UPDATE vault SET id = ? WHERE id = ?", new, old)
    return one


def value_flipped(log):
    ids = [row[0] for row in log.execute("SELECT id FROM vault ORDER BY id")]
    id = log.random.choice(ids)
    sealed = bytearray(log.execute("SELECT sealed FROM vault WHERE id = ?", id).fetchone()[0])
    sealed[log.random.randrange(len(sealed))] ^= 1 << log.random.randrange(8)
    log.execute("UPDATE vault SET sealed = ? WHERE id = ?", bytes(sealed), id)
    return id


WAYS = (
    *map(flipped, range(len(COLUMNS))),
    deleted,
    exchanged,
    exchanged_below_their_hashes,
    put_in_another_order,
    tag_taken_away,
    tag_renamed,
    tag_added,
    event_linked_to_another_value,
    tail_cut_off,
    tail_rewritten,
    value_linked_to_another_record,
    value_flipped,
)
