"""The proof that nobody changed the log: its hash chain, computed again."""

from pathlib import Path

from infra.log.envelope import GENESIS, chain
from infra.log.sqlite import chained
from projections.audit import Verified


def verify(path: Path) -> Verified:
    """Walk the chain from the first record; the first one that does not fit is named.

    A tail that was cut off whole leaves a shorter log that is consistent in itself: compare `head`
    and `hash` with ones that were noted down before (docs/how-to/prove-the-log.md).
    """
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


def _broken(events: int, digest: bytes, position: int, problem: str) -> Verified:
    return Verified(
        ok=False, events=events, head=events, hash=digest.hex(), position=position, problem=problem
    )
