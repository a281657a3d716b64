"""The proof that nobody changed the log: its hash chain computed again, and its tags compared.

Decisions read events by their tags, through a table that the chain does not cover; so that table is
compared with the tags that the chained records themselves carry.
"""

from concurrent.futures import ThreadPoolExecutor

from infra.log.envelope import GENESIS, chain
from infra.log.places import archive
from infra.log.port import Place
from projections.audit import Verified


def verify(log: Place) -> Verified:
    """Walk the chain from the first record; the first one that does not fit is named.

    A tail that was cut off whole leaves a shorter log that is consistent in itself: compare `head`
    and `hash` with ones that were noted down before (docs/how-to/prove-the-log.md).
    """
    with ThreadPoolExecutor(1) as beside:
        tags = beside.submit(archive(log).misplaced_tag, log)
        found = _chain(log)
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


def _chain(log: Place) -> Verified:
    digest, events = GENESIS, 0
    for position, record, stored in archive(log).chained(log):
        expected = events + 1
        if position != expected:
            return _broken(events, digest, expected, f"event {expected} is missing")
        computed = chain(digest, record)
        if computed != stored:
            return _broken(events, digest, position, "its hash does not fit its content")
        digest, events = computed, expected
    return Verified(ok=True, events=events, head=events, hash=digest.hex())


def _broken(events: int, digest: bytes, position: int, problem: str) -> Verified:
    return Verified(
        ok=False, events=events, head=events, hash=digest.hex(), position=position, problem=problem
    )
