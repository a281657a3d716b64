"""How long a test waits for a server: the time in which the test itself did not run is nobody's."""

import time

from tests.server.harness import LOOK_S_MAX, STOOD_STILL_S, Patience


def patience(monkeypatch, timeout_s, *looks):
    """Whether it had ended at each look, the first of them being when it began."""
    clock = iter(looks)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    found = Patience(timeout_s)
    return [found.ended() for _ in looks[1:]]


def test_patience_ends_when_its_time_is_over(monkeypatch):
    assert [False, False, True] == patience(monkeypatch, 5, 0, 3, 5, 5.5)


def test_a_machine_that_stood_still_costs_next_to_nothing(monkeypatch):
    looks = (0, 1, 3601, 3601 + LOOK_S_MAX, 3602 + LOOK_S_MAX)
    timeout_s = 1 + STOOD_STILL_S + LOOK_S_MAX

    assert [False, False, False, True] == patience(monkeypatch, timeout_s, *looks)
