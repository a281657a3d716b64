"""The server that is measured: a project of 20 sources and 50 users, in a process of its own.

    python -m tests.bench.served make FOLDER
    python -m tests.bench.served run FOLDER PORT [slow] [alone] [watched]

`watched` tells for how long the event loop was held at most, by one step of anything. `slow` makes
each commit two milliseconds longer, as on a poor disk; `alone` gives every command a transaction of
its own. On SIGTERM it prints how many commands went into how many commits.
"""

import asyncio
import json
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import infra.log.sqlite
from api.authentication import session_proof
from commands.kernel import Origin
from commands.sessions import Client, NewSession, StartSession
from commands.users import EMAIL_DIGEST, CreateUser
from domain.permissions import Role
from infra import creation, server, writer
from infra.configuration import project as configuration
from infra.ids import new_id, new_token
from infra.log.sqlite import SQLiteLog
from infra.project import Project
from infra.runtime import Runtime
from tests.bench.history import SOURCES, USERS, name
from tests.server import template

PASSWORD = "a tiger in the snow"
ADMINS = 20  # of the users; they see every event live, each on at most 50 sockets
START_S = 2.0
SLOWER_S = 0.002
ORIGIN = Origin(actor="cli:bench", via="control", correlation="bench")
ENTRY = """\
  - name: {0}
    type: csv
    csv:
      directory: data/uploads/{0}
"""


async def make(folder):
    """The project; answers a session token of each user."""
    await creation.create(folder, name="bench", password=PASSWORD)
    project = Project(folder)
    template.without_models(folder)
    entries = "".join(ENTRY.format(name(number)) for number in range(SOURCES))
    project.sources_yml.write_text(f'version: "1.0"\nsources:\n{entries}')
    with project.held():
        runtime = Runtime(project, configuration.read(project.folder))
        await runtime.start()
        hashed = await runtime.passwords.hash(PASSWORD)
        tokens = [await add(runtime, number, hashed) for number in range(USERS)]
        await runtime.stop()
    return tokens


async def add(runtime, number, hashed):
    user, credential, token = new_id(), new_id(), new_token()
    email = f"user{number}@example.org"
    digest = runtime.vault.digest(EMAIL_DIGEST, email)
    await runtime.writer.send(
        CreateUser(
            user_id=user,
            email=email,
            email_digest=digest,
            role=Role.ADMIN if number < ADMINS else Role.EDITOR,
            credential=credential,
            password_hash=hashed,
        ),
        ORIGIN,
    )
    now = runtime.platform.clock()
    session = NewSession(
        session_id=new_id(),
        proof=session_proof(token, runtime.platform),
        expires_at=now + timedelta(days=7),
        client=Client(address="127.0.0.1", agent="bench"),
    )
    start = StartSession(
        user_id=user, email_digest=digest, session=session, verified=credential, at=now
    )
    await runtime.writer.send(start, ORIGIN)
    return token


class Counting(SQLiteLog):
    """Counts commits, and makes them slow when told to."""

    commits = events = 0
    slower_s = 0.0

    def commit(self):
        if self.last != self.events:
            type(self).commits += 1
            type(self).events = self.last
        if self.slower_s:
            time.sleep(self.slower_s)
        super().commit()


class Watched:
    """Times every step of the event loop: by the clock, and by the processor."""

    held_s = cpu_s = 0.0
    _run = asyncio.Handle._run

    @classmethod
    def begin(cls):
        def timed(handle):
            begun, worked = time.perf_counter(), time.thread_time()
            try:
                return cls._run(handle)
            finally:
                spent = time.perf_counter() - begun
                if spent > cls.held_s:
                    cls.held_s, cls.cpu_s = spent, time.thread_time() - worked

        asyncio.Handle._run = timed


async def begin_later():
    """Once the server stands: its start is another figure."""
    await asyncio.sleep(START_S)
    Watched.begin()


async def run(folder, port, knobs):
    watching = asyncio.create_task(begin_later()) if "watched" in knobs else None
    Counting.slower_s = SLOWER_S if "slow" in knobs else 0.0
    infra.log.sqlite.SQLiteLog = Counting
    if "alone" in knobs:
        writer.GROUP_COMMANDS_MAX = 1
    project = Project(folder)
    with project.held():
        settings = configuration.read(project.folder)
        listener = server.listen("127.0.0.1", port)
        runtime = Runtime(project, settings, host="127.0.0.1", port=port)
        before = runtime.log.last
        await server.serve(runtime, listener, lambda _: None)
    if watching is not None:
        watching.cancel()
    told = {"held_ms": Watched.held_s * 1000, "held_cpu_ms": Watched.cpu_s * 1000}
    told |= {"commits": Counting.commits, "events": Counting.events - before}
    sys.stdout.write(json.dumps(told) + "\n")


def main():
    verb, folder = sys.argv[1], Path(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if verb == "make":
        sys.stdout.write(json.dumps(asyncio.run(make(folder))) + "\n")
    else:
        asyncio.run(run(folder, int(sys.argv[3]), sys.argv[4:]))


if __name__ == "__main__":
    main()
