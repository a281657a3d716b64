"""`dango users`: the accounts."""

import argparse
from typing import Any, Final

from api.cli.arguments import LIMIT, ROLES
from api.cli.client import Api, segment
from api.cli.command import Command, arg
from api.cli.output import Output, moment
from api.cli.world import Refusal
from domain import emails

COLUMNS: Final = ("email", "role", "name", "state", "last login", "id")
AUDIT_COLUMNS: Final = ("position", "time", "by", "what")
PATH: Final = "/api/admin/users"


async def every(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List the accounts."""
    found = await api.get(PATH)
    if given.json:
        out.json(found)
    else:
        out.table(COLUMNS, [_row(user) for user in found])
    return 0


async def create(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Make an account with a temporary password."""
    body = {"email": given.email, "role": given.role, "generate_password": True}
    if given.name is not None:
        body["display_name"] = given.name
    return _shown(given, await api.post(PATH, body), out)


async def invite(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Begin an account, and make a link with which its owner chooses the password."""
    body = {"email": given.email, "role": given.role}
    if given.name is not None:
        body["display_name"] = given.name
    return _shown(given, await api.post(PATH, body), out)


async def reset_password(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Make a link for a new password, or give a temporary one."""
    path, _ = await _found(given, api)
    body = {"generate_password": given.temporary}
    return _shown(given, await api.post(f"{path}/reset-password", body), out)


async def set_role(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Give an account another role."""
    path, user = await _found(given, api)
    answer = await api.put(f"{path}/role", {"role": given.role})
    return _told(given, answer, out, f"{user['email']} is {answer['role']} now.")


async def unlock(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Let failed logins count no more."""
    path, user = await _found(given, api)
    answer = await api.post(f"{path}/unlock")
    return _told(given, answer, out, f"{user['email']} is unlocked.")


async def deactivate(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Take an account's access away."""
    path, user = await _found(given, api)
    answer = await api.post(f"{path}/deactivate")
    return _told(given, answer, out, f"{user['email']} is deactivated.")


async def reactivate(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Give an account its access back."""
    path, user = await _found(given, api)
    answer = await api.post(f"{path}/reactivate")
    return _told(given, answer, out, f"{user['email']} is {answer['status']} again.")


async def delete(given: argparse.Namespace, api: Api, out: Output) -> int:
    """End an account for good."""
    path, user = await _found(given, api)
    return _told(given, await api.delete(path), out, f"{user['email']} is deleted.")


async def audit(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Tell what an account's owner did and what was done to it, the newest first."""
    people = {user["id"]: user["email"] for user in await api.get(PATH)}
    wanted = emails.spelled(given.user)
    ids = [id for id, email in people.items() if email == wanted]
    # The id of an account that is deleted leads to its events still.
    user = ids[0] if ids else given.user.strip()
    page = await api.get("/api/events", user=user, limit=given.limit)
    if not page["events"]:
        raise Refusal(f"There is no account '{given.user}'.")
    if given.json:
        out.json(page)
        return 0
    rows = [_happened(event, people) for event in page["events"]]
    out.table(AUDIT_COLUMNS, rows, right=("position",))
    if page["more"]:
        out.note("There are more: --limit asks for more at once.")
    return 0


def _happened(event: dict[str, Any], people: dict[str, str]) -> tuple[str, ...]:
    kind, _, id = event["actor"].partition(":")
    who = people.get(id, event["actor"]) if kind == "user" else event["actor"]
    return (str(event["position"]), moment(event["timestamp"]), who, event["words"])


async def _found(given: argparse.Namespace, api: Api) -> tuple[str, dict[str, Any]]:
    """The path of the account that is meant, and the account. Raises Refusal."""
    wanted = emails.spelled(given.user)
    found = await api.get(PATH)
    user = next((u for u in found if wanted in (u["id"], u["email"])), None)
    if user is None:
        raise Refusal(f"There is no account '{given.user}'.")
    return f"{PATH}/{segment(user['id'])}", user


def _told(given: argparse.Namespace, answer: Any, out: Output, sentence: str) -> int:
    if given.json:
        out.json(answer)
    else:
        out.line(sentence)
    return 0


def _shown(given: argparse.Namespace, answer: dict[str, Any], out: Output) -> int:
    if given.json:
        out.json(answer)
        return 0
    user = answer["user"]
    out.line(f"{user['email']} ({user['role']}), id {user['id']}")
    if "temp_password" in answer:
        out.line(f"  temporary password  {answer['temp_password']}   (shown this once)")
        out.line("  It must be changed at the first login.")
    else:
        life = "three days" if "invite_url" in answer else "one hour"
        out.line(f"  link  {answer.get('invite_url') or answer['reset_url']}   (shown this once)")
        out.line(f"  Whoever opens it chooses the password. It is good once, for {life}.")
        if "emailed" in answer:
            sent = "was mailed to them too" if answer["emailed"] else "could not be mailed"
            out.line(f"  It {sent}.")
    return 0


def _row(user: dict[str, Any]) -> tuple[str, ...]:
    state = user["status"]
    if user["locked_until"] is not None:
        state = f"{state}, locked until {moment(user['locked_until'])}"
    elif user["must_change_password"]:
        state = f"{state}, must change password"
    seen = moment(user["last_login"]) or "never"
    return (user["email"], user["role"], user["display_name"], state, seen, user["id"])


ACCOUNT: Final = arg("user", metavar="EMAIL-or-ID", help="the account")
NEWCOMER: Final = (
    arg("email", metavar="EMAIL", help="login of the account"),
    arg("--role", required=True, choices=ROLES, help="what the account may do"),
    arg("--name", metavar="N", help="name to show (the part before the @)"),
)
ROWS: Final[tuple[Command, ...]] = (
    Command("users list", "list the accounts", "dango users list", every),
    Command(
        "users create",
        "make an account with a temporary password, which is shown once",
        "dango users create ada@example.org --role editor --name Ada",
        create,
        NEWCOMER,
    ),
    Command(
        "users invite",
        "make an account, and a link with which its owner chooses the password",
        "dango users invite ada@example.org --role editor --name Ada",
        invite,
        NEWCOMER,
    ),
    Command(
        "users set-role",
        "give an account another role",
        "dango users set-role ada@example.org editor",
        set_role,
        (ACCOUNT, arg("role", metavar="ROLE", choices=ROLES, help=", ".join(ROLES))),
    ),
    Command(
        "users reset-password",
        "make a link for a new password, which is shown once; the account's sessions end",
        "dango users reset-password ada@example.org",
        reset_password,
        (
            ACCOUNT,
            arg("--temporary", action="store_true", help="give a temporary password instead"),
        ),
    ),
    Command(
        "users unlock",
        "let the failed logins of an account count no more",
        "dango users unlock ada@example.org",
        unlock,
        (ACCOUNT,),
    ),
    Command(
        "users deactivate",
        "take an account's access away: sessions, keys and links end, the account stays",
        "dango users deactivate ada@example.org",
        deactivate,
        (ACCOUNT,),
    ),
    Command(
        "users reactivate",
        "give a deactivated account its access back",
        "dango users reactivate ada@example.org",
        reactivate,
        (ACCOUNT,),
    ),
    Command(
        "users delete",
        "end an account for good and forget whose it was; the log stays whole",
        "dango users delete ada@example.org",
        delete,
        (ACCOUNT,),
    ),
    Command(
        "users audit",
        "tell what an account's owner did and what was done to it, newest first",
        "dango users audit ada@example.org --limit 20",
        audit,
        (ACCOUNT, LIMIT),
    ),
)
