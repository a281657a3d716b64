"""A server in this process, people and sources in any state, and a reader of its pages."""

import dataclasses
import re
from html.parser import HTMLParser

from api import app, routes
from commands import sources as configuration
from commands import syncs
from commands.kernel import Origin
from domain import registry
from domain.permissions import Role
from domain.syncs import Account
from domain.upcasters import UPCASTERS
from infra.history import LogHistory
from infra.log.envelope import Codec
from infra.log.verify import verify
from tests import datasets
from tests.api import access

PASSWORD = "a tiger in the snow"
HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>&amp;{{ 7*7 }}"""
ORIGIN = Origin(actor="cli:test", via="control", correlation="test")
ROLES = (Role.VIEWER, Role.EDITOR, Role.ADMIN)


class InProcess:
    """Stands in for the pool of workers: the one task that pages ask for, done here."""

    def __init__(self, path):
        self.path = path

    async def run(self, kind, task, *, deadline_s, result_type):
        return verify(self.path)


class Site(access.Server):
    """As `access.Server`, with a log that can be read and sources that were synced."""

    def __init__(self, folder, **more):
        super().__init__(folder, **more)
        history = LogHistory(
            self.log, Codec(registry.EVENTS, UPCASTERS), InProcess(folder / "events.db")
        )
        self.platform = dataclasses.replace(self.platform, history=history)
        self.app = app.create(self.platform, routes.ROUTES)

    async def people(self):
        """A client for nobody and one for each role, all by their names."""
        found = {"anonymous": self.client()}
        for role in ROLES:
            await self.add(f"{role}@example.org", PASSWORD, role)
            found[str(role)] = await self.logged_in(f"{role}@example.org", PASSWORD)
        return found

    async def tell(self, command, causation=None):
        origin = Origin(actor=ORIGIN.actor, via=ORIGIN.via, correlation="test", causation=causation)
        outcome = await self.writer.send(command, origin)
        return outcome.recorded[-1] if outcome.recorded else None

    async def configure(self, *names, **fields):
        found = tuple(datasets.source(name, **fields) for name in names)
        return await self.tell(configuration.ApplySources(sources=found))

    async def begin(self, name):
        asked = await self.tell(syncs.RequestSync(sources=(name,)))
        await self.tell(syncs.StartSync(source=name, job=asked.position), asked.id)
        return asked

    async def succeed(self, name, rows=3):
        asked = await self.begin(name)
        done = datasets.completed(asked.position, name, rows=rows)
        command = syncs.CompleteSync(
            source=name,
            job=asked.position,
            rows=rows,
            tables=done.tables,
            account=Account(),
            snapshot=asked.position,
            duration_s=1.5,
        )
        return await self.tell(command, asked.id)

    async def fail(self, name, reason, file="orders.csv", line=7):
        asked = await self.begin(name)
        command = syncs.FailSync(
            source=name, job=asked.position, reason=reason, file=file, line=line, duration_s=0.5
        )
        return await self.tell(command, asked.id)


# What must never be in a page: markup that the content security policy would stop, other hosts.
ADDRESSES = ("href", "src", "action", "formaction", "poster", "srcset", "data")


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.wrong, self.words, self.tags = [], [], []
        self._inside = ""

    def handle_starttag(self, tag, attrs):
        self._inside, values = tag, dict(attrs)
        self.tags.append((tag, values))
        if tag in ("style", "base", "iframe", "object", "embed"):
            self.wrong.append(f"<{tag}>")
        if tag == "script" and not values.get("src"):
            self.wrong.append("an inline script")
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.wrong.append(f"{name}= on <{tag}>")
            if name in ADDRESSES and not re.match(r"/(?!/)|#", value or ""):
                self.wrong.append(f"{name}={value} on <{tag}>")

    def handle_data(self, data):
        if self._inside == "script" and data.strip():
            self.wrong.append("text in a script")
        self.words.append(data)


class Page:
    """An answer, read as HTML."""

    def __init__(self, answer):
        self.answer, self.status = answer, answer.status_code
        reader = _Reader()
        reader.feed(answer.text)
        self.wrong, self.tags = reader.wrong, reader.tags
        self.text = " ".join(" ".join(reader.words).split())

    def has(self, tag, **attributes):
        return any(
            tag == name and attributes.items() <= values.items() for name, values in self.tags
        )


async def look(client, path, **more):
    return Page(await client.get(path, **more))
