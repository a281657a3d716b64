"""The same request twice under one Idempotency-Key: one effect, one answer.

The effect is the writer's concern (the key is a tag of the first event). Here is the answer: it is
sealed in the vault after the first time, and given again without asking the handler.
"""

from datetime import timedelta
from typing import Any, Final

import msgspec
from litestar import Request, Response

from api import asgi
from api.call import KEY_LIFE, SECRET_LIFE, Call
from commands.kernel import Keep, KeyReused

ANSWER_BYTES_MAX: Final = 256 * 1024  # a longer answer is made anew from what was recorded


class Kept(msgspec.Struct, frozen=True):
    """A sealed answer."""

    request: str
    status: int
    body: msgspec.Raw
    position: int | None


async def before(request: Request[Any, Any, Any]) -> Response[Any] | None:
    """The kept answer, if this request came before under its key. Raises KeyReused."""
    call = asgi.call(request.scope)
    if call is None or call.key is None:
        return None
    sealed = call.platform.secrets.read("answer", call.key.id)
    if sealed is None:
        return None
    kept = msgspec.json.decode(sealed, type=Kept)
    if kept.request != call.key.request:
        raise KeyReused
    call.key = None
    call.position = kept.position
    return Response(
        bytes(kept.body),
        status_code=kept.status,
        media_type="application/json",
        headers={"Idempotency-Replayed": "true"},
    )


async def after(call: Call, status: int, body: bytes) -> None:
    """Keep the answer of a request that did something."""
    if call.key is None or call.position is None or len(body) > ANSWER_BYTES_MAX:
        return
    life: timedelta = SECRET_LIFE if call.route.shows_secret else KEY_LIFE
    kept = Kept(call.key.request, status, msgspec.Raw(body or b"null"), call.position)
    expires_at = call.platform.clock() + life
    await call.platform.answers.keep(
        Keep("answer", call.key.id, msgspec.json.encode(kept), expires_at)
    )
