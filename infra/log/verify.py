"""The proof that nobody changed the log: its hash chain computed again, and its tags compared.

Decisions read events by their tags, through a table that the chain does not cover; so that table is
compared with the tags that the chained records themselves carry.
"""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from infra.log.envelope import GENESIS, chain
from infra.log.sqlite import chained, open_database
from projections.audit import Verified

# The first record one of whose tags is not in the table, and the first row of no record. SQLite
# walks them without the interpreter, beside the chain.
_UNTAGGED: Final = """
SELECT min(e.position) FROM events e, json_each(e.tags) named
WHERE NOT EXISTS (
  SELECT 1 FROM event_tags t WHERE t.tag = named.value AND t.position = e.position)
"""
_COUNTS: Final = """
SELECT (SELECT count(*) FROM event_tags),
       (SELECT sum(json_array_length(tags)) FROM events)
"""
_STRAY: Final = """
SELECT min(t.position) FROM event_tags t WHERE NOT EXISTS (
  SELECT 1 FROM events e, json_each(e.tags) named
  WHERE e.position = t.position AND named.value = t.tag)
"""


def verify(path: Path) -> Verified:
    """Walk the chain from the first record; the first one that does not fit is named.

    A tail that was cut off whole leaves a shorter log that is consistent in itself: compare `head`
    and `hash` with ones that were noted down before (docs/how-to/prove-the-log.md).
    """
    with ThreadPoolExecutor(1) as beside:
        tags = beside.submit(_first_bad_tag, path)
        found = _chain(path)
        # A record that was changed can have tags that are no JSON: the chain names it first.
        if not found.ok:
            tags.exception()
            return found
        bad = tags.result()
    if bad is None:
        return found
    return Verified(
        ok=False,
        events=found.events,
        head=found.head,
        hash=found.hash,
        position=bad,
        problem="the tags by which it is found are not those that it carries",
    )


def _chain(path: Path) -> Verified:
    digest, events = GENESIS, 0
    for position, record, stored in chained(path):
        expected = events + 1
        if position != expected:
            return _broken(events, digest, expected, f"event {expected} is missing")
        computed = chain(digest, record)
        if computed != stored:
            return _broken(events, digest, position, "its hash does not fit its content")
        digest, events = computed, expected
    return Verified(ok=True, events=events, head=events, hash=digest.hex())


def _first_bad_tag(path: Path) -> int | None:
    with contextlib.closing(open_database(path, readonly=True)) as database:
        missing = database.execute(_UNTAGGED).fetchone()[0]
        if missing is not None:
            return int(missing)
        rows, named = database.execute(_COUNTS).fetchone()
        if rows == (named or 0):
            return None
        stray = database.execute(_STRAY).fetchone()[0]
        return None if stray is None else int(stray)


def _broken(events: int, digest: bytes, position: int, problem: str) -> Verified:
    return Verified(
        ok=False, events=events, head=events, hash=digest.hex(), position=position, problem=problem
    )
