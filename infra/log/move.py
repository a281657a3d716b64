"""Moving a log to another database: the same events with the same hashes, and what lies beside."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from infra.log.places import archive, aside, chained, open_log
from infra.log.port import Beside, Log, Place
from infra.log.verify import verify

PAGE_EVENTS: Final = 5_000

Told = Callable[[int, int], None]  # how many events are there, and how many there will be


class NotMoved(Exception):
    """The source is damaged, or there is another log at the target. Both logs are as they were."""


class Moved(msgspec.Struct, frozen=True):
    """What stands at the target now; `events` is how many of it came with this call.

    `aside` says in words where the old log is put away, if it was by this call.
    """

    events: int
    head: int
    hash: str
    aside: str | None = None


def move(source: Place, target: Place, *, prove: Callable[[Log], None], told: Told) -> Moved:
    """Copy a log, prove the copy, and give the old one another name; nothing is deleted.

    `prove` is given the old log before anything is done, and raises when its secrets do not open.
    What was begun is finished by doing it again, and what was done is proved again. Raises
    NotMoved, and LogInUse when a server holds either of them.
    """
    with reached(source), reached(target):
        if not archive(source).exists(source):
            return _moved_before(source, target)
        # Held, so that nobody writes to it meanwhile; closing it folds a file's WAL into the file.
        with contextlib.closing(open_log(source)) as log:
            prove(log)
            if not log.last:
                raise NotMoved(f"{_shown(source)} holds no events")
            found = copy(source, target, told)
        return msgspec.structs.replace(found, aside=_put_away(source, found.head))


def copy(source: Place, target: Place, told: Told = lambda *_: None) -> Moved:
    """Copy a log that nobody writes to; a target that holds its beginning gets the rest.

    All or nothing, in one transaction: half a log would pass for a whole one. The source stays as
    it is. Raises NotMoved, and LogInUse when a server holds the target.
    """
    proof = verify(source)
    if not proof.ok:
        raise NotMoved(f"{_shown(source)} is damaged at {proof.position}: {proof.problem}")
    log = open_log(target)
    try:
        before = log.last
        _refuse_another(log, source)
        fill(log, source, proof.head, archive(source).beside(source), told)
    finally:
        log.close()
    found = verify(target)
    if (found.ok, found.head, found.hash) != (True, proof.head, proof.hash):
        raise NotMoved(f"the copy is not what was read: {found.problem or found.hash}")
    if _sorted(archive(target).beside(target)) != _sorted(archive(source).beside(source)):
        raise NotMoved("the copy of the vault, of the keys or of the policies is not what was read")
    return Moved(events=found.head - before, head=found.head, hash=found.hash)


def _refuse_another(log: Log, source: Place) -> None:
    """What is there must be the beginning of what comes: the chain says so with one hash."""
    if not log.last:
        return
    rows = chained(source, log.last - 1)
    found = next(rows, None)
    if found is None or found[2] != log.digest:
        raise NotMoved(f"{_shown(log.place)} holds another log, or a longer one")


def fill(log: Log, source: Place, upto: int, beside: Beside, told: Told = lambda *_: None) -> None:
    """Bring a log up to a position of the source, and these rows beside it, in one transaction.

    Raises NotMoved.
    """
    rows = chained(source, log.last)
    rows = itertools.takewhile(lambda row: row[0] <= upto, rows)
    log.begin()
    try:
        while page := list(itertools.islice(rows, PAGE_EVENTS)):
            log.insert([record for _, record, _ in page])
            if log.digest != page[-1][2]:
                raise NotMoved(f"the log at the source has changed before {page[-1][0]}")
            told(log.last, upto)
        log.replace_beside(beside)
        log.commit()
    except BaseException:
        log.rollback()
        raise


def _moved_before(source: Place, target: Place) -> Moved:
    """A second time there is nothing to do, if what is there proves itself."""
    proof = verify(target) if archive(target).exists(target) else None
    if proof is None or not proof.head:
        raise NotMoved(f"there is no log to move: {_shown(source)} is missing")
    if not proof.ok:
        raise NotMoved(f"{_shown(target)} is damaged at {proof.position}: {proof.problem}")
    return Moved(events=0, head=proof.head, hash=proof.hash)


def _put_away(source: Place, head: int) -> str:
    logs = archive(source)
    names = (aside(source, head, number) for number in itertools.count(1))
    name = next(name for name in names if not logs.exists(name))
    logs.rename(source, name)
    return _shown(name)


@contextlib.contextmanager
def reached(place: Place) -> Iterator[None]:
    """Tell what the database complains of by the name of the place. Raises NotMoved."""
    try:
        yield
    except archive(place).ERRORS as error:
        reason = " ".join(str(error).split())
        raise NotMoved(f"{_shown(place)} cannot be used ({reason})") from None


def _shown(place: Place) -> str:
    return archive(place).shown(place)


def _sorted(rows: Beside) -> tuple[list[object], ...]:
    """Databases give rows back in orders of their own."""
    return tuple(sorted(part, key=repr) for part in rows)
