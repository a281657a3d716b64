"""The proof that nobody changed the log: its hash chain computed again, and its tags compared.

Decisions read events by their tags, through a table that the chain does not cover; so that table is
compared with the tags that the chained records themselves carry.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

from infra.log.envelope import GENESIS, link
from infra.log.places import archive
from infra.log.port import Place
from projections.audit import Noted, Verified


def verify(log: Place, noted: Noted | None = None) -> Verified:
    """Walk the chain from the first record; the first one that does not fit is named.

    A tail that was cut off whole leaves a shorter log that is consistent in itself: only a head
    that was `noted` before tells of it (docs/how-to/prove-the-log.md).
    """
    broken = threading.Event()
    with ThreadPoolExecutor(1) as beside:
        tags = beside.submit(archive(log).misplaced_tag, log, broken.is_set)
        found = _chain(log, noted)
        # A record that was changed can have tags that are no JSON: the chain names it first.
        if not found.ok:
            broken.set()
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


def _chain(log: Place, noted: Noted | None) -> Verified:
    digest, events = GENESIS, 0
    for position, kind, labels, data, stored in archive(log).links(log):
        expected = events + 1
        if position != expected:
            return _broken(events, digest, expected, f"event {expected} is missing")
        computed = link(digest, kind, labels, data)
        if computed != stored:
            return _broken(events, digest, position, "its hash does not fit its content")
        if noted is not None and position == noted.position and computed.hex() != noted.hash:
            return _broken(events, digest, position, "its hash is not the one that was noted")
        digest, events = computed, expected
    if noted is not None and events < noted.position:
        problem = f"event {events + 1} is missing; the log once went up to {noted.position}"
        return _broken(events, digest, events + 1, problem)
    return Verified(ok=True, events=events, head=events, hash=digest.hex())


def _broken(events: int, digest: bytes, position: int, problem: str) -> Verified:
    return Verified(
        ok=False, events=events, head=events, hash=digest.hex(), position=position, problem=problem
    )
