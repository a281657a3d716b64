"""The same request twice under one Idempotency-Key: one effect, one answer.

The effect is the writer's concern (the key is a tag of the first event). Here is the answer: it is
sealed in the vault after the first time, and given again without asking the handler. Requests that
come at once under one key take turns, so that the later ones find the answer of the first.
"""

import asyncio
import logging
from datetime import timedelta
from typing import Any, Final

import msgspec
from litestar import Request, Response

from api import asgi
from api.call import KEY_LIFE, SECRET_LIFE, AnswerGone, Call, Key
from commands.kernel import Keep, KeyReused, OutcomeUnknown, Overloaded, StorageFull

TURN_S: Final = 60.0  # how long a request waits for one before it under the same key
JSON: Final = "application/json"
CHARSET: Final = "; charset=utf-8"  # the framework puts it to each text, every time
ANSWER_BYTES_MAX: Final = 256 * 1024  # a longer answer is made anew from what was recorded


_log = logging.getLogger("dango.api")


class Kept(msgspec.Struct, frozen=True):
    """A sealed answer."""

    request: str
    status: int
    body: msgspec.Raw
    position: int | None
    headers: dict[str, str] = {}
    media_type: str = JSON
    file: bytes = b""  # in place of the body, of another type


class _Turn(msgspec.Struct, eq=False):
    lock: asyncio.Lock
    requests: int = 0  # that hold it or wait for it


class Turns:
    """Requests of this process that are under way, by key."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}

    async def before(self, request: Request[Any, Any, Any]) -> Response[Any] | None:
        """The kept answer, if this request came before under its key.

        Raises KeyReused; Overloaded when the one before it takes too long.
        """
        call = asgi.call(request.scope)
        if call is None or call.key is None:
            return None
        await self._take(call, call.key.id)
        return _kept(call, call.key)

    async def _take(self, call: Call, key: str) -> None:
        """Wait for the turn; it ends with the call, when the answer has been kept."""
        turn = self._turns.setdefault(key, _Turn(asyncio.Lock()))
        turn.requests += 1
        call.cleanup.callback(self._leave, key, turn)
        try:
            async with asyncio.timeout(TURN_S):
                await turn.lock.acquire()
        except TimeoutError:
            raise Overloaded from None
        call.cleanup.callback(turn.lock.release)

    def _leave(self, key: str, turn: _Turn) -> None:
        turn.requests -= 1
        if not turn.requests:
            del self._turns[key]


def _kept(call: Call, key: Key) -> Response[Any] | None:
    sealed = call.platform.secrets.read("answer", key.id)
    if sealed is None:
        return _carried_out(call, key)
    kept = msgspec.json.decode(sealed, type=Kept)
    if kept.request != key.request:
        raise KeyReused
    call.key = None
    call.position = kept.position
    call.headers.update(kept.headers)
    return Response(
        kept.file or bytes(kept.body),
        status_code=kept.status,
        media_type=kept.media_type,
        headers={"Idempotency-Replayed": "true"},
    )


def _carried_out(call: Call, key: Key) -> Response[Any] | None:
    """For a request that came before, and whose answer was not kept: a crash, or a long answer."""
    mark = call.platform.history.under(f"idem:{key.id}")
    if mark is None or mark.at < call.platform.clock() - KEY_LIFE:
        return None
    if mark.request is not None and mark.request != key.request:
        raise KeyReused
    if call.route.again:
        return None
    if call.route.shows_secret:
        raise AnswerGone
    call.key = None
    call.position = mark.position
    return Response(
        {
            "success": True,
            "repeated": True,
            "detail": "This request was carried out before; its answer is not there any more.",
        },
        headers={"Idempotency-Replayed": "true"},
    )


async def after(call: Call, status: int, media_type: str, body: bytes) -> None:
    """Keep the answer of a request that did something."""
    if call.key is None or call.position is None or len(body) > ANSWER_BYTES_MAX:
        return
    if not call.platform.limits.keeps(call.caller.actor, len(body), call.platform.clock()):
        return  # as with one that is too long
    life: timedelta = SECRET_LIFE if call.route.shows_secret else KEY_LIFE
    json = media_type == JSON
    kept = Kept(
        call.key.request,
        status,
        msgspec.Raw((body if json else b"") or b"null"),
        call.position,
        headers=call.headers,
        media_type=media_type.removesuffix(CHARSET),
        file=b"" if json else body,
    )
    expires_at = call.platform.clock() + life
    value = msgspec.json.encode(kept)
    sealed = Keep("answer", call.key.id, value, expires_at, owner=call.caller.user_id)
    try:
        await call.platform.answers.keep(sealed)
    except (StorageFull, Overloaded, OutcomeUnknown) as error:
        # What was asked for has been done, and is answered so. A repeat is answered from the log.
        _log.warning("the answer of request %s is not kept: %r", call.request_id, error)
