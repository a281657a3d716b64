"""What decisions are made on: the folded state of a boundary, kept and carried on.

The log is read for what is older than the newest events in memory, and once for each boundary; for
a group of commands with one query, as far as their boundaries are plain.
"""

import itertools
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

from domain.kernel import Boundary, Decider, Recorded, tags
from infra.log.envelope import Codec
from infra.log.port import Log
from infra.recent import Recent

FOLDS_CACHED: Final = 4_096


class Folds:
    """States by decider and boundary. For the writer thread, within its transaction."""

    def __init__(self, log: Log, codec: Codec, recent: Recent) -> None:
        self._log, self._codec, self._recent = log, codec, recent
        self._states: OrderedDict[tuple[int, Boundary], tuple[Any, int]] = OrderedDict()
        self._ahead: frozenset[Boundary] = frozenset()
        self._read = Recent()  # what was read of the log for them

    def forget(self) -> None:
        """Nothing that was folded counts any more."""
        self._states.clear()

    def look_ahead(self, wanted: Iterable[tuple[Decider[Any, Any], Boundary]]) -> None:
        """Read with one query what a group of commands needs of the log for the first time."""
        new = {
            boundary
            for decider, boundary in wanted
            if (id(decider), boundary) not in self._states
            and all(len(clause.tags) == 1 for clause in boundary)
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
        recent, key = self._recent, (id(decider), boundary)
        state, position = self._states.pop(key, (decider.initial, 0))
        for recorded in self._older(boundary, position):
            state = decider.evolve(state, recorded)
        for recorded in recent.matching(boundary, max(position, recent.since)):
            state = decider.evolve(state, recorded)
        self._states[key] = (state, recent.last)
        if len(self._states) > FOLDS_CACHED:
            self._states.popitem(last=False)
        return state

    def _older(self, boundary: Boundary, after: int) -> Iterable[Recorded]:
        """Events of a boundary behind a position that are older than those in memory."""
        since = self._recent.since
        if after >= since:
            return ()
        if boundary in self._ahead:
            return self._read.matching(boundary, after)
        rows = self._log.select(query(boundary), after=after)
        return [self._codec.open(at, kind, data) for at, kind, _, data in rows if at <= since]


def query(boundary: Boundary) -> DCBQuery:
    """A boundary as the library's port asks for it."""
    return DCBQuery(
        [
            DCBQueryItem([kind.type_name() for kind in clause.types], list(clause.tags))
            for clause in boundary
        ]
    )
