"""The OpenAPI document of the route table, and two pages that show it.

It is made when it is first asked for, in a thread: nobody who serves data waits for it, at start
least of all. The pages use our copies of Swagger UI and Redoc, and no other host.
"""

import asyncio
import functools
import inspect
import re
from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec
from litestar import Litestar, Response

from api.call import Call
from api.callers import DEPLOY, PARTIAL, PUBLIC, READS, SESSION, SIGNED_IN
from api.pages import render, static
from api.platform import HttpSettings
from api.table import Route

REF: Final = "#/components/schemas/{name}"
PARAMETER: Final = re.compile(r"\{(\w+):(\w+)\}")
KINDS: Final = {"int": {"type": "integer"}, "str": {"type": "string"}, "path": {"type": "string"}}
ACCESS: Final = {
    PUBLIC: "Anybody.",
    READS: "Anybody on the server's machine while `auth.anonymous_reads` allows it, else any"
    " signed-in caller.",
    SIGNED_IN: "Any session or API key.",
    SESSION: "Any session; no API key.",
    DEPLOY: "A deploy token that has not been used up, or who has `platform.manage`.",
    PARTIAL: "A login whose password was right and whose second factor is due.",
}
# What the two viewers cannot do without, and no other page may (measured with each of them).
SWAGGER_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
REDOC_POLICY: Final = f"{SWAGGER_POLICY}; worker-src blob:"
AS_OF: Final = {
    "name": "as_of",
    "in": "query",
    "description": "A position, or an RFC 3339 time: the answer is that of then.",
    "schema": {"type": "string"},
}
MIN_POSITION: Final = {
    "name": "min_position",
    "in": "query",
    "description": "Wait until the views have reached this position.",
    "schema": {"type": "integer", "minimum": 0},
}
IDEMPOTENCY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key gives the same answer and no second effect, for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every error."""

    detail: str
    request_id: str
    error_code: str | None = None
    fields: list[dict[str, str]] = []
    retry_after: int | None = None


async def document(call: Call) -> Response[bytes]:
    """Give the OpenAPI document of this server."""
    platform, rows = call.platform, routes(call.request.app)
    made = await asyncio.to_thread(encoded, rows, platform.version, platform.settings)
    return Response(made, media_type="application/json", headers={"cache-control": "no-cache"})


async def swagger(call: Call) -> Response[str]:
    """Show the endpoints, to try them out."""
    script = "vendor/swagger-ui/swagger-ui-bundle.js"
    return _viewer(call, "swagger.html", script, SWAGGER_POLICY)


async def redoc(call: Call) -> Response[str]:
    """Show the endpoints, to read about them."""
    script = "vendor/redoc/redoc.standalone.js"
    return _viewer(call, "redoc.html", script, REDOC_POLICY)


def _viewer(call: Call, template: str, script: str, policy: str) -> Response[str]:
    answer = render.page(call, template, "API", script=script, there=static.known(script))
    answer.headers["content-security-policy"] = policy
    return answer


@functools.lru_cache(maxsize=2)
def routes(app: Litestar) -> tuple[Route, ...]:
    """The rows that an application was made of, without its sockets."""
    found = {
        handler.opt["route"]: None
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if "route" in handler.opt
    }
    return tuple(sorted(found, key=lambda route: (route.page, route.path, route.method)))


@functools.lru_cache(maxsize=2)
def encoded(rows: tuple[Route, ...], version: str, settings: HttpSettings) -> bytes:
    """The document as JSON; made once."""
    return msgspec.json.encode(make(rows, version, settings))


def make(rows: Sequence[Route], version: str, settings: HttpSettings) -> dict[str, Any]:
    """The document."""
    types = {kind for row in rows if not (row.page or row.proxied) for kind in _types(row)}
    _, schemas = msgspec.json.schema_components([*types, Problem], ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        path = PARAMETER.sub(r"{\1}", row.path)
        paths.setdefault(path, {})[row.method.lower()] = _operation(row)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Dango",
            "version": version,
            "description": "Every change is an event; every answer is a fold of the event log."
            " Live events come over the WebSocket `/ws`.",
        },
        "servers": [{"url": settings.public_url or "/"}],
        "security": [{"cookie": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "cookie": {"type": "apiKey", "in": "cookie", "name": settings.cookie},
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, `dango_ak_…`.",
                },
            },
        },
    }


def _operation(row: Route) -> dict[str, Any]:
    said = inspect.getdoc(row.handler) or row.handler.__name__
    access = ACCESS.get(row.access, f"Permission `{row.access}`.")
    module = inspect.getmodule(row.handler)
    tag = "pages" if row.page else (module.__name__ if module else "api").rpartition(".")[2]
    found: dict[str, Any] = {
        "operationId": f"{row.method.lower()}_{re.sub(r'[^a-z0-9]+', '_', row.path).strip('_')}",
        "summary": said.partition("\n")[0],
        "description": f"Access: {access}",
        "tags": [tag.replace("_", " ")],
        "x-access": row.access,
        "parameters": _parameters(row),
        "responses": _responses(row),
    }
    if row.access == PUBLIC:
        found["security"] = []
    elif row.access == DEPLOY:
        found["security"] = [{"cookie": []}, {"bearer": []}]
    elif row.access == READS:
        found["security"] = [{}, {"cookie": []}, {"bearer": []}]
    elif row.access in (SESSION, PARTIAL):
        found["security"] = [{"cookie": []}]
    if (body := _hints(row).get("data")) is not None:
        content = {"application/json": {"schema": _schema(body)}}
        found["requestBody"] = {"required": NoneType not in _members(body), "content": content}
    elif row.page and row.method == "POST":
        form = {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}
        found["requestBody"] = {"content": form}
    return found


def _parameters(row: Route) -> list[dict[str, Any]]:
    inside = PARAMETER.findall(row.path)
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": KINDS[kind]}
        for name, kind in inside
    ]
    given = inspect.signature(row.handler).parameters
    known = {"call", "data", "return", *(name for name, _ in inside)}
    for name, hint in _hints(row).items():
        if name not in known:
            schema, default = _schema(hint), given[name].default
            if default not in (None, inspect.Parameter.empty):
                schema = {**schema, "default": default}
            required = default is inspect.Parameter.empty
            found.append({"name": name, "in": "query", "required": required, "schema": schema})
    if row.method == "GET":
        found += [] if row.always_now else [AS_OF, MIN_POSITION]
    elif row.access not in (PUBLIC, PARTIAL):
        found.append(IDEMPOTENCY)
    return found


def _responses(row: Route) -> dict[str, Any]:
    problem: dict[str, Any] = {"application/json": {"schema": {"$ref": REF.format(name="Problem")}}}
    if row.page or row.proxied:
        content: dict[str, Any] = {"text/html": {"schema": {"type": "string"}}}
        problem = content
    else:
        content = {"application/json": {"schema": _schema(_answer(row))}}
    done = {"description": "Done.", "content": content}
    return {
        str(row.status): done,
        "default": {"description": "Refused or failed.", "content": problem},
    }


def _types(row: Route) -> list[Any]:
    return [*_members(_hints(row).get("data")), *_members(_answer(row))]


def _hints(row: Route) -> dict[str, Any]:
    return get_type_hints(row.handler, include_extras=True)


def _answer(row: Route) -> Any:
    """The type of a route's answer; None where the handler makes the response itself."""
    found = _hints(row).get("return", Any)
    return None if _is_response(found) else found


def _schema(kind: Any) -> dict[str, Any]:
    if kind is None:
        return {}
    (*found,), _ = msgspec.json.schema_components(_members(kind), ref_template=REF)
    return found[0] if len(found) == 1 else {"anyOf": found}


def _members(kind: Any) -> list[Any]:
    """The types of a union, which may be more than one could be decoded from."""
    if get_origin(kind) in (Union, UnionType):
        return [each for each in get_args(kind) if not _is_response(each)]
    return [] if kind is None or _is_response(kind) else [kind]


def _is_response(kind: Any) -> bool:
    origin = get_origin(kind) or kind
    return isinstance(origin, type) and issubclass(origin, Response)
