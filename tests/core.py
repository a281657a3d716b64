"""The core alone, for tests below HTTP: log, vault, views and writer, with a clock of its own."""

import itertools
from datetime import timedelta

from commands import table as commands
from commands.kernel import Origin
from domain import registry
from domain.upcasters import UPCASTERS
from infra.keys import Keys
from infra.log.envelope import Codec
from infra.log.sqlite import SQLiteLog
from infra.log.vault import Vault
from infra.views.views import Views
from infra.writer import Writer
from projections import table as projections
from tests.decisions import NOW
from tests.folding import replay

ORIGIN = Origin(actor="user:anna", via="session:s1", correlation="request")
KEYS = Keys(bytes(32))


class Clock:
    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now

    def forward(self, **span):
        self.now += timedelta(**span)


class Core:
    """`async with Core(folder) as core`: the writer runs inside, everything is closed behind."""

    def __init__(
        self,
        folder,
        *,
        recorder=SQLiteLog,
        deciders=commands.DECIDERS,
        projected=projections.PROJECTIONS,
        events=registry.EVENTS,
    ):
        self.folder, self.path = folder, folder / "events.db"
        self.closed = False
        self.projections, self.clock = tuple(projected), Clock()
        self.codec = Codec(events, UPCASTERS)
        self.log = recorder(self.path)
        self.vault = Vault(self.log, KEYS, self.clock)
        self.views = Views(
            folder, self.log, self.codec, self.clock, projections=projected, events=events
        )
        numbers = itertools.count(self.log.last + 1)
        self.writer = Writer(
            self.log,
            self.vault,
            self.views,
            codec=self.codec,
            deciders=deciders,
            clock=self.clock,
            new_id=lambda: f"event-{next(numbers)}",
        )

    async def __aenter__(self):
        self.writer.start()
        return self

    async def __aexit__(self, *_):
        await self.writer.stop()
        self.close()

    def close(self):
        self.closed = True
        self.views.close()
        self.log.close()

    async def send(self, command, origin=ORIGIN):
        return await self.writer.send(command, origin)

    @property
    def tables(self):
        return tuple(table for projection in self.projections for table in projection.tables)

    def stored(self):
        """What has happened, as far as the views tell it too: who waits for an event may look."""
        views = self.views
        upto = views.position if self.closed or views.broken else views.current.position
        return list(replay(self.codec, self.log.place, upto=upto))
