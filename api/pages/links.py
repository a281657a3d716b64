"""Choosing a password with a link, with plain forms."""

from typing import Final

from litestar import Response

from api import bodies, links
from api.call import Call
from api.pages import render
from api.pages.forms import convert, form_page
from domain.kernel import Refused
from domain.passwords import RepeatedDiffers

INVITE: Final = "/invite/"
RESET: Final = "/reset/"


async def invite_page(call: Call, token: str) -> Response[str]:
    """Show the form of an invitation; whether the link is good is told by sending it."""
    return _form(call, f"{INVITE}{token}")


async def accept_invite(call: Call, token: str) -> Response[str]:
    """Accept an invitation with a form."""
    return await _chosen(call, token, INVITE)


async def reset_page(call: Call, token: str) -> Response[str]:
    """Show the form of a password reset."""
    return _form(call, f"{RESET}{token}")


async def reset_password(call: Call, token: str) -> Response[str]:
    """Set a new password with a form."""
    return await _chosen(call, token, RESET)


async def _chosen(call: Call, token: str, page: str) -> Response[str]:
    where = f"{page}{token}"
    fields = bodies.form(await call.request.body())
    if fields.pop("repeated", None) != fields.get("password"):
        return _form(call, where, RepeatedDiffers())
    try:
        if page == INVITE:
            await links.accept_invite(call, convert({**fields, "token": token}, links.Acceptance))
        else:
            await links.reset_password(call, convert({**fields, "token": token}, links.Redemption))
    except Refused as refused:
        return _form(call, where, refused)
    return render.see_other("/login")


def _form(call: Call, where: str, refused: Refused | None = None) -> Response[str]:
    invited = where.startswith(INVITE)
    title = "Welcome" if invited else "Choose a new password"
    return form_page(call, "link.html", title, refused, where=where, invited=invited)
