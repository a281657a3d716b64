"""Laws over all commands, events and refusals that there are: new ones stand under them at once."""

import asyncio
import contextlib
import itertools
import logging
import shutil
import sys
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from api.errors import REFUSALS
from commands.kernel import Command, Once
from commands.sources import ApplySources
from commands.table import DECIDERS
from commands.users import CreateUser
from domain import api_keys, identities, sessions
from domain.kernel import Event, Refused, tags
from domain.permissions import Role
from domain.registry import EVENTS
from domain.upcasters import UPCASTERS
from infra.log.envelope import Codec, seal
from infra.writer import Writer
from projections.engine import Projection, Table
from projections.table import PROJECTIONS
from tests import engines, shapes
from tests.core import ORIGIN, Core
from tests.datasets import source
from tests.decisions import recorded, within
from tests.images import Images
from tests.server.harness import tell

COMMANDS = sorted(DECIDERS, key=lambda kind: kind.__name__)
CAPABILITIES = sorted({kind.__module__ for kind in COMMANDS})
HISTORIES, HISTORIES_POSTGRES, STEPS = 50, 4, 35
SOAKS, HISTORIES_SOAK = 10, 500
# Their states are one account's: the boundary says whose, so only what lies within can be folded.
# That their rows and decisions agree is tests/projections/test_access_laws.py.
OF_ONE_ACCOUNT = (sessions.Sessions, api_keys.ApiKeys, identities.Identities)
SECRET = {"password", "secret", "hash", "token", "salt", "otp", "seed", "private", "cookie"}
PERSONAL = {"email", "phone", "address", "ip", "agent", "person", "birthday", "surname"}
# A flag tells nothing, a digest is keyed, and these are names of things.
HARMLESS = ("must_change_password", "email_digest")
NAMED = {
    "ProjectCreated.name",
    "config.name",
    "config.columns.name",
    "columns.name",
    "table.columns.name",
    "monitors.name",
    "tables.name",
    "tables.columns.name",
    "exposures.name",
    "drift.added.name",
    "drift.retyped.name",
}


def below(kind):
    """All classes of the product that descend from one, but for private ones in between.

    Another test of the same process may have run an example of the documents: its classes are in
    no module.
    """
    for child in kind.__subclasses__():
        yield from below(child)
        known = getattr(sys.modules.get(child.__module__), child.__name__, None) is child
        if known and not child.__name__.startswith("_") and not of_tests(child):
            yield child


def of_tests(kind):
    return kind.__module__.split(".")[0] == "tests"


def by_name(kind):
    return kind.__name__


# what is declared


@pytest.mark.parametrize("kind", sorted(set(below(Command)), key=by_name), ids=by_name)
def test_every_command_has_a_decider(kind):
    assert kind in DECIDERS


@pytest.mark.parametrize("kind", sorted(set(below(Refused)), key=by_name), ids=by_name)
def test_every_refusal_has_a_status(kind):
    assert 400 <= REFUSALS[kind] < 500


def test_every_event_is_registered_under_a_name_of_its_own():
    assert set(below(Event)) == set(EVENTS)
    assert len(EVENTS) == len({kind.type_name() for kind in EVENTS})


@pytest.mark.parametrize("kind", EVENTS, ids=by_name)
def test_no_event_has_a_place_for_secrets_or_personal_data(kind):
    suspect = {
        ".".join(path)
        for path, _ in shapes.walked(kind)
        if path[-1] not in HARMLESS and set(path[-1].split("_")) & (SECRET | PERSONAL)
    }
    named = {
        f"{kind.__name__}.name" if len(path) == 1 else ".".join(path)
        for path, _ in shapes.walked(kind)
        if path[-1].endswith("name")
    }

    assert set() == suspect
    assert set() == named - NAMED


@pytest.mark.parametrize("kind", EVENTS, ids=by_name)
@settings(max_examples=10)
@given(data=st.data())
def test_every_event_comes_back_as_it_was_written(kind, data):
    event = recorded(7, data.draw(shapes.of(kind)), data.draw(shapes.MOMENTS))
    record = seal(event)

    assert event == Codec(EVENTS, UPCASTERS).open(7, record.type, record.data)
    assert all(isinstance(tag, str) and tag for tag in tags(event.event))


# what is lived


def plain(random, now, jobs):
    """Few ids, so that the commands of a history meet each other."""

    def leaf(kind, field):
        if field == "job":
            return random.choice(jobs)
        if kind is datetime:
            return now if field == "at" else now + timedelta(seconds=random.choice([10, 10**6]))
        values = {str: "ab", bytes: (b"x",), int: (0, 1), float: (0.5,), bool: (False, True)}
        return random.choice(values.get(kind, (None,)))

    return leaf


FIRST = (
    ApplySources(sources=(source("a"), source("b"))),
    CreateUser(
        user_id="a",
        email="a@a.io",
        email_digest="a",
        role=Role.ADMIN,
        credential="a",
        password_hash="",
    ),
)


def decision(decider, events, command):
    state = decider.initial
    for item in events:
        state = decider.evolve(state, item)
    try:
        return list(decider.decide(state, command))
    except (Refused, ValueError) as error:
        return type(error)


def under(key):
    """Who sends a command under an idempotency key."""
    return replace(ORIGIN, once=Once(key, "request", datetime(2000, 1, 1, tzinfo=UTC)))


async def one_step(core, command):
    """Send a command thrice, twice of it under one key: it is carried out once.

    What it leads to depends on nothing outside of its boundary.
    """
    decider, log = DECIDERS[type(command)], core.stored()
    boundary = decider.boundary(command)
    bounded = decision(decider, [i for i in log if within(boundary, i.event)], command)
    if not isinstance(decider.initial, OF_ONE_ACCOUNT):
        assert decision(decider, log, command) == bounded
    if not isinstance(bounded, list):
        with pytest.raises(bounded):
            await core.send(command)
        return
    key = under(f"idem:{core.log.last}")
    outcome = await core.send(command, key)
    assert bounded == [item.event for item in outcome.recorded]
    repeated = await core.send(command, key)
    assert (outcome.position, outcome.recorded) == (repeated.position, repeated.recorded)
    assert outcome.position == core.log.head()
    with contextlib.suppress(Refused):
        again = await core.send(command)
        assert () == again.recorded
    assert outcome.position == core.log.head() == core.views.position


async def history(folder, random, engine, projected=PROJECTIONS):
    """Live through a history of one or two capabilities, then look at it from all sides."""
    some = random.sample(CAPABILITIES, 2)
    kinds = [kind for kind in COMMANDS if kind.__module__ in some]
    async with Core(folder, recorder=engine.recorder, projected=projected) as core:
        for command in FIRST:
            await core.send(command)
        for _ in range(STEPS):
            core.clock.forward(seconds=20)
            jobs = [i.position for i in core.stored() if i.type.endswith("_requested")][-2:] or [1]
            leaf = plain(random, core.clock(), jobs)
            await one_step(core, shapes.made(random.choice(kinds), random, leaf))
        assert core.views.broken is None
        Images(core).agree()
        return core.stored()


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_any_history_can_be_repeated_rebuilt_and_looked_back_at(seed, tmp_path, caplog):
    caplog.set_level(logging.CRITICAL, "dango.writer")  # ids that are used twice

    asyncio.run(history(tmp_path, Random(seed), engines.SQLite()))  # noqa: S311 - seeded


@pytest.mark.parametrize("seed", range(HISTORIES, HISTORIES + HISTORIES_POSTGRES))
def test_any_history_is_the_same_story_in_postgresql(seed, tmp_path, caplog, postgres):
    caplog.set_level(logging.CRITICAL, "dango.writer")  # ids that are used twice

    asyncio.run(history(tmp_path, Random(seed), engines.Postgres(postgres)))  # noqa: S311 - seeded


@pytest.mark.soak
@pytest.mark.parametrize("soak", range(1, SOAKS + 1))
def test_very_many_histories_can_be_repeated_rebuilt_and_looked_back_at(soak, memory, caplog):
    caplog.set_level(logging.CRITICAL, "dango.writer")  # ids that are used twice
    events = 0
    for seed in range(soak * HISTORIES_SOAK, (soak + 1) * HISTORIES_SOAK):
        folder = memory / str(seed)
        folder.mkdir()
        story = history(folder, Random(seed), engines.SQLite())  # noqa: S311 - seeded
        events += len(asyncio.run(story))
        shutil.rmtree(folder)
        caplog.clear()

    tell(f"{HISTORIES_SOAK} histories, {events} events: live, rebuilt and looked back at agree")
    assert events > HISTORIES_SOAK


# that these laws can fail


def counting():
    """A projection whose rows tell how often it was asked, and not what the events say."""
    asked = itertools.count()
    table = Table(
        name="planted",
        columns={"position": "INTEGER NOT NULL", "asked": "INTEGER NOT NULL"},
        key=("position",),
        grows="position",
    )

    def row(position, *_):
        return position, next(asked)

    return Projection(name="planted", tables=(table,), row=row)


def test_a_projection_that_is_no_function_of_the_log_is_found_out(tmp_path):
    planted = (*PROJECTIONS, counting())

    with pytest.raises(AssertionError, match="as of"):
        asyncio.run(history(tmp_path, Random(1), engines.SQLite(), planted))  # noqa: S311 - seeded


def test_a_writer_that_ignores_the_key_is_found_out(tmp_path, monkeypatch):
    monkeypatch.setattr(Writer, "_before", lambda *_: None)

    with pytest.raises((AssertionError, Refused)):
        asyncio.run(history(tmp_path, Random(1), engines.SQLite()))  # noqa: S311 - seeded
