"""Errors as pages: who is not logged in goes to the login, everybody else is told what is wrong."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from litestar import Request, Response
from litestar.enums import MediaType

from api import asgi

TITLES: Final[Mapping[int, str]] = {
    400: "This request is malformed",
    401: "Log in to see this",
    403: "This is not for you",
    404: "There is nothing here",
    405: "That cannot be done here",
    409: "Not now",
    413: "That is too large",
    415: "That is of the wrong type",
    422: "That does not fit",
    429: "Too many attempts",
    500: "Something broke",
    502: "A service does not answer",
    503: "The server is busy",
    507: "The disk is full",
}


def page(
    request: Request[Any, Any, Any], status: int, detail: str, facts: Mapping[str, Any]
) -> Response[Any]:
    """The page of an error, or the way to the login."""
    from api.pages import render  # it asks the capabilities, which raise what is answered here

    path = str(request.scope["path"])  # not of the URL: the host may be no host at all
    api, fragments = path.startswith("/api/"), render.wants_fragments(request.scope)
    if status == HTTPStatus.UNAUTHORIZED and not api and not fragments:
        return _login(request)
    answer = render.bare(
        "error.html",
        TITLES.get(status, "That did not work"),
        status=status,
        version=asgi.platform(request.scope).version,
        status_code=status,
        detail=detail,
        permission=facts.get("permission"),
        must_change=facts.get("error_code") == "must_change_password",
        must_set_up=facts.get("error_code") == "2fa_setup_required",
        request_id=asgi.request_id(request.scope),
        log_in=status == HTTPStatus.UNAUTHORIZED,
    )
    if "retry_after" in facts:
        answer.headers["Retry-After"] = str(facts["retry_after"])
    return answer


def _login(request: Request[Any, Any, Any]) -> Response[Any]:
    """There and back again; a form that was posted is not posted again."""
    where = "/"
    if request.method in ("GET", "HEAD"):
        where = request.url.path
        if request.url.query:
            where = f"{where}?{request.url.query}"
    return Response(
        "",
        status_code=302 if request.method in ("GET", "HEAD") else 303,
        media_type=MediaType.HTML,
        headers={"location": f"/login?next={quote(where, safe='/')}"},
    )
