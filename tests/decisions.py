"""given(*events).when(command).then(*events), or .refused(Rule): how decisions are told in tests.

Only events within the command's boundary are folded, so a forgotten tag shows; and each fulfilled
intent is sent a second time, which must change nothing.
"""

from datetime import UTC, datetime, timedelta

import pytest

from domain.kernel import Recorded, tags

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def recorded(position, event, at=NOW):
    return Recorded(
        position=position,
        id=f"e{position}",
        at=at,
        event=event,
        actor="user:someone",
        via="session:some",
        command="Test",
        correlation="request",
    )


def ago(event, **span):
    """An event that was recorded so long before NOW."""
    return (NOW - timedelta(**span), event)


def history(*events):
    pairs = [event if isinstance(event, tuple) else (NOW, event) for event in events]
    return [recorded(number, event, at) for number, (at, event) in enumerate(pairs, 1)]


def within(boundary, event):
    return any(
        (not clause.types or isinstance(event, clause.types))
        and set(clause.tags) <= set(tags(event))
        for clause in boundary
    )


class Scenario:
    def __init__(self, deciders, events):
        self._deciders, self._events = deciders, events

    def when(self, command):
        self._command = command
        return self

    def decide(self, events):
        decider = self._deciders[type(self._command)]
        state = decider.initial
        for item in history(*events):
            if within(decider.boundary(self._command), item.event):
                state = decider.evolve(state, item)
        return list(decider.decide(state, self._command))

    def then(self, *events):
        assert list(events) == self.decide(self._events)
        assert [] == self.decide([*self._events, *events])

    def refused(self, rule):
        with pytest.raises(rule) as caught:
            self.decide(self._events)
        assert rule is type(caught.value)
        return caught.value
