"""Plain forms: read as the bodies that the API takes; shown once more when they are refused."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec
from litestar import Response

from api import bodies, errors
from api.call import Call
from api.pages import render

Form = TypeVar("Form", bound=msgspec.Struct)
TICKED: Final = "on"  # what a browser sends for a checkbox
_WHERE: Final = re.compile(r"^(.*?)(?: - at `\$(?:\.([\w.\[\]-]+))?`)?$", re.DOTALL)


async def read(call: Call) -> dict[str, str]:
    """The fields of the form that was posted. Raises Malformed."""
    return bodies.form(await call.request.body())


async def filled(call: Call) -> dict[str, str]:
    """The same, without the fields that were left empty."""
    return {name: value for name, value in (await read(call)).items() if value != ""}


def convert(fields: Mapping[str, Any], form: type[Form]) -> Form:
    """The fields of a form as the body that the API takes. Raises Denied, 422."""
    try:
        return msgspec.convert(dict(fields), form, strict=False)
    except msgspec.ValidationError as error:
        found = _WHERE.match(str(error))
        reason, where = (found[1], found[2]) if found else ("is not valid", None)
        raise errors.invalid(where or "form", errors.safe(reason)) from None


async def done(
    doing: Awaitable[object],
    back: str,
    again: Callable[[Exception], Awaitable[Response[str]]],
    missing: type[Exception] | tuple[type[Exception], ...] = (),
) -> Response[str]:
    """Carry out what a form asked for and go `back`; the page of `again` tells what was refused.

    What says that the thing itself is `missing` has no page to be told on: it is raised.
    """
    try:
        await doing
    except missing:
        raise
    except errors.TOLD as refused:
        return await again(refused)
    return render.see_other(back)


async def sent(
    send: Callable[[Form], Awaitable[object]],
    form: type[Form],
    fields: Mapping[str, Any],
    back: str,
    again: Callable[[Exception], Awaitable[Response[str]]],
) -> Response[str]:
    """Send the fields of a form as the body that the API takes; for the rest as `done`."""

    async def doing() -> None:
        await send(convert(fields, form))

    return await done(doing(), back, again)


def form_page(
    call: Call, template: str, title: str, refused: Exception | None = None, **values: Any
) -> Response[str]:
    """A page with a form; once more with the reason, when what it asked for was refused.

    `refused` is one of errors.TOLD.
    """
    status, problem, facts = (200, None, {}) if refused is None else errors.told(refused)
    page = render.page(call, template, title, status=status, problem=problem, **values)
    if "retry_after" in facts:
        page.headers["Retry-After"] = str(facts["retry_after"])
    return page
