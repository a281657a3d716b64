"""/account/2fa: second factors set up, taken away and their recovery codes replaced, with forms."""

from litestar import Response

from api import auth, bodies, factors, sessions
from api import users as accounts
from api.call import Call
from api.pages import render
from api.pages.access import FACTOR
from api.pages.forms import convert, form_page
from domain.factors import CodeWrong
from domain.kernel import Refused


async def factor_page(call: Call) -> Response[str]:
    """Show whether there is a second factor, and the forms to change that."""
    return _page(call)


async def set_up(call: Call) -> Response[str]:
    """Begin a setup: show the seed, as a QR code and as text, and take a code of it."""
    fields = bodies.form(await call.request.body())
    try:
        made = await factors.set_up(call, convert(fields, factors.Password))
    except Refused as refused:
        return _page(call, refused)
    return _setup(call, seed=made)


async def verify(call: Call) -> Response[str]:
    """Complete a setup; show the recovery codes, once."""
    fields = bodies.form(await call.request.body())
    try:
        done = await factors.verify_setup(call, convert(fields, factors.SetupCode))
    except CodeWrong as refused:
        return _setup(call, refused)  # the seed is in the app, and was shown to who gave a password
    except Refused as refused:
        return _page(call, refused)
    return _codes(call, done.recovery_codes)


async def disable(call: Call) -> Response[str]:
    """Do without a second factor."""
    fields = bodies.form(await call.request.body())
    if not fields.get("code"):
        fields.pop("code", None)
    try:
        await factors.disable(call, convert(fields, factors.Disabling))
    except Refused as refused:
        return _page(call, refused)
    return render.see_other(FACTOR)


async def regenerate(call: Call) -> Response[str]:
    """Replace the recovery codes; show the new ones, once."""
    fields = bodies.form(await call.request.body())
    try:
        made = await factors.regenerate(call, convert(fields, factors.Regeneration))
    except Refused as refused:
        return _page(call, refused)
    return _codes(call, made.recovery_codes)


def _page(call: Call, refused: Refused | None = None) -> Response[str]:
    call.views = call.platform.views.current
    own = sessions.own_account(call)
    return form_page(
        call,
        "factor.html",
        "Two-factor authentication",
        refused,
        enabled=own.totp,
        email=accounts.email_of(own.user_id, call.platform),
        has_password=auth.has_password(call, own),
        forced=call.caller.must_set_up_2fa,
    )


def _setup(
    call: Call, refused: Refused | None = None, seed: factors.Setup | None = None
) -> Response[str]:
    return form_page(call, "setup.html", "Set up your app", refused, seed=seed)


def _codes(call: Call, codes: tuple[str, ...]) -> Response[str]:
    return form_page(call, "codes.html", "Your recovery codes", codes=codes)
