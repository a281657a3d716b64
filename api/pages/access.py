"""Logging in and out, and changing one's password, with plain forms."""

from typing import Final
from urllib.parse import urlencode, urlsplit

from litestar import Response

from api import auth, bodies, factors
from api import users as accounts
from api.call import Call
from api.pages import render
from api.pages.forms import convert, form_page
from domain.factors import PartialSessionOver
from domain.kernel import Refused
from domain.passwords import RepeatedDiffers

CHANGE: Final = "/account/password"
FACTOR: Final = "/account/2fa"


async def login_page(call: Call) -> Response[str]:
    """Show the form to log in."""
    where = same_origin(call.request.query_params.get("next", "/"))
    if call.caller.role is not None:
        return render.see_other(where)
    if call.caller.partial is not None:
        return render.see_other(code_url(where))
    return _form(call, where=where)


async def login(call: Call) -> Response[str]:
    """Log in with a form, and go to where one was going."""
    fields = bodies.form(await call.request.body())
    where = same_origin(fields.pop("next", "/"))
    try:
        answer = await auth.login(call, convert(fields, auth.Login))
    except Refused as refused:
        return _form(call, where=where, email=fields.get("email", ""), refused=refused)
    if isinstance(answer, auth.SecondFactorDue):
        return render.see_other(code_url(where))
    return render.see_other(_first(answer, where))


async def code_page(call: Call) -> Response[str]:
    """Show the form for the second factor."""
    where = same_origin(call.request.query_params.get("next", "/"))
    if call.caller.partial is None:
        return render.see_other(where if call.caller.role is not None else "/login")
    return _code_form(call, where)


async def verify(call: Call) -> Response[str]:
    """Give the second factor with a form, and go to where one was going."""
    fields = bodies.form(await call.request.body())
    where = same_origin(fields.pop("next", "/"))
    try:
        answer = await factors.verify(call, convert(fields, factors.LoginCode))
    except PartialSessionOver:
        return render.see_other("/login")
    except Refused as refused:
        return _code_form(call, where, refused)
    return render.see_other(_first(answer, where))


def _first(answer: auth.LoggedIn, where: str) -> str:
    """Where somebody who is logged in now goes: what has to be done comes first."""
    if answer.must_change_password:
        return CHANGE
    return FACTOR if answer.requires_2fa_setup else where


async def password_page(call: Call) -> Response[str]:
    """Show the form to change one's password."""
    return _password_form(call)


async def change_password(call: Call) -> Response[str]:
    """Change one's password with a form."""
    fields = bodies.form(await call.request.body())
    if fields.pop("repeated", None) != fields.get("new_password"):
        return _password_form(call, RepeatedDiffers())
    try:
        await auth.change_password(call, convert(fields, auth.NewPassword))
    except Refused as refused:
        return _password_form(call, refused)
    return render.see_other("/")


async def password_moved() -> Response[str]:
    """Lead to the form to change one's password, from where the reference has it."""
    return render.found(CHANGE)


async def logout(call: Call) -> Response[str]:
    """Log out."""
    await auth.logout(call)
    return render.see_other("/login")


def same_origin(where: str) -> str:
    """Where to go afterwards: a path of ours, or home.

    Browsers read a backslash as a slash and drop control characters, so neither may be there.
    """
    try:
        parts = urlsplit(where)
    except ValueError:
        return "/"
    ours = where.startswith("/") and not where.startswith("//") and "\\" not in where
    printable = where.isascii() and where.isprintable()
    loop = parts.path in ("/login", "/login/code", "/logout")
    return where if ours and printable and not loop and not parts.netloc else "/"


def _form(
    call: Call, *, where: str, email: str = "", refused: Refused | None = None
) -> Response[str]:
    platform = call.platform
    offered = platform.providers if platform.settings.auth_enabled else {}
    after = urlencode({"next": where})
    return form_page(
        call,
        "login.html",
        "Log in",
        refused,
        where=where,
        email=email,
        providers=[
            (provider.label, f"/api/auth/oauth/{name}/login?{after}")
            for name, provider in offered.items()
        ],
    )


def code_url(where: str) -> str:
    """The page for the second factor."""
    return f"/login/code?{urlencode({'next': where})}"


def _code_form(call: Call, where: str, refused: Refused | None = None) -> Response[str]:
    return form_page(call, "code.html", "One more step", refused, where=where)


def _password_form(call: Call, refused: Refused | None = None) -> Response[str]:
    forced = call.caller.must_change_password
    title, email = "Change your password", _email(call)
    return form_page(call, "password.html", title, refused, forced=forced, email=email)


def _email(call: Call) -> str:
    """The caller's own address, for password managers; empty for who has none."""
    user_id = call.caller.user_id
    return "" if user_id is None else accounts.email_of(user_id, call.platform)
