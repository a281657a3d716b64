"""/users: the accounts, and what an admin does with one; links and passwords are shown once."""

from collections.abc import Awaitable
from typing import Any, Final
from urllib.parse import quote

from litestar import Response

from api import errors, users
from api.call import Call
from api.pages import forms, lines, render
from domain.permissions import PERMISSIONS, Role

USERS: Final = "/users"


async def list_users(call: Call) -> Response[str]:
    """Show all accounts."""
    return await _list(call)


async def moved() -> Response[str]:
    """Lead to the users, from where the reference has them."""
    return render.found("/users")


async def one_user(call: Call, user_id: str) -> Response[str]:
    """Show one account."""
    return _one(call, user_id)


async def invite(call: Call) -> Response[str]:
    """Invite somebody, or make an account with a temporary password."""
    given = _ticked(await forms.filled(call))
    try:
        made = await users.create_user(call, forms.convert(given, users.NewUser))
    except errors.TOLD as refused:
        return await _list(call, refused, given)
    return _shown(call, f"The way in for {made.user.email}", made, USERS)


async def reinvite(call: Call, user_id: str) -> Response[str]:
    """Make a new invitation link."""
    await forms.read(call)
    try:
        made = await users.reinvite(call, user_id)
    except errors.TOLD as refused:
        return _one(call, user_id, refused)
    return _shown(call, "A new invitation; the one before is void", made, path(user_id))


async def reset_password(call: Call, user_id: str) -> Response[str]:
    """Make a link for a new password, or a temporary one."""
    given = _ticked(await forms.filled(call))
    try:
        made = await users.reset_password(call, user_id, forms.convert(given, users.Reset))
    except errors.TOLD as refused:
        return _one(call, user_id, refused)
    return _shown(call, f"A new password for {made.user.email}", made, path(user_id))


async def change_role(call: Call, user_id: str) -> Response[str]:
    """Give a user another role."""
    body = forms.convert(await forms.filled(call), users.NewRole)
    return await _done(call, user_id, users.change_role(call, user_id, body))


async def deactivate(call: Call, user_id: str) -> Response[str]:
    """Take a user's access away."""
    await forms.read(call)
    return await _done(call, user_id, users.deactivate(call, user_id))


async def reactivate(call: Call, user_id: str) -> Response[str]:
    """Give a user access again."""
    await forms.read(call)
    return await _done(call, user_id, users.reactivate(call, user_id))


async def unlock(call: Call, user_id: str) -> Response[str]:
    """Let a user's failed logins count no more."""
    await forms.read(call)
    return await _done(call, user_id, users.unlock(call, user_id))


async def revoke_sessions(call: Call, user_id: str) -> Response[str]:
    """End all sessions of a user."""
    await forms.read(call)
    return await _done(call, user_id, users.revoke_sessions(call, user_id))


async def delete(call: Call, user_id: str) -> Response[str]:
    """Delete a user for good; the address must be typed."""
    given = await forms.read(call)
    body = forms.convert({"confirm_email": "", **given}, users.Deletion)
    return await _done(call, user_id, users.delete_user(call, user_id, body), USERS)


def path(user_id: str) -> str:
    """The page of a user."""
    return f"{USERS}/{quote(user_id, safe='')}"


async def _done(
    call: Call, user_id: str, doing: Awaitable[Any], back: str | None = None
) -> Response[str]:
    """Carry a form out, and go back; what was refused is told on the user's page."""
    try:
        await doing
    except errors.TOLD as refused:
        return _one(call, user_id, refused)
    own = user_id == call.caller.user_id and call.cookies
    return render.see_other("/login" if own else back or path(user_id))


def _ticked(given: dict[str, str]) -> dict[str, Any]:
    return {**given, "generate_password": given.get("generate_password") == forms.TICKED}


def _shown(call: Call, what: str, made: Any, back: str) -> Response[str]:
    found = (
        ("Link", getattr(made, "invite_url", None) or getattr(made, "reset_url", None)),
        ("Temporary password", getattr(made, "temp_password", None)),
    )
    values = [(name, value) for name, value in found if value]
    return forms.form_page(
        call, "shown_once.html", "Hand this over", what=what, values=values, back=back
    )


async def _list(
    call: Call, refused: Exception | None = None, given: dict[str, Any] | None = None
) -> Response[str]:
    if call.changes:
        call.views = call.platform.views.current
    given = given or {}
    return forms.form_page(
        call,
        "users.html",
        "Users",
        refused,
        at=USERS,
        users=await users.list_users(call),
        own={name: given.get(name, "") for name in ("email", "display_name", "role")},
        roles=[(str(role), len(PERMISSIONS[role])) for role in Role],
        may_manage=call.as_of is None,
        now=call.views.now,
    )


def _one(call: Call, user_id: str, refused: Exception | None = None) -> Response[str]:
    if call.changes:
        call.views = call.platform.views.current
    user = users.one(call, user_id)
    return forms.form_page(
        call,
        "user.html",
        user.display_name or user.email or "A user",
        refused,
        at=path(user_id),
        user=user,
        itself=user_id == call.caller.user_id,
        roles=[str(role) for role in Role],
        permissions=sorted(PERMISSIONS[user.role]),
        events=lines.about(call, f"user:{user_id}"),
        may_manage=call.as_of is None,
        now=call.views.now,
    )
