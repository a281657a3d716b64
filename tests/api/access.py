"""A server with nothing but log, views and routes: enough to log in, with its own clock."""

import asyncio
import base64
import contextlib
import hashlib
import itertools
import sqlite3
from datetime import UTC, datetime, timedelta

import httpx

from api import app, routes
from api.authentication import authenticate
from api.platform import HttpSettings, Platform
from commands import table as commands
from commands.kernel import Origin
from commands.users import CreateUser
from domain import registry
from domain.permissions import Role
from domain.upcasters import UPCASTERS
from infra.history import LogHistory
from infra.keys import Keys
from infra.log.envelope import Codec
from infra.log.sqlite import SQLiteLog
from infra.log.vault import Vault
from infra.seen import SeenFile
from infra.vault_keys import Rotation
from infra.views.store import differences
from infra.views.views import Views
from infra.writer import Writer
from projections import table as projections
from tests.folding import build, replay

ADMIN = {"email": "admin@localhost", "password": "a tiger in the snow"}


class Clock:
    def __init__(self):
        self.now = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def __call__(self):
        return self.now

    def forward(self, **span):
        self.now += timedelta(**span)


class PlainPasswords:
    """Hashes that cost nothing; counts the checks."""

    common = frozenset({"iloveyou"})

    def __init__(self):
        self.checks = 0

    async def hash(self, password):
        return f"new:{password}"

    async def verify(self, encoded, password, share=""):
        self.checks += 1
        return encoded is not None and encoded.partition(":")[2] == password

    def outdated(self, encoded):
        return encoded.startswith("old:")


class Server:
    """`run` a story (an async function over the server) from start to stop."""

    def __init__(self, folder, *, passwords=None, settings=None, **more):
        self.clock, self.numbers = Clock(), itertools.count(1)
        self.passwords = passwords or PlainPasswords()
        codec = Codec(registry.EVENTS, UPCASTERS)
        self.log = SQLiteLog(folder / "events.db")
        self.vault = Vault(self.log, Keys(b"k" * 32), self.clock)
        self.views = Views(
            folder,
            self.log,
            codec,
            self.clock,
            projections=projections.PROJECTIONS,
            events=registry.EVENTS,
        )
        self.writer = Writer(
            self.log,
            self.vault,
            self.views,
            codec=codec,
            deciders=commands.DECIDERS,
            clock=self.clock,
            new_id=self.new_id,
        )
        self.seen = SeenFile(folder / "seen.db")
        self.recorded = []
        self.platform = Platform(
            bus=self.writer,
            answers=self.writer,
            secrets=self.vault,
            views=self.views,
            history=LogHistory(self.log, codec, None),
            upkeep=None,
            warehouse=None,
            passwords=self.passwords,
            seen=self.seen,
            authenticate=authenticate,
            clock=self.clock,
            new_id=self.new_id,
            new_token=self.new_token,
            settings=settings or HttpSettings(),
            version="0",
            started_at=self.clock(),
            progress={},
            vault_keys=Rotation(self.log, self.vault, self.writer, folder / "master.key"),
            **more,
        )
        self.app = app.create(self.platform, routes.ROUTES)

    def new_id(self):
        return f"id-{next(self.numbers)}"

    def new_token(self):
        digest = hashlib.sha256(b"%d" % next(self.numbers)).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def client(self, address="127.0.0.1", **headers):
        transport = httpx.ASGITransport(self.app, client=(address, 50_000))
        base = self.platform.settings.public_url or "http://127.0.0.1:8800"
        return httpx.AsyncClient(transport=transport, base_url=base, headers=headers)

    async def add(self, email, password, role=Role.VIEWER, *, encoded=None):
        user = self.new_id()
        command = CreateUser(
            user_id=user,
            email=email,
            email_digest=self.vault.digest("email", email),
            role=role,
            credential=self.new_id(),
            password_hash=encoded or await self.passwords.hash(password),
        )
        origin = Origin(actor="cli:test", via="control", correlation="test")
        await self.writer.send(command, origin)
        return user

    async def logged_in(self, email=ADMIN["email"], password=ADMIN["password"], **client):
        client = self.client(**client)
        answer = await client.post("/api/auth/login", json={"email": email, "password": password})
        assert 200 == answer.status_code, answer.text
        return client

    def rebuilt_differently(self):
        beside = self.views.path.with_name("beside.db")
        events = replay(Codec(registry.EVENTS, UPCASTERS), self.log.path)
        build(beside, projections.PROJECTIONS, registry.EVENTS, events)
        tables = [table for p in projections.PROJECTIONS for table in p.tables]
        with contextlib.closing(sqlite3.connect(self.views.path)) as live:
            return list(differences(live, beside, tables))

    def types(self):
        return [item.type for item in self.recorded]

    def run(self, story):
        async def whole():
            self.writer.start()
            self.writer.listeners.append(self.recorded.extend)
            await self.add(ADMIN["email"], ADMIN["password"], Role.ADMIN)
            try:
                await story()
                # What was applied event by event is what a rebuild gives.
                assert [] == await self.writer.call(self.rebuilt_differently)
            finally:
                await self.writer.stop()

        with contextlib.ExitStack() as stack:
            for thing in (self.log, self.views, self.seen):
                stack.callback(thing.close)
            asyncio.run(whole())
