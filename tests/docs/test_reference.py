"""The reference pages say what the code says, all of it."""

import sys

import pytest

from api import errors
from api.routes import ROUTES
from commands.table import DECIDERS
from domain.kernel import Refused
from domain.permissions import PERMISSIONS
from domain.registry import EVENTS
from tests.docs import bounds, generate, permissions, ways_in
from tests.server.principals import PRINCIPALS


def stored(name):
    return (generate.FOLDER / name).read_text(encoding="utf-8")


def every_kind(rule):
    return {rule, *(below for each in rule.__subclasses__() for below in every_kind(each))}


@pytest.mark.parametrize("name", generate.PAGES)
def test_no_reference_page_is_stale(name):
    assert generate.page(name) == stored(name), f"stale; run: {generate.COMMAND}"


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type_name())
def test_every_event_has_its_section(event):
    assert f"\n## {event.type_name()}\n" in stored("events.md")


@pytest.mark.parametrize("command", DECIDERS, ids=lambda command: command.__name__)
def test_every_command_has_its_section(command):
    assert f"\n### {command.__name__}\n" in stored("commands.md")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_there_and_says_what_it_does(route):
    row, section = f"| {route.method} | `{ways_in.path(route)}` |", f"\n## {route.method} "

    assert (row if route.page else f"{section}{ways_in.path(route)}\n") in stored("endpoints.md")
    assert route.handler.__doc__


def test_every_permission_that_a_route_demands_exists():
    known = {*set().union(*PERMISSIONS.values()), *ways_in.ACCESS}

    assert set() == {route.access for route in ROUTES} - known


def test_every_kind_of_caller_has_a_column():
    columns = [name for names in permissions.COLUMNS.values() for name in names]

    assert sorted(PRINCIPALS) == sorted(columns)


def test_every_refusal_is_on_the_page_of_errors():
    of_the_product = {
        rule
        for rule in every_kind(Refused) - {Refused}
        if getattr(sys.modules.get(rule.__module__), rule.__name__, None) is rule
    }

    assert of_the_product == set(errors.REFUSALS)


def test_every_way_to_fail_is_explained():
    assert {kind.__name__ for kind in errors.HANDLERS} == set(ways_in.FAILURES)


def test_every_setting_is_explained_and_none_that_is_gone():
    assert {path for path, *_ in bounds.settings()} == set(bounds.NOTES)


def test_every_environment_variable_is_explained():
    assert bounds.variables() == set(bounds.VARIABLES)
