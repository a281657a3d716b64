"""One request, as a handler sees it: who calls, which rows they see, how to send a command."""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from litestar import Request

from api.callers import Caller
from api.platform import Platform
from commands.kernel import Command, Once, Origin, Outcome, Secrets
from projections.engine import Reader

if TYPE_CHECKING:
    from api.table import Route

Found = TypeVar("Found")

KEY_LIFE: Final = timedelta(hours=24)
SECRET_LIFE: Final = timedelta(minutes=10)
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


class AnswerGone(Exception):
    """The request was carried out before; its answer showed a secret and is not kept any more."""


class BadKey(Exception):
    """An Idempotency-Key that is none."""


class Done(msgspec.Struct, frozen=True):
    """The answer to what has nothing else to tell."""

    success: bool = True


class Key(msgspec.Struct, frozen=True):
    """The idempotency key of a request: `id` for actor and key, `request` for what was asked."""

    id: str
    request: str

    @classmethod
    def of(cls, key: str, actor: str, parts: tuple[bytes, ...], secrets: Secrets) -> "Key":
        """What was asked stays in the log, so its digest is a keyed one. Raises BadKey."""
        if not _KEY.fullmatch(key):
            raise BadKey
        return cls(
            _digest(actor.encode(), key.encode()), secrets.digest("request", _digest(*parts))
        )


class Call:
    """What the guard made of a request."""

    def __init__(
        self,
        request: Request[Any, Any, Any],
        platform: Platform,
        route: "Route",
        caller: Caller,
        *,
        request_id: str,
        stood: int,
    ) -> None:
        """`stood` is where the views stood before the guard looked who calls."""
        self.request, self.platform, self.route = request, platform, route
        self.caller, self.request_id = caller, request_id
        self.views: Reader = _Unread()
        self.key: Key | None = None
        self.position: int | None = None  # of the last event that this request led to
        self.as_of: int | None = None
        self.cookies: list[str] = []
        self.headers: dict[str, str] = {}  # of the answer, whatever it will be
        self.cleanup = contextlib.ExitStack()
        self._sent = 0
        self._admitted = stood, platform.clock()

    @property
    def changes(self) -> bool:
        """Whether the request is for a change."""
        return self.route.method != "GET"

    def settled(self, seconds: float) -> bool:
        """Whether nothing has been recorded since the guard looked, not so long ago."""
        position, at = self._admitted
        now = self.platform.clock()
        return self.platform.views.position == position and now - at < timedelta(seconds=seconds)

    async def kept(
        self, tables: Sequence[str], look: Callable[..., Found], *key: Any
    ) -> Found | None:
        """What the views keep; a look that may take long is taken beside the event loop.

        One at a time: those who wait for it find what it found.
        """
        views = self.views
        if not views.holds(tables, look, *key):
            async with self.platform.looking:
                if not views.holds(tables, look, *key):
                    return await asyncio.to_thread(views.kept, tables, look, *key)
        return views.kept(tables, look, *key)

    async def send(self, command: Command) -> Outcome:
        """Send a command in the caller's name."""
        platform = self.platform
        once = None
        if self.key is not None:
            family = f"idem:{self.key.id}"
            tag = f"{family}:{self._sent}:{type(command).__name__}"
            once = Once(tag, self.key.request, platform.clock() - KEY_LIFE, family)
        self._sent += 1
        origin = Origin(
            actor=self.caller.actor,
            via=self.caller.via,
            correlation=self.request_id,
            once=once,
        )
        outcome = await platform.bus.send(command, origin)
        self.position = max(outcome.position, self.position or 0)
        if outcome.repeated and self.route.shows_secret:
            raise AnswerGone
        return outcome

    def set_cookie(self, name: str, value: str, max_age: int) -> None:
        """A cookie for this host, out of reach of scripts and of other sites' requests."""
        secure = "; Secure" if self.platform.settings.secure else ""
        self.cookies.append(
            f"{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}"
        )

    def clear_cookie(self, name: str) -> None:
        """Make the browser forget a cookie."""
        self.set_cookie(name, "", 0)


class _Unread:
    """Stands in for the rows on routes that read none: asking it is a bug."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"this route reads no views ({name})")


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()
