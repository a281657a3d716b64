"""Where in the log is what: by type, thing, actor, time."""

from datetime import timedelta

import pytest

from domain.queries import QueryExecuted
from projections.audit import GLANCED_MAX, Filter, newest, position_at, positions, time_of
from tests.accounts import created, failed, started
from tests.datasets import registered, requested
from tests.decisions import NOW, ago
from tests.projections.reading import reading

QUERY = QueryExecuted(query_id="q1", outcome="answered")
LOG = (
    ago(registered("orders"), hours=4),
    ago(registered("users"), hours=4),
    ago(QUERY, hours=3, microseconds=1),
    ago(requested("orders"), hours=3),
    requested("users"),
)


@pytest.fixture
def reader():
    with reading() as given:
        yield given(*LOG)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"after": 2}, [3, 4, 5]),
        ({"before": 4}, [3, 2, 1]),
        ({"after": 1, "before": 4}, [2, 3]),
        ({"type": "source_registered"}, [2, 1]),
        ({"type": "nothing"}, []),
        ({"stream": "source:orders"}, [4, 1]),
        ({"stream": "source:orders", "type": "sync_requested"}, [4]),
        ({"actor": "user:someone"}, [5, 4, 3, 2, 1]),
        ({"actor": "user:else"}, []),
        ({"user": "someone"}, [5, 4, 3, 2, 1]),
        ({"user": "else"}, []),
        ({"correlation": "request", "after": 4}, [5]),
        ({"since": NOW - timedelta(hours=3)}, [5, 4]),
        ({"until": NOW - timedelta(hours=3, microseconds=1)}, [3, 2, 1]),
        ({"since": NOW + timedelta(microseconds=1)}, []),
    ],
)
def test_history_is_asked_by_any_of_its_sides(reader, wanted, found):
    assert found == positions(reader, Filter(**wanted), 10)


def test_as_many_are_told_as_are_wanted(reader):
    assert [5, 4] == positions(reader, Filter(), 2)
    assert [1, 2] == positions(reader, Filter(after=0), 2)


@pytest.mark.parametrize(
    ("back", "position"),
    [
        (timedelta(hours=5), 0),
        (timedelta(hours=4), 2),
        (timedelta(hours=3, microseconds=2), 2),
        (timedelta(hours=3, microseconds=1), 3),
        (timedelta(hours=3), 4),
        (timedelta(0), 5),
        (timedelta(days=-1), 5),
    ],
)
def test_a_time_is_a_position(reader, back, position):
    assert position == position_at(reader, NOW - back)


def test_a_position_is_a_time_even_in_a_gap(reader):
    times = [time_of(reader, position) for position in (0, 1, 3, 5, 99)]

    third = NOW - timedelta(hours=3, microseconds=1)
    assert [None, NOW - timedelta(hours=4), third, NOW, NOW] == times


def test_what_is_about_a_user_is_found_whoever_did_it():
    with reading() as given:
        reader = given(created("ada"), created("ben"), failed(user="ada"), started(user="ada"))

        assert [4, 3, 1] == positions(reader, Filter(user="ada"), 10)
        assert [3] == positions(reader, Filter(user="ada", type="login_failed"), 10)


def test_the_newest_of_some_types_are_found_however_long_ago_they_were():
    rest = [QUERY] * (GLANCED_MAX + 1)
    with reading() as given:
        log = given(registered("orders"), QUERY, registered("users"), *rest, requested("orders"))
        types = ("source_registered", "sync_requested")
        last = len(rest) + 4
        assert [last, 3, 1] == [line.position for line in newest(log, types, 5)]
        assert [last] == [line.position for line in newest(log, types, 1)]
        assert [last] == [line.position for line in newest(log, ("sync_requested",), 5)]
