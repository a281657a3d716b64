"""The example in "Add a capability" is code that runs: decided, folded, served."""

import importlib
import re
import sys
import types

import pytest

from api import errors, routes
from commands import table as commands
from commands.kernel import Origin
from commands.sources import ApplySources
from domain import registry, sources
from projections import table as projections
from tests.api.access import Server
from tests.docs import pages

PAGE = pages.DOCS / "how-to" / "add-a-capability.md"
CODE = {body.partition("\n")[0].removeprefix("# "): body for body in pages.blocks(PAGE, "python")}


@pytest.fixture
def pins(monkeypatch):
    """The example's modules as if they were there; answers those of the layers, by layer."""
    made = {}
    for layer in ("domain", "commands", "projections", "api"):
        path = f"{layer}/pins.py"
        module = types.ModuleType(f"{layer}.pins")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(importlib.import_module(layer), "pins", module, raising=False)
        exec(compile(CODE[path], path, "exec"), module.__dict__)  # noqa: S102 - our own page
        made[layer] = module
    return made


def test_the_page_has_a_block_for_each_file():
    layers = {f"{layer}/pins.py" for layer in ("domain", "commands", "projections", "api")}

    assert {*layers, "rows of api/routes.py", "tests/commands/test_pins.py"} == set(CODE)


def test_the_tests_of_the_example_pass(pins):
    scope: dict[str, object] = {"__name__": "test_pins"}
    exec(compile(CODE["tests/commands/test_pins.py"], "test_pins.py", "exec"), scope)  # noqa: S102

    tests = [value for name, value in scope.items() if name.startswith("test_")]
    for test in tests:
        test()
    assert 5 == len(tests)


def test_the_example_is_served(pins, monkeypatch, tmp_path):
    scope = dict(vars(routes), put=importlib.import_module("api.table").put, pins=pins["api"])
    exec(CODE["rows of api/routes.py"], scope)  # noqa: S102 - our own page
    monkeypatch.setattr(registry, "EVENTS", (*registry.EVENTS, *pins["domain"].EVENTS))
    deciders = {**commands.DECIDERS, **pins["commands"].DECIDERS}
    monkeypatch.setattr(commands, "DECIDERS", deciders)
    all_of_them = (*projections.PROJECTIONS, pins["projections"].PROJECTION)
    monkeypatch.setattr(projections, "PROJECTIONS", all_of_them)
    monkeypatch.setattr(routes, "ROUTES", (*routes.ROUTES, *scope["rows"]))
    refusals = {**errors.REFUSALS, pins["domain"].TooManyPins: 409}
    monkeypatch.setattr(errors, "REFUSALS", refusals)
    server = Server(tmp_path)

    async def story():
        names = ("a", "b", "c", "d")
        wanted = tuple(
            sources.Source(name=name, type="csv", schema=name, table=name) for name in names
        )
        origin = Origin(actor="system:test", via="start", correlation="test")
        await server.writer.send(ApplySources(sources=wanted), origin)
        client = await server.logged_in()
        answers = [await client.put(f"/api/pins/{name}") for name in (*names, "z")]
        assert [200, 200, 200, 409, 404] == [answer.status_code for answer in answers]
        assert "too_many_pins" == answers[3].json()["error_code"]
        before = (await client.delete("/api/pins/a")).headers["x-position"]
        now = await client.get("/api/pins")
        past = await client.get("/api/pins", params={"as_of": int(before) - 1})
        assert ["b", "c"] == [pin["source"] for pin in now.json()]
        assert ["a", "b", "c"] == [pin["source"] for pin in past.json()]

    server.run(story)


def test_the_rows_that_the_page_names_fit_the_tables():
    named = re.findall(r"row in `([a-z/]+\.py)`", pages.text(PAGE))

    assert [] == [path for path in named if not (pages.ROOT / path).exists()]
    assert named
