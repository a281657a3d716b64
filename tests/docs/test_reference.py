"""The reference pages say what the code says, all of it."""

import sys

import pytest

from api import errors
from api.routes import ROUTES
from commands.table import DECIDERS
from domain.kernel import Refused
from domain.permissions import PERMISSIONS
from domain.registry import EVENTS
from tests.docs import generate, permissions, settings, ways_in
from tests.server.principals import PRINCIPALS


def stored(name):
    return (generate.FOLDER / name).read_text(encoding="utf-8")


def every_kind(rule):
    return {rule, *(below for each in rule.__subclasses__() for below in every_kind(each))}


@pytest.mark.parametrize("name", generate.PAGES)
def test_no_reference_page_is_stale(name):
    assert generate.page(name) == stored(name), f"stale; run: {generate.COMMAND}"


def test_every_event_has_its_section():
    page = stored("events.md")

    assert [] == [e for e in EVENTS if f"\n## {e.type_name()}\n" not in page]


def test_every_command_has_its_section():
    page = stored("commands.md")

    assert [] == [c for c in DECIDERS if f"\n### {c.__name__}\n" not in page]


def test_every_route_is_there_and_says_what_it_does():
    page = stored("endpoints.md")

    def is_there(route):
        path = ways_in.path(route)
        row, section = f"| {route.method} | `{path}` |", f"\n## {route.method} {path}\n"
        return (row if route.page else section) in page and route.handler.__doc__

    assert [] == [f"{r.method} {r.path}" for r in ROUTES if not is_there(r)]


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
    assert {path for path, *_ in settings.settings()} == set(settings.NOTES)


def test_every_environment_variable_is_explained():
    assert settings.variables() == set(settings.VARIABLES)
