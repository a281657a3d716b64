"""What programs in pages of other sites may do, and read: nothing, but for origins on a list."""

from typing import TYPE_CHECKING, Final

from api import asgi
from api.asgi import Message, Scope

if TYPE_CHECKING:
    from api.platform import HttpSettings

PREFLIGHT_LIFE_S: Final = 600
METHODS: Final = b"GET, HEAD, POST, PUT, DELETE"
SENT: Final = b"Authorization, Content-Type, Idempotency-Key, X-Request-ID, X-Requested-With"
READ: Final = b"Retry-After, X-As-Of, X-Position, X-Request-ID"

Pairs = list[tuple[bytes, bytes]]


def headers(scope: Scope, settings: "HttpSettings") -> Pairs:
    """What goes onto every answer where there is a list; else nothing."""
    if not settings.allowed_origins:
        return []
    vary = (b"vary", b"Origin")
    origin = asgi.header(scope, "origin")
    if origin is None or origin not in settings.allowed_origins:
        return [vary]
    return [
        vary,
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", READ),
    ]


def preflight(scope: Scope, settings: "HttpSettings") -> Message | None:
    """The answer to a browser that asks whether a page may send a request; None: it may not."""
    if scope["method"] != "OPTIONS" or not settings.allowed_origins:
        return None
    asked = asgi.header(scope, "access-control-request-method")
    if asked is None or asgi.header(scope, "origin") not in settings.allowed_origins:
        return None
    pairs = [
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", SENT),
        (b"access-control-max-age", b"%d" % PREFLIGHT_LIFE_S),
        (b"content-length", b"0"),
    ]
    return {"type": "http.response.start", "status": 200, "headers": pairs}
