"""A server in this process, people and sources in any state, and a reader of its pages."""

import dataclasses
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import msgspec

from api import app, routes
from commands import model_runs, syncs
from commands import models as definitions
from commands import schedules as time_tables
from commands import sources as configuration
from commands.kernel import Origin
from commands.ports import Queried, Sample
from domain import registry
from domain.datasets import Column
from domain.inputs import Account
from domain.permissions import Role
from domain.schedules import Kind, Schedule
from domain.upcasters import UPCASTERS
from infra.configuration.watch import Configuration
from infra.history import LogHistory
from infra.log.envelope import Codec
from infra.log.verify import verify
from infra.notebooks.files import NotebookFolder
from infra.project import Project
from infra.uploads import UploadFolders
from tests import datasets, modelled
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


class Warehouse:
    """Answers at once what it was told to; remembers what it was asked."""

    def __init__(self):
        self.asked, self.fails, self.loaded = [], None, ()
        self.columns, self.rows = ("id", "name"), [[1, HOSTILE], [2, None]]

    def _ask(self, what):
        self.asked.append(what)
        if self.fails is not None:
            raise self.fails

    async def sample(self, load):
        self._ask(load)
        columns = (Column(name="id", type="BIGINT"),)
        return Sample(columns=columns, rows=(("1",), (None,)), notes=("one file",))

    async def check(self, check):
        self._ask(check)

    async def files(self, source):
        self._ask(source)
        return self.loaded

    async def query(self, query, deadline_s):
        self._ask(query)
        return Queried(
            columns=self.columns,
            types=("BIGINT", "VARCHAR"),
            rows=msgspec.Raw(msgspec.json.encode(self.rows)),
            row_count=len(self.rows),
            truncated=False,
            file=b"a file",
        )


class Upkeep:
    """Views that stand where they should; counts how often they were folded anew."""

    def __init__(self):
        self.rebuilt = 0

    def status(self):
        return [
            {
                "name": "sources",
                "tables": ["sources"],
                "position": 5,
                "lag": 0,
                "status": "live",
                "error": None,
                "version": "v1",
                "built_at": datetime(2026, 1, 1, tzinfo=UTC),
                "file_bytes": 4096,
                "rebuilding": False,
            }
        ]

    async def rebuild(self):
        self.rebuilt += 1
        return 5

    async def check(self):
        return []


class Site(access.Server):
    """As `access.Server`, with a log that can be read, a project, and sources that were synced."""

    def __init__(self, folder, **more):
        super().__init__(folder, **more)
        history = LogHistory(
            self.log, Codec(registry.EVENTS, UPCASTERS), InProcess(folder / "events.db")
        )
        self.warehouse, self.upkeep = Warehouse(), Upkeep()
        self.project = Project.create(folder / "shop", "shop")
        editor = Configuration(self.project, self.writer, self.vault.digest)
        self.platform = dataclasses.replace(
            self.platform,
            history=history,
            warehouse=self.warehouse,
            upkeep=self.upkeep,
            editor=editor,
            overrides=editor,
            schedules_editor=editor,
            uploads=UploadFolders(self.project.root),
            notebook_files=NotebookFolder(self.project.root),
            root=str(self.project.root),
        )
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
        await self.tell(
            syncs.StartSync(source=name, job=asked.position, schema=f"raw_{name}", table=name),
            asked.id,
        )
        return asked

    async def succeed(self, name, rows=3, columns=("id",)):
        asked = await self.begin(name)
        found = tuple(Column(name=column, type="BIGINT") for column in columns)
        table = msgspec.structs.replace(datasets.table(name, rows), columns=found)
        done = datasets.completed(asked.position, name, rows=rows, tables=(table,))
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

    async def define(self, *models):
        return await self.tell(definitions.ApplyModels(models=models))

    async def build(self, **statuses):
        """A run of models: of each its status, and those of its tests behind it."""
        asked = await self.tell(model_runs.RequestModels())
        job = asked.position
        await self.tell(model_runs.StartModels(job=job), asked.id)
        for name, (status, *tests) in statuses.items():
            known = {"message": "Column x is not there."}
            if status == "success":
                known = {"columns": (Column(name="day", type="DATE"),)}
            for told in (
                modelled.completed(job, name, status, **known),
                modelled.checked(job, name, *tests),
            ):
                await self.tell(model_runs.TellModel(told=told), asked.id)
        return await self.tell(model_runs.EndModels(ending=modelled.built(job)), asked.id)

    async def schedule(self, name, **fields):
        known = {"kind": Kind.SYNC, "cron": "0 6 * * *", "sources": ("orders",)}
        wanted = Schedule(name=name, **{**known, **fields})
        return await self.tell(time_tables.ApplySchedules(schedules=(wanted,)))

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
