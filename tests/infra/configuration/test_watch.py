"""What people write into sources.yml is taken at once; what cannot be read changes nothing."""

import asyncio

import pytest

from commands.kernel import Overloaded
from commands.sources import ApplySources
from infra import clocks
from infra.configuration.watch import Configuration
from infra.project import Project
from projections import schedules, sources
from tests.core import KEYS, Core
from tests.patience import until

ORDERS = "  - {name: orders, type: csv, csv: {directory: data/orders}}\n"
USERS = "  - {name: users, type: csv, csv: {directory: data/users}}\n"
NIGHTLY = "  - {name: nightly, type: sync, sources: [orders], cron: '@daily'}\n"
SAME_SCHEMA = "  - {name: users, type: csv, schema: raw_orders, csv: {directory: data/users}}\n"


class Story:
    def __init__(self, core, project):
        self.core, self.file = core, project.sources_yml
        self.configuration = Configuration(project, core.writer, KEYS.digest)

    async def write(self, *entries):
        self.file.write_text("sources:\n" + "".join(entries))
        return await self.configuration.reload()

    def names(self):
        return [found.config.name for found in sources.every(self.core.views.current)]

    def types(self):
        return [item.type for item in self.core.stored()]


def story(told):
    """A test that is lived in a project with a core."""

    def test(tmp_path):
        async def live():
            project = Project.create(tmp_path, "shop")
            async with Core(tmp_path) as core:
                await told(Story(core, project))

        asyncio.run(live())

    test.__doc__ = told.__doc__
    return test


@story
async def test_every_change_is_taken(story):
    await story.write(ORDERS)
    assert 2 == await story.write(ORDERS, USERS)
    assert ["orders", "users"] == story.names()
    await story.write(USERS)

    assert ["users"] == story.names()


@story
async def test_reading_the_same_file_again_is_no_event(story):
    strange = (
        "  - {name: s, type: mongodb, mongodb: {a: .inf, b: 2024-01-01, c: 99999999999999999999}}\n"
    )
    position = await story.write(ORDERS, strange)

    assert position == await story.write(ORDERS, strange) == await story.configuration.reload()


@story
async def test_a_broken_file_is_told_once_and_the_last_good_one_stays_in_force(story):
    await story.write(ORDERS)
    await story.write(ORDERS, "\tx")
    await story.configuration.reload()

    assert ["orders"] == story.names()
    assert ["source_registered", "configuration_refused"] == story.types()
    refused = story.core.stored()[-1]
    assert ("sources.yml", 3, 1) == (
        refused.event.file,
        refused.event.line,
        refused.event.column,
    )
    assert "system:configuration" == refused.actor


@story
async def test_a_schema_that_two_sources_name_is_refused_whole(story):
    await story.write(ORDERS)
    await story.write(ORDERS, SAME_SCHEMA)

    assert ["orders"] == story.names()
    assert "raw_orders" in story.core.stored()[-1].event.reason


@story
async def test_a_file_that_is_deleted_takes_its_sources_with_it(story):
    await story.write(ORDERS)
    story.file.unlink()
    await story.configuration.reload()

    assert [] == story.names()


@story
async def test_the_file_is_followed(story):
    await story.configuration.start()
    try:
        await asyncio.sleep(0.1)  # the watcher begins in a thread of its own
        beside = story.file.with_suffix(".new")
        beside.write_text(f"sources:\n{ORDERS}")
        beside.rename(story.file)
        await until(lambda: ["orders"] == story.names())
        story.file.write_text(f"sources:\n{ORDERS}{USERS}")
        await until(lambda: ["orders", "users"] == story.names())
    finally:
        await story.configuration.stop()


class Busy:
    """A bus that is overloaded with sources until it is told otherwise."""

    def __init__(self, bus):
        self.bus, self.refused, self.full = bus, 0, False

    async def send(self, command, origin):
        if self.full and isinstance(command, ApplySources):
            self.refused += 1
            raise Overloaded
        return await self.bus.send(command, origin)


def test_a_change_that_nobody_had_time_for_is_taken_later_and_holds_no_other_file_up(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(clocks, "RETRY_S", 0.1)

    async def live():
        project = Project.create(tmp_path, "shop")
        async with Core(tmp_path) as core:
            bus = Busy(core.writer)
            configuration = Configuration(project, bus, KEYS.digest)
            await configuration.start()
            try:
                bus.full = True
                project.sources_yml.write_text(f"sources:\n{ORDERS}")
                await until(lambda: bus.refused)
                project.schedules_yml.write_text(f"schedules:\n{NIGHTLY}")
                await until(lambda: schedules.every(core.views.current))
                told = "the configuration cannot be looked at: Overloaded"
                await until(lambda: configuration.problem == told)
                bus.full = False
                await until(lambda: sources.every(core.views.current))
                await until(lambda: configuration.problem is None)
            finally:
                await configuration.stop()

    asyncio.run(live())


@pytest.mark.parametrize("name", ["project.yml", "auth.yml"])
def test_other_files_are_not_its_concern(tmp_path, name):
    async def live():
        project = Project.create(tmp_path, "shop")
        (project.folder / name).write_text("\t")
        async with Core(tmp_path) as core:
            assert 0 == await Configuration(project, core.writer, KEYS.digest).reload()

    asyncio.run(live())
