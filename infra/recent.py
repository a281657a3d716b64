"""The newest events in memory, by their tags: what a decision needs is seldom older."""

from collections.abc import Iterable, Iterator
from typing import Final

from domain.kernel import Boundary, Clause, Recorded

EVENTS_MAX: Final = 4_096  # then all but the open group is forgotten


class Recent:
    """All events after `since`, up to `last`, the uncommitted ones of the open group included."""

    def __init__(self) -> None:
        self.since = self.last = 0
        self._events: list[Recorded] = []
        self._by_tag: dict[str, list[Recorded]] = {}

    def begin(self, last: int) -> None:
        """A group is opened on a log whose last position is this one."""
        if self.last != last or len(self._events) > EVENTS_MAX:
            self.since = self.last = last
            self._events.clear()
            self._by_tag.clear()

    def forget(self) -> None:
        """The group has failed: nothing is known any more."""
        self.last = -1

    def add(self, recorded: Recorded, tags: Iterable[str]) -> None:
        """The next event."""
        self.last = recorded.position
        self._events.append(recorded)
        for tag in tags:
            self._by_tag.setdefault(tag, []).append(recorded)

    def matching(self, boundary: Boundary, after: int) -> list[Recorded]:
        """Events of a boundary behind a position, in order."""
        found = {r.position: r for clause in boundary for r in self._of(clause, after)}
        return [found[position] for position in sorted(found)]

    def _of(self, clause: Clause, after: int) -> Iterator[Recorded]:
        tagged = [self._by_tag.get(tag, []) for tag in clause.tags]
        events, *others = sorted(tagged, key=len) or [self._events]
        rest = [{recorded.position for recorded in some} for some in others]
        for recorded in reversed(events):
            if recorded.position <= after:
                return
            of_type = not clause.types or type(recorded.event) in clause.types
            if of_type and all(recorded.position in positions for positions in rest):
                yield recorded
