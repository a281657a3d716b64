"""What decisions are made on: the folded state of a boundary, kept and carried on.

The log is read for what is older than the newest events in memory, and once for each boundary; for
a group of commands with one query, as far as their boundaries are plain. A boundary that is new
begins with what is folded already, where it has a clause in common with many others.
"""

import itertools
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

from domain.kernel import Boundary, Clause, Decider, Recorded, tags
from infra.log.envelope import Codec
from infra.log.port import Log
from infra.recent import Recent

FOLDS_CACHED: Final = 4_096
FOLDED_BYTES_MAX: Final = 67_108_864  # in all of them together
SHARED_EVENTS_MIN: Final = 256  # so many at once, and their clause is folded for other boundaries
_EVENT_BYTES: Final = 512  # what an event adds to a state, until that is measured again
_MEASURED: Final = 2  # times as large as it was, and a state is measured again

_Evolve = Callable[[Any, Recorded], Any]
_Key = tuple[_Evolve, Boundary]


class _Fold(msgspec.Struct, frozen=True):
    """A state, of how many events, and how many bytes it holds: as measured, and by now."""

    state: Any
    position: int = 0
    events: int = 0
    measured: int = 0
    size_bytes: int = 0


class Folds:
    """States by decider and boundary. For the writer thread, within its transaction."""

    def __init__(self, log: Log, codec: Codec, recent: Recent) -> None:
        self._log, self._codec, self._recent = log, codec, recent
        self._folds: OrderedDict[_Key, _Fold] = OrderedDict()
        self.size_bytes = 0  # of all of them
        self._ahead: frozenset[Boundary] = frozenset()
        self._read = Recent()  # what was read of the log for them

    def forget(self) -> None:
        """Nothing that was folded counts any more."""
        self._folds.clear()
        self.size_bytes = 0

    def look_ahead(self, wanted: Iterable[tuple[Decider[Any, Any], Boundary]]) -> None:
        """Read with one query what a group of commands needs of the log for the first time."""
        new = {
            boundary
            for decider, boundary in wanted
            if (decider.evolve, boundary) not in self._folds
            and all(len(clause.tags) == 1 for clause in boundary)
            and not self._shared(decider.evolve, boundary)
        }
        self._ahead, self._read = frozenset(), Recent()
        clauses = dict.fromkeys(itertools.chain.from_iterable(new))
        if len(clauses) > 1:
            for recorded in self._older(tuple(clauses), 0):
                self._read.add(recorded, tags(recorded.event))
            self._ahead = frozenset(new)

    def state(self, decider: Decider[Any, Any], boundary: Boundary) -> Any:
        """The state that counts for a decision."""
        if not boundary:
            return decider.initial
        key = (decider.evolve, boundary)
        kept = self._folds.pop(key, None)
        if kept is not None:
            self.size_bytes -= kept.size_bytes
        fold = kept or self._begun(decider, boundary)
        events = self._events(boundary, fold.position)
        fold = _carried_on(fold, decider.evolve, events, self._recent.last)
        self._keep(key, fold)
        if kept is None and len(boundary) > 1 and len(events) >= SHARED_EVENTS_MIN:
            widest = max(boundary, key=lambda clause: sum(_holds(clause, each) for each in events))
            self.state(decider, (widest,))
        return fold.state

    def _keep(self, key: _Key, fold: _Fold) -> None:
        """Put it before the others, and drop those that were not asked for the longest."""
        self._folds[key] = fold
        self.size_bytes += fold.size_bytes
        while len(self._folds) > 1 and (
            len(self._folds) > FOLDS_CACHED or self.size_bytes > FOLDED_BYTES_MAX
        ):
            _, dropped = self._folds.popitem(last=False)
            self.size_bytes -= dropped.size_bytes

    def _begun(self, decider: Decider[Any, Any], boundary: Boundary) -> _Fold:
        """What a new boundary begins with: another one's fold, if both held the same up to there.

        An account among all admins, say, has no events beside theirs before it was made.
        """
        for clause in self._shared(decider.evolve, boundary):
            key = (decider.evolve, (clause,))
            fold = self._folds[key]
            others = tuple(other for other in boundary if other != clause)
            if all(
                recorded.position > fold.position or _holds(clause, recorded)
                for recorded in self._events(others, 0)
            ):
                self._folds.move_to_end(key)
                return fold
        return _Fold(decider.initial)

    def _shared(self, evolve: _Evolve, boundary: Boundary) -> list[Clause]:
        """Clauses beside others with a fold of their own, and of many events: it costs a query."""
        if len(boundary) == 1:
            return []
        folds = ((clause, self._folds.get((evolve, (clause,)))) for clause in boundary)
        return [clause for clause, fold in folds if fold and fold.events >= SHARED_EVENTS_MIN]

    def _events(self, boundary: Boundary, after: int) -> Sequence[Recorded]:
        """Events of a boundary behind a position."""
        newer = self._recent.matching(boundary, max(after, self._recent.since))
        older = self._older(boundary, after)
        return [*older, *newer] if older else newer

    def _older(self, boundary: Boundary, after: int) -> Sequence[Recorded]:
        """Those of them that are older than what is in memory."""
        since = self._recent.since
        if after >= since:
            return ()
        if boundary in self._ahead:
            return self._read.matching(boundary, after)
        # Without what is in memory anyway: at each row SQLite lets go of the interpreter's lock.
        rows = self._log.select(query(boundary), after=after, upto=since)
        return [self._codec.open(at, kind, data) for at, kind, _, data in rows]


def _carried_on(fold: _Fold, evolve: _Evolve, events: Sequence[Recorded], last: int) -> _Fold:
    """A fold with further events. Measuring walks all that it holds, so it is done seldom."""
    state = fold.state
    for recorded in events:
        state = evolve(state, recorded)
    size, measured = fold.size_bytes + len(events) * _EVENT_BYTES, fold.measured
    if not measured or size > measured * _MEASURED:
        size = measured = size_bytes(state)
    return _Fold(state, last, fold.events + len(events), measured, size)


def size_bytes(value: Any) -> int:
    """The memory that a state takes with all that is in it; what is in it twice counts twice."""
    inner: Iterable[Any] = ()
    if isinstance(value, msgspec.Struct):
        inner = [getattr(value, name) for name in value.__struct_fields__]
    elif isinstance(value, dict):
        inner = itertools.chain(value, value.values())
    elif isinstance(value, tuple | frozenset):
        inner = value
    return sys.getsizeof(value) + sum(map(size_bytes, inner))


def _holds(clause: Clause, recorded: Recorded) -> bool:
    """Whether an event is one of a clause's."""
    event = recorded.event
    of_type = not clause.types or type(event) in clause.types
    return of_type and set(clause.tags).issubset(tags(event))


def query(boundary: Boundary) -> DCBQuery:
    """A boundary as the library's port asks for it."""
    return DCBQuery(
        [
            DCBQueryItem([kind.type_name() for kind in clause.types], list(clause.tags))
            for clause in boundary
        ]
    )
