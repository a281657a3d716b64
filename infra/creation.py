"""Making a project: folders, key, configuration, log, warehouse, and its first admin."""

import secrets
from pathlib import Path
from typing import Final

import msgspec

from commands.kernel import Origin
from commands.projects import CreateProject
from commands.users import EMAIL_DIGEST, CreateUser
from domain import emails, passwords
from domain.permissions import Role
from domain.users import Credential, UserId
from infra import event_log
from infra.configuration import project as configuration
from infra.ids import new_id
from infra.log.places import archive, beside
from infra.passwords import common_passwords
from infra.project import Project, ProjectExists
from infra.runtime import Runtime
from infra.server import owner

PASSWORD_BYTES: Final = 15  # 20 characters of base64url, 120 bits
ADMIN: Final = "admin@localhost"


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What was made; `password` is None when it was given from outside."""

    project: Project
    email: str
    password: str | None


async def create(
    root: Path, *, name: str | None = None, email: str = ADMIN, password: str | None = None
) -> Made:
    """Make a project. Raises ProjectExists, EmailInvalid, PasswordWeak."""
    address = emails.parse(email)
    chosen = password or secrets.token_urlsafe(PASSWORD_BYTES)
    checked = passwords.check(chosen, address, common_passwords())
    project = Project.create(root, name or root.resolve().name)  # noqa: ASYNC240 - one call at start
    with project.held():
        settings = configuration.read(project.folder)
        # The log gets its name when it holds a project and an admin: half of it is none.
        complete = event_log.place(project, settings)
        logs, new = archive(complete), beside(complete)
        if logs.exists(complete):
            raise ProjectExists(f"There is a log already: {logs.shown(complete)}.")
        logs.discard(new)
        runtime = Runtime(project, settings, new_log=new)
        try:
            runtime.writer.start()
            await _first_events(runtime, settings.project.name, address, checked)
            await runtime.make_warehouse()
        finally:
            await runtime.stop()
        logs.rename(new, complete)
        project.settle()
    return Made(project=project, email=address, password=None if password else chosen)


async def _first_events(runtime: Runtime, name: str, email: emails.Email, password: str) -> None:
    caller = owner()
    origin = Origin(actor=caller.actor, via="start", correlation=new_id())
    await runtime.writer.send(CreateProject(project_id=new_id(), name=name), origin)
    user = CreateUser(
        user_id=UserId(new_id()),
        email=email,
        email_digest=runtime.vault.digest(EMAIL_DIGEST, email),
        role=Role.ADMIN,
        display_name="Admin",
        credential=Credential(new_id()),
        password_hash=await runtime.passwords.hash(password),
    )
    await runtime.writer.send(user, origin)
