"""/account: what one's account is, and what one does with it, with plain forms."""

from collections.abc import Awaitable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec
from litestar import Response

from api import api_keys, auth, bodies, errors, factors, identities, oauth, sessions
from api import users as accounts
from api.call import Call
from api.pages import render
from api.pages.forms import convert, form_page
from domain.kernel import Refused
from domain.permissions import EVERY
from domain.sessions import LoginFailed, SessionStarted
from projections import audit

ACCOUNT: Final = "/account"
NARROWED: Final = "only "  # before a permission's name, in the form of a new key
TICKED: Final = "on"
LOGINS: Final = (SessionStarted.type_name(), LoginFailed.type_name())
LOGINS_SHOWN: Final = 10
THEME_LIFE_S: Final = 365 * 86_400


class NewKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form of a new key, but for the permissions that it is narrowed to."""

    name: str
    last_day: str = ""  # on which it is good; empty: it does not expire


async def account(call: Call) -> Response[str]:
    """Show one's account, sessions, keys and logins at other places."""
    return await _page(call)


async def account_moved() -> Response[str]:
    """Lead to one's account, from where the reference has it."""
    return render.found(ACCOUNT)


async def choose_theme(call: Call) -> Response[str]:
    """Remember in this browser whether pages are light or dark."""
    chosen = bodies.form(await call.request.body()).get("theme", "")
    if chosen and chosen not in render.THEMES:
        raise errors.invalid("theme", f"is none of {', '.join(render.THEMES)}")
    call.set_cookie(render.THEME, chosen, THEME_LIFE_S if chosen else 0)
    return render.see_other(f"{ACCOUNT}#looks")


async def end_session(call: Call, session_id: str) -> Response[str]:
    """End one of one's own sessions."""
    return await _done(call, sessions.revoke_session(call, session_id))


async def end_others(call: Call) -> Response[str]:
    """End all of one's own sessions but this one."""
    return await _done(call, sessions.revoke_others(call))


async def create_key(call: Call) -> Response[str]:
    """Make an API key, and show it this once."""
    fields = bodies.form(await call.request.body())
    try:
        made = await api_keys.create_key(call, _new_key(fields))
    except Refused as refused:
        return await _page(call, refused)
    return form_page(call, "key.html", "Your new key", made=made)


async def revoke_key(call: Call, key_id: str) -> Response[str]:
    """Revoke one of one's own API keys."""
    return await _done(call, api_keys.revoke_key(call, key_id))


async def link(call: Call, provider: str) -> Response[str]:
    """Begin to link one's account with one at a provider; a page with the way there.

    No redirect: a form may lead nowhere but to this server, by the pages' policy.
    """
    fields = bodies.form(await call.request.body())
    try:
        there = await oauth.link(call, provider, convert(fields, factors.Password))
    except Refused as refused:
        return await _page(call, refused)
    label = call.platform.providers[provider].label
    return form_page(call, "elsewhere.html", "One more step", label=label, url=there.url)


async def unlink(call: Call, identity_id: str) -> Response[str]:
    """Unlink a login at another place."""
    return await _done(call, identities.unlink_identity(call, identity_id))


async def _done(call: Call, doing: Awaitable[Any]) -> Response[str]:
    """Carry a form out, and go back; what was refused is told there."""
    try:
        await doing
    except Refused as refused:
        return await _page(call, refused)
    return render.see_other(_back(call))


def _back(call: Call) -> str:
    """Who has ended the session that the form came with has nothing to see any more."""
    return ACCOUNT if not call.cookies else "/login"


def _new_key(fields: dict[str, str]) -> api_keys.NewKey:
    """The body that the API takes. Raises Denied, 422."""
    named = {name for name, value in fields.items() if name.startswith(NARROWED)}
    if any(fields[name] != TICKED for name in named):
        raise errors.invalid("form", "has a tick that is none")
    given = convert({k: v for k, v in fields.items() if k not in named}, NewKey)
    body: dict[str, Any] = {"name": given.name, "expires_at": _end_of(given.last_day)}
    if named:
        body["permissions"] = frozenset(name.removeprefix(NARROWED) for name in named)
    return convert(body, api_keys.NewKey)


def _end_of(day: str) -> datetime | None:
    """When a day ends, in UTC; None for no day. Raises Denied, 422."""
    if not day:
        return None
    try:
        end = date.fromisoformat(day) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise errors.invalid("last_day", "is not a day, as 2026-12-31") from None
    return datetime(end.year, end.month, end.day, tzinfo=UTC)


def _logins(call: Call, user_id: str) -> list[audit.Line]:
    """One's own newest logins, those that failed among them."""
    wanted = audit.Filter(user=user_id, types=LOGINS)
    return audit.matching(call.views, wanted, LOGINS_SHOWN)


async def _page(call: Call, refused: Refused | None = None) -> Response[str]:
    call.views = call.platform.views.current  # what was just done shows
    own = sessions.own_account(call)
    providers = call.platform.providers if call.platform.settings.auth_enabled else {}
    return form_page(
        call,
        "account.html",
        "Your account",
        refused,
        user=accounts.one(call, own.user_id),
        has_password=auth.has_password(call, own),
        sessions=await sessions.list_sessions(call),
        keys=await api_keys.list_keys(call),
        identities=[
            (found, providers[found.provider].label if found.provider in providers else "")
            for found in await identities.list_identities(call)
        ],
        labels=[(name, provider.label) for name, provider in providers.items()],
        permissions=sorted(name for name in EVERY if call.caller.may(name)),
        narrowed=NARROWED,
        logins=_logins(call, own.user_id),
        theme=render.theme(call),
        themes=("", *render.THEMES),
        now=call.views.now,
    )
