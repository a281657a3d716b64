"""A project with people, sessions, keys and a source, made once and copied by each test."""

import asyncio
import secrets
from datetime import timedelta
from pathlib import Path

import msgspec

from api.authentication import key_proof, session_proof
from commands.api_keys import CreateApiKey
from commands.kernel import Origin
from commands.sessions import NewSession, StartSession
from commands.users import EMAIL_DIGEST, CreateUser
from domain import api_keys
from domain.permissions import Role
from infra import creation
from infra.configuration import project as configuration
from infra.ids import new_id, new_token
from infra.project import Project
from infra.runtime import Runtime

EMAIL = "admin@localhost"
PASSWORD = "a tiger in the snow"
ORDERS_ROWS = 1_000
ORIGIN = Origin(actor="cli:test", via="control", correlation="template")
ORDERS = """\
  - name: orders
    type: csv
    description: What was sold
    csv:
      directory: data/uploads/orders
"""


class People(msgspec.Struct):
    """What callers of a template's copy can show: a session's token, an API key."""

    sessions: dict[
        str, str
    ] = {}  # admin, editor, viewer, expired, fresh (must change its password)
    keys: dict[str, str] = {}  # admin, editor, viewer, expired


def without_models(root: Path) -> None:
    """A sync leads to no run of dbt, whose start takes seconds."""
    _set(root, "auto_dbt: false")


def without_spares(root: Path) -> None:
    """No worker is started for nothing: most tests need none."""
    _set(root, "spare_workers: false")


def with_spares(root: Path) -> None:
    """Workers stand ready, as they do where nobody has said otherwise."""
    path = root / ".dango" / "project.yml"
    path.write_text(path.read_text().replace("spare_workers: false", "spare_workers: true"))


def _set(root: Path, line: str) -> None:
    """A line at the end of project.yml, where its block `platform` is."""
    with (root / ".dango" / "project.yml").open("a") as file:
        file.write(f"  {line}\n")


def write_sources(root: Path, text: str) -> None:
    """Replace sources.yml as editors do: beside, then renamed."""
    path = root / ".dango" / "sources.yml"
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


def sources_yml(*names: str) -> str:
    entries = "".join(ORDERS.replace("orders", name) for name in names)
    return f'version: "1.0"\nsources:\n{entries}'


def write_rows(path: Path, rows: int, *, first: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (f"{n},item {n % 97},{n * 0.25:.2f}\n" for n in range(first, first + rows))
    path.write_text("order_id,item,price\n" + "".join(lines))


def make(root: Path) -> People:
    """Make the project at `root`."""
    return asyncio.run(_make(root))


async def _make(root: Path) -> People:
    await creation.create(root, name="template", email=EMAIL, password=PASSWORD)
    without_models(root)
    without_spares(root)
    write_rows(root / "data/uploads/orders/orders.csv", ORDERS_ROWS)
    write_sources(root, sources_yml("orders"))
    project, people = Project(root), People()
    with project.held():
        runtime = Runtime(project, configuration.read(project.folder))
        await runtime.start()
        try:
            for role in Role:
                user = await _add_user(runtime, f"{role}@example.org", role)
                people.sessions[role] = await _start(runtime, user)
                people.keys[role] = await _add_key(runtime, user[0])
            people.sessions["expired"] = await _start(runtime, user, timedelta(seconds=0.05))
            people.keys["expired"] = await _add_key(runtime, user[0], timedelta(seconds=0.05))
            fresh = await _add_user(runtime, "fresh@example.org", Role.ADMIN, fresh=True)
            people.sessions["fresh"] = await _start(runtime, fresh)
        finally:
            await runtime.stop()
    return people


def crowd(root: Path, count: int) -> list[str]:
    """Sessions of so many more viewers of a project that nobody serves."""

    async def add():
        project = Project(root)
        with project.held():
            runtime = Runtime(project, configuration.read(project.folder))
            runtime.writer.start()
            try:
                hashed = await runtime.passwords.hash(PASSWORD)
                names = [f"viewer{number}@example.org" for number in range(count)]
                users = [await _add_user(runtime, n, Role.VIEWER, hashed=hashed) for n in names]
                return [await _start(runtime, user) for user in users]
            finally:
                await runtime.stop()

    return asyncio.run(add())


async def _add_user(
    runtime: Runtime, email: str, role: Role, *, fresh: bool = False, hashed: str | None = None
):
    user_id, credential = new_id(), new_id()
    digest = runtime.vault.digest(EMAIL_DIGEST, email)
    command = CreateUser(
        user_id=user_id,
        email=email,
        email_digest=digest,
        role=role,
        credential=credential,
        password_hash=hashed or await runtime.passwords.hash(PASSWORD),
        must_change_password=fresh,
    )
    await runtime.writer.send(command, ORIGIN)
    return user_id, digest, credential


async def _start(runtime: Runtime, user, life: timedelta = timedelta(days=7)) -> str:
    token, platform = new_token(), runtime.platform
    session = NewSession(
        session_id=new_id(),
        proof=session_proof(token, platform),
        expires_at=platform.clock() + life,
    )
    command = StartSession(
        user_id=user[0],
        email_digest=user[1],
        session=session,
        verified=user[2],
        at=platform.clock(),
    )
    await runtime.writer.send(command, ORIGIN)
    return token


async def _add_key(runtime: Runtime, user_id: str, life: timedelta | None = None) -> str:
    platform, key = runtime.platform, api_keys.spell(secrets.token_bytes(32))
    command = CreateApiKey(
        key_id=new_id(),
        user_id=user_id,
        name="template",
        proof=key_proof(key, platform),
        prefix=key[: api_keys.PREFIX_LENGTH],
        expires_at=None if life is None else platform.clock() + life,
        at=platform.clock(),
    )
    await runtime.writer.send(command, ORIGIN)
    return key
