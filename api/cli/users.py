"""`dango users`: the accounts."""

import argparse
from typing import Any, Final

from api.cli.client import Api, segment
from api.cli.output import Output, moment
from api.cli.world import Refusal

COLUMNS: Final = ("email", "role", "name", "state", "last login", "id")
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


async def reset_password(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Give an account a temporary password."""
    wanted = given.user.strip().casefold()
    found = await api.get(PATH)
    user = next((u for u in found if wanted in (u["id"], u["email"].casefold())), None)
    if user is None:
        raise Refusal(f"There is no account '{given.user}'.")
    answer = await api.post(f"{PATH}/{segment(user['id'])}/reset-password")
    return _shown(given, answer, out)


def _shown(given: argparse.Namespace, answer: dict[str, Any], out: Output) -> int:
    if given.json:
        out.json(answer)
        return 0
    user = answer["user"]
    out.line(f"{user['email']} ({user['role']}), id {user['id']}")
    out.line(f"  temporary password  {answer['temp_password']}   (shown this once)")
    out.line("  It must be changed at the first login.")
    return 0


def _row(user: dict[str, Any]) -> tuple[str, ...]:
    state = "active" if user["is_active"] else "inactive"
    if user["locked_until"] is not None:
        state = f"locked until {moment(user['locked_until'])}"
    elif user["must_change_password"]:
        state = f"{state}, must change password"
    seen = moment(user["last_login"]) or "never"
    return (user["email"], user["role"], user["display_name"], state, seen, user["id"])
