"""A notebook's lock and its process: neither outlives the other, nor the server."""

import asyncio
from datetime import timedelta

import pytest

from commands.notebooks import (
    AcquireNotebookLock,
    CreateNotebook,
    ReleaseNotebookLock,
)
from commands.policies.notebooks import IDLE_S, RESTARTED, STOPPED, Held, NotebookPolicy, seen_name
from commands.users import CreateUser, DeactivateUser
from domain.notebooks import LOCK_LIFE
from domain.permissions import Role
from infra.policies import Runner
from projections import notebooks
from tests.core import ORIGIN, Core
from tests.patience import until

ANNA = "user:anna"


class Files:
    def __init__(self, *names):
        self.found = names

    def names(self):
        return self.found


class Sessions:
    """Processes that live until they are killed, or end as the test says."""

    def __init__(self):
        self.running, self.killed, self.swept, self.idle = {}, [], 0, {}

    async def sweep(self):
        self.swept += 1

    def idle_s(self, lock):
        return self.idle.get(lock, 0.0)

    async def run(self, notebook, lock, ready):
        self.running[lock] = asyncio.get_running_loop().create_future()
        ready()
        try:
            return await self.running[lock]
        except asyncio.CancelledError:
            self.killed.append(lock)
            raise
        finally:
            del self.running[lock]


class Seen(dict):
    def last(self, name):
        return self.get(name)


class Server:
    """One process: core, policy and runner, whose clock is looked at when the test says so."""

    def __init__(self, core, files=()):
        self.core, self.sessions, self.seen = core, Sessions(), Seen()
        self.allowed = {ANNA}
        self.policy = NotebookPolicy(
            core.writer,
            Files(*files),
            self.sessions,
            held=lambda: [
                Held(each.notebook, each.lock, each.holder, each.at)
                for each in notebooks.locks(core.views.current)
            ],
            may=lambda actor: actor in self.allowed,
            seen=self.seen,
            clock=core.clock,
        )
        self.runner = Runner(core.log, core.codec, core.writer, [self.policy])

    def lock(self):
        return notebooks.lock(self.core.views.current, "a")

    async def send(self, command):
        return await self.core.writer.send(command, ORIGIN)

    async def locked(self, lock="l1"):
        await self.send(AcquireNotebookLock(notebook="a", lock=lock, holder=ANNA))
        await until(lambda: self.lock() is not None and self.lock().ready)

    def told(self):
        rows = self.core.views.current.rows("SELECT type FROM events ORDER BY position")
        return [kind for (kind,) in rows if kind.startswith(("notebook_lock", "notebook_s"))]


def story(test):
    """Run an async test over a server with one notebook."""

    @pytest.mark.usefixtures("tmp_path")
    def run(tmp_path):
        async def whole():
            async with Core(tmp_path) as core:
                server = Server(core)
                made = CreateNotebook(notebook="a", notebook_id="n", template="blank", creator=ANNA)
                await server.send(made)
                await server.runner.start()
                try:
                    await test(server)
                finally:
                    await server.runner.stop()

        asyncio.run(whole())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@story
async def test_a_lock_starts_a_process_and_its_end_kills_it(server):
    await server.locked()
    await server.send(ReleaseNotebookLock(notebook="a", lock="l1", holder=ANNA))
    await until(lambda: server.told()[-1] == "notebook_session_ended")

    assert ["l1"] == server.sessions.killed
    assert [
        "notebook_lock_acquired",
        "notebook_session_started",
        "notebook_lock_released",
        "notebook_session_ended",
    ] == server.told()


@story
async def test_a_process_that_ends_by_itself_ends_the_lock(server):
    await server.locked()
    server.sessions.running["l1"].set_result("it crashed")
    await until(lambda: server.lock() is None)

    assert ["notebook_session_ended", "notebook_lock_released"] == server.told()[-2:]


@story
async def test_a_stop_leaves_no_lock_and_no_process(server):
    await server.locked()
    await server.runner.stop()

    assert (None, ["l1"]) == (server.lock(), server.sessions.killed)
    assert STOPPED == (await reason(server))


@story
async def test_a_restart_ends_what_a_dead_server_left(server):
    await server.locked()
    after = Server(server.core)
    await after.policy.recover()

    assert (None, 1, {}) == (after.lock(), after.sessions.swept, after.sessions.running)
    assert RESTARTED == (await reason(after))
    await after.policy.stop()


async def reason(server):
    history = server.core.log.head()
    rows = server.core.log.fetch(None, after=history - 2, limit=2)
    events = [
        server.core.codec.open(position, kind, data).event for position, kind, _, data in rows
    ]
    return next(event.reason for event in events if hasattr(event, "reason"))


@story
async def test_a_lock_without_a_sign_of_life_runs_out_by_the_clock_and_not_before(server):
    await server.locked()
    core = server.core
    core.clock.forward(seconds=LOCK_LIFE.total_seconds() - 1)
    await server.policy.look()
    assert server.lock() is not None

    server.seen[seen_name("l1")] = core.clock()
    core.clock.forward(seconds=LOCK_LIFE.total_seconds() - 1)
    await server.policy.look()
    assert server.lock() is not None

    core.clock.forward(seconds=1)
    await server.policy.look()
    await until(lambda: server.sessions.killed == ["l1"])
    assert server.lock() is None
    assert "notebook_lock_expired" in server.told()


@story
async def test_an_editor_that_nobody_works_with_ends_though_its_page_is_open(server):
    await server.locked()
    server.seen[seen_name("l1")] = server.core.clock() + timedelta(days=1)
    server.sessions.idle["l1"] = IDLE_S + 1
    await server.policy.look()

    assert server.lock() is None


@story
async def test_a_lock_ends_with_its_holders_rights(server):
    await server.send(user("anna"))
    await server.send(user("root"))
    await server.locked()
    server.allowed.clear()
    await server.send(DeactivateUser(user_id="anna"))
    await until(lambda: server.sessions.killed == ["l1"])

    assert "notebook_lock_forced" in server.told()


def user(name):
    return CreateUser(
        user_id=name,
        email=f"{name}@example.org",
        email_digest=name,
        role=Role.ADMIN,
        credential=name,
        password_hash="x",
    )


def test_files_that_were_there_are_told_of_at_the_start(tmp_path):
    async def whole():
        async with Core(tmp_path) as core:
            server = Server(core, ("old", "Other-1"))
            await server.policy.recover()
            await server.policy.stop()
            return [each.notebook for each in notebooks.every(core.views.current)]

    assert {"old", "Other-1"} == set(asyncio.run(whole()))
