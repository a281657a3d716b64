"""The pages about HTTP: endpoints, permissions, errors."""

import inspect
import re
from collections.abc import Mapping
from typing import Any, Final, get_type_hints

import msgspec

from api import errors
from api.call import Call
from api.callers import DEPLOY, PARTIAL, PUBLIC, READS, SESSION, SIGNED_IN
from api.routes import ROUTES
from api.table import SOCKET, Route
from tests.docs import shapes

ACCESS: Final[Mapping[str, str]] = {
    PUBLIC: "Anybody.",
    READS: "Anybody on this machine while `auth.anonymous_reads` allows it, else any signed-in"
    " caller; see [Security](../explanation/security.md#who-may-call).",
    SIGNED_IN: "Any session or API key; the route is about the caller's own things.",
    DEPLOY: "A deploy token that has not been used up, as `Authorization: Bearer`, or who has"
    " `platform.manage`.",
    PARTIAL: "A login whose password was right and whose second factor is due, by its cookie.",
    SESSION: "Any session, no API key: a key must not make further keys or end sessions.",
}
# What is answered besides refusals: the exception, and when it comes.
FAILURES: Final[Mapping[str, tuple[str, str]]] = {
    "Refused": ("see above", "A rule of the domain was broken."),
    "Denied": ("401, 403, 404, 422, 503", "The guard, or a check of a value, says no."),
    "WorkFailed": ("by kind, see below", "A worker ended without a result."),
    "Overloaded": ("503", "A queue is full; nothing was done. `retry_after` says when to retry."),
    "OutcomeUnknown": (
        "503",
        (
            "The disk failed during a commit, `error_code` is `outcome_unknown`; see"
            " [Durability](../explanation/durability.md)."
        ),
    ),
    "StorageFull": ("507", "The disk is full; nothing was changed."),
    "KeyReused": ("422", "The `Idempotency-Key` was used for another request."),
    "BadKey": ("422", "The `Idempotency-Key` is not 1 to 255 visible ASCII characters."),
    "AnswerGone": ("409", "A repeated request whose first answer showed a secret that is gone."),
    "ViewsBroken": ("503", "The read models have stopped; `/api/health/ready` names the event."),
    "ValidationException": (
        "422",
        (
            "The body or a parameter is well-formed but wrong; `fields` lists path and message. The"
            " value itself is never echoed."
        ),
    ),
    "UnicodeDecodeError": ("400", "The request is malformed."),
    "RecursionError": ("400", "The body is nested too deeply."),
    "HTTPException": (
        "400, 404, 405, 413, 415",
        "Malformed, unknown path, wrong method, too large, wrong media type.",
    ),
    "Exception": ("500", "A bug: the answer carries a `request_id` that stands in the server log."),
}


def endpoints() -> str:
    """docs/reference/endpoints.md."""
    parts = [
        "# Endpoints",
        (
            "Every route of the server, from its one route table. *Access* is a permission, or one"
            " of the words below; see [Permissions](permissions.md). *As of* tells whether"
            " `?as_of=` may ask for the past (a position, or an RFC 3339 time with a zone). `WS`"
            " is a WebSocket."
        ),
        shapes.table(("access", "who"), list(ACCESS.items())),
        (
            "Every answer carries `X-Request-ID`; one that led to events carries `X-Position`, one"
            " for the past `X-As-Of`. Every `GET` takes `?min_position=` and waits until the views"
            " have reached it. Every `POST`, `PUT` and `DELETE` of a caller who is known takes"
            " `Idempotency-Key`. With `X-Dango-Mask`, whatever its value, a request is answered as"
            " to somebody who lacks `pii.view`."
        ),
        shapes.table(
            ("method", "path", "access", "as of", "what it does"),
            [
                (r.method, f"[`{path(r)}`](#{_anchor(r)})", r.access, as_of(r), _what(r))
                for r in ROUTES
                if not r.page
            ],
        ),
        "## Pages",
        "For people with a browser, under the same guard. A form posts to its page's path.",
        shapes.table(
            ("method", "path", "access", "as of", "what it does"),
            [(r.method, f"`{path(r)}`", r.access, as_of(r), _what(r)) for r in ROUTES if r.page],
        ),
    ]
    for route in (route for route in ROUTES if not route.page):
        parts += [f"## {route.method} {path(route)}", *_details(route)]
    return "\n\n".join(part for part in parts if part)


def failures() -> str:
    """docs/reference/errors.md."""
    refusals = sorted(errors.REFUSALS.items(), key=lambda row: (row[0].__module__, row[1]))
    return "\n\n".join(
        [
            "# Errors",
            (
                'The body of every error is `{"detail": "<one sentence>", "request_id": "…"}`;'
                " beside it, where it helps, `error_code`, `fields`, `retry_after`, and what the"
                " rule knows (`job_id`, `source`, `file`, `line`, …). A 401 carries"
                " `WWW-Authenticate`, and where there is a `retry_after` there is a `Retry-After`"
                " header."
            ),
            "## Broken rules",
            "A refusal is a rule of the domain that the command would break; nothing has happened.",
            shapes.table(
                ("error_code", "status", "rule", "where"),
                [
                    (
                        f"`{errors._code(rule.__new__(rule))}`",
                        status,
                        shapes.summary(rule),
                        f"`{rule.__module__.replace('.', '/')}.py`",
                    )
                    for rule, status in refusals
                ],
            ),
            "## Everything else",
            shapes.table(
                ("cause", "status", "when"),
                [(f"`{kind.__name__}`", *FAILURES[kind.__name__]) for kind in errors.HANDLERS],
            ),
            "## Work that failed",
            (
                "What a worker's end is answered with, where a request waits for it (`POST"
                " /api/query`). A failed sync is no failed request: its job says so."
            ),
            shapes.table(
                ("cause", "status", "when"),
                [
                    (f"`{kind.__name__}`", status, shapes.summary(kind))
                    for kind, status in errors._WORK.items()
                ],
            ),
        ]
    )


def path(route: Route) -> str:
    """A route's path as people write it."""
    return re.sub(r":\w+\}", "}", route.path)


def as_of(route: Route) -> str:
    """Whether a route can show the past."""
    if route.method == SOCKET:
        return "replays with `?after=`"
    if route.method != "GET":
        return "yes, `as_of` in the body" if "as_of" in _body_fields(route) else ""
    return "yes" if route.always_now is None else f"no: {route.always_now}"


def _anchor(route: Route) -> str:
    text = f"{route.method} {path(route)}".lower()
    return re.sub(r"[^\w -]", "", text).replace(" ", "-")


def _what(route: Route) -> str:
    return _told(route).partition(". ")[0].removesuffix(".")


def _told(route: Route) -> str:
    """What a route does: its handler's docstring; a socket's is that of its module."""
    if route.method == SOCKET:
        return shapes.summary(inspect.getmodule(route.handler)).partition(": ")[2]
    return shapes.summary(route.handler)


def _body_fields(route: Route) -> tuple[str, ...]:
    struct = _struct(get_type_hints(route.handler).get("data"))
    return () if struct is None else struct.__struct_fields__


def _details(route: Route) -> list[str]:
    said = [f"{_told(route)} Access: {route.access}."]
    if route.method == SOCKET:
        return [" ".join(said)]
    if route.status != 200:
        said.append(f"Answers {route.status}.")
    if route.shows_secret:
        said.append("Its answer shows a secret, once.")
    parts = [" ".join(said)]
    hints = get_type_hints(route.handler)
    answer = hints.pop("return", None)
    body = hints.pop("data", None)
    given = inspect.signature(route.handler).parameters
    query = [
        (f"`{name}`", shapes.words(hint), _default(given[name]))
        for name, hint in hints.items()
        if hint is not Call and f"{{{name}:" not in route.path
    ]
    if query:
        parts += ["Query:", shapes.table(("parameter", "type", "default"), query)]
    if body is not None:
        parts += [f"Body{_optional(body)}:", _listed(_struct(body))]
    if (struct := _struct(answer)) is not None:
        many = "a list, each with" if getattr(answer, "__origin__", None) is list else "with"
        names = ", ".join(f"`{name}`" for name in struct.__struct_fields__)
        parts.append(f"Answer: {many} {names}.")
    return parts


def _default(parameter: inspect.Parameter) -> str:
    return "" if parameter.default in (None, inspect.Parameter.empty) else f"`{parameter.default}`"


def _optional(annotation: Any) -> str:
    return "" if isinstance(annotation, type) else ", may be left out"


def _struct(annotation: Any) -> Any:
    """The struct that a type is or holds."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    inner = getattr(annotation, "__args__", ())
    return next((found for each in inner if (found := _struct(each)) is not None), None)


def _listed(struct: Any) -> str:
    rows = [row[:3] for row in shapes.fields(struct)]
    return shapes.table(("field", "type", "default"), rows)
