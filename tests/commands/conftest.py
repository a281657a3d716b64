"""Stories that are told in several processes over one log."""

import asyncio

import pytest

from commands.policies import tries
from commands.sources import ApplySources
from tests.commands.syncing import ANNA, THREE, Platform
from tests.core import Core


@pytest.fixture
def process(tmp_path, monkeypatch):
    """Run a part of a story in a process of its own; what is on the disk stays."""
    monkeypatch.setattr(tries, "FIRST_PAUSE_S", 0.01)

    def lived(part, parallel=2, warehouse=None, failures=()):
        async def live():
            async with Core(tmp_path) as core:
                platform = Platform(core, parallel, warehouse)
                platform.bus.failures = list(failures)
                if not core.stored():
                    await core.send(ApplySources(sources=THREE))
                await platform.runner.start()
                try:
                    return await part(platform)
                finally:
                    await platform.runner.stop()

        return asyncio.run(live())

    return lived


@pytest.fixture
def died(tmp_path):
    """A process that died after these commands, without a word."""

    def lived(*commands):
        async def live():
            async with Core(tmp_path) as core:
                await core.send(ApplySources(sources=THREE))
                for command in commands:
                    await core.send(command, ANNA)

        asyncio.run(live())

    return lived
