"""Moving a log to another database: the same events with the same hashes, and what lies beside."""

import itertools
from typing import Final

import msgspec

from infra.log.places import archive, open_log
from infra.log.port import Log, Place
from infra.log.verify import verify

PAGE_EVENTS: Final = 5_000


class NotMoved(Exception):
    """The source is damaged, or there is another log at the target. Nothing was changed."""


class Moved(msgspec.Struct, frozen=True):
    """What stands at the target now; `events` is how many of it came with this call."""

    events: int
    head: int
    hash: str


def copy(source: Place, target: Place) -> Moved:
    """Copy a log that nobody writes to; a target that holds its beginning gets the rest.

    All or nothing, in one transaction: half a log would pass for a whole one. The source stays as
    it is. Raises NotMoved, and LogInUse when a server holds the target.
    """
    proof = verify(source)
    if not proof.ok:
        raise NotMoved(f"the log at the source is damaged at {proof.position}: {proof.problem}")
    log = open_log(target)
    try:
        before = log.last
        _refuse_another(log, source)
        _fill(log, source, proof.head)
    finally:
        log.close()
    found = verify(target)
    if (found.ok, found.head, found.hash) != (True, proof.head, proof.hash):
        raise NotMoved(f"the copy is not what was read: {found.problem or found.hash}")
    return Moved(events=found.head - before, head=found.head, hash=found.hash)


def _refuse_another(log: Log, source: Place) -> None:
    """What is there must be the beginning of what comes: the chain says so with one hash."""
    if not log.last:
        return
    rows = archive(source).chained(source, log.last - 1)
    found = next(rows, None)
    if found is None or found[2] != log.digest:
        raise NotMoved("there is another log at the target, or a longer one")


def _fill(log: Log, source: Place, upto: int) -> None:
    rows = archive(source).chained(source, log.last)
    rows = itertools.takewhile(lambda row: row[0] <= upto, rows)
    log.begin()
    try:
        while page := list(itertools.islice(rows, PAGE_EVENTS)):
            log.insert([record for _, record, _ in page])
            if log.digest != page[-1][2]:
                raise NotMoved(f"the log at the source has changed before {page[-1][0]}")
        log.replace_beside(archive(source).beside(source))
        log.commit()
    except BaseException:
        log.rollback()
        raise
