"""A shop that is at work while backups of it are made, and what is looked at in what comes back."""

import asyncio
import contextlib
import sqlite3
import time
from datetime import timedelta

from commands.api_keys import CreateApiKey
from commands.backups import RequestBackup
from commands.initial_syncs import IssueDeployToken
from commands.kernel import Origin
from commands.links import InviteUser
from commands.secrets import SetSecret
from commands.sessions import NewSession, StartSession
from commands.syncs import RequestSync
from commands.users import CreateUser
from domain.permissions import Role
from domain.users import Link
from infra.configuration import project as configuration
from infra.project import Project
from infra.runtime import Runtime
from projections import api_keys, backups, initial_syncs, sessions, syncs, users
from tests.patience import until

ANNA = Origin(actor="user:anna", via="session:s1", correlation="request")
SECRET = "planted-Secret-77"
KEY = "ab" * 32
WRITERS = 8
SOURCES = "sources:\n  - {name: orders, type: csv, csv: {directory: data/uploads/orders}}\n"
YML = "project: {name: Shop 1}\nplatform: {auto_dbt: false, auto_sync: false}\n"


def quiet(*_):
    """Nobody watches."""


@contextlib.asynccontextmanager
async def running(root, *, serves=True, more="", broken=None):
    project = Project(root)
    (project.folder / "project.yml").write_text(YML + more)
    settings = configuration.read(project.folder)
    runtime = Runtime(project, settings, host="127.0.0.1" if serves else None, port=0)
    try:
        runtime.views.broken = broken or runtime.views.broken
        await runtime.start()
        yield runtime
    finally:
        await runtime.stop()


async def synced(runtime):
    await runtime.writer.send(RequestSync(sources=("orders",)), ANNA)
    await until(lambda: not syncs.unended(runtime.views.current))


async def backed_up(runtime, to):
    job = (await runtime.writer.send(RequestBackup(to=str(to)), ANNA)).position
    await until(lambda: backups.one(runtime.views.current, job).ended_at is not None)
    return backups.one(runtime.views.current, job)


async def let_in(runtime):
    """Everything that lets somebody in without a password, for one account and an invited one."""
    now = runtime.platform.clock()
    later = now + timedelta(days=1)
    anna = {"user_id": "anna", "email_digest": "digest-anna"}
    link = Link("proof-link", later)
    session = NewSession(session_id="s1", proof="proof-s1", expires_at=later)
    for command in (
        CreateUser(**anna, email="a@a.io", role=Role.ADMIN, credential="c1", password_hash="h"),
        StartSession(**anna, session=session, verified="c1", at=now),
        CreateApiKey(key_id="k1", user_id="anna", name="k", proof="proof-k1", prefix="p", at=now),
        InviteUser(user_id="ben", email="b@a.io", email_digest="b", role=Role.VIEWER, link=link),
        IssueDeployToken(proof="proof-deploy", expires_at=later),
    ):
        await runtime.writer.send(command, ANNA)


def who_gets_in(runtime):
    """Which of these are good: the session, the link, the API key, the deploy token."""
    reader, now = runtime.views.current, runtime.platform.clock()
    return (
        sessions.by_proof(reader, "proof-s1") is not None,
        users.by_link(reader, "proof-link") is not None,
        api_keys.by_proof(reader, "proof-k1") is not None,
        initial_syncs.token_good(reader, "proof-deploy", now),
    )


async def written(runtime, stop):
    """Eight writers, and what was acknowledged to each."""
    known = []

    async def write(who):
        number = 0
        while not stop.is_set():
            number += 1
            name = f"S_{who}_{number % 50}"
            command = SetSecret(secret=name, value=SECRET.encode(), proof=f"{who}-{number}")
            outcome = await runtime.writer.send(command, ANNA)
            known.append((outcome.position, time.monotonic()))

    await asyncio.gather(*(write(who) for who in range(WRITERS)))
    return known


def kinds(root):
    """The types of all events."""
    with contextlib.closing(sqlite3.connect(root / ".dango" / "events.db")) as database:
        return [kind for (kind,) in database.execute("SELECT type FROM events ORDER BY position")]


def rows(root):
    """All rows of the log, and how many rows the source's table has."""
    log = root / ".dango" / "events.db"
    with contextlib.closing(sqlite3.connect(log)) as database:
        return database.execute("SELECT position, hash FROM events ORDER BY position").fetchall()


async def settled(runtime):
    """What was open when the backup was made has ended."""
    await until(lambda: not syncs.unended(runtime.views.current))
