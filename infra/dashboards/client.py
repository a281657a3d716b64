"""Calls to Metabase: bounded, and as its administrator where that is needed."""

import asyncio
from typing import Any, Final

from commands.ports import ProofRefused, UpstreamFailed
from infra.configuration.metabase import AdminBlock

CALL_S: Final = 10.0
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
CALLS_MAX: Final = 8  # at the same time
UNAUTHORIZED: Final = 401
WRONG: Final = 400
SITE: Final = "Dango"  # what a Metabase that we set up calls itself
DOWN: Final = "Metabase does not answer, or not as expected."
NO_ADMIN: Final = "metabase.yml does not say who Metabase's administrator is (admin:)."


class Client:
    """One Metabase. The administrator's session is begun when it is needed, and kept."""

    def __init__(self, url: str, admin: AdminBlock | None) -> None:
        self.url, self.admin = url.rstrip("/"), admin
        self._calls = asyncio.Semaphore(CALLS_MAX)
        self._session: str | None = None  # the administrator's

    async def set_up(self) -> None:
        """Make the administrator in a Metabase that nobody has set up yet. Raises UpstreamFailed.

        It offers the token for that to whoever asks, until it is used.
        """
        admin = self._known()
        _, said = await self.call("GET", "/api/session/properties")
        told = said if isinstance(said, dict) else {}
        token = told.get("setup-token")
        if told.get("has-user-setup") is not False or not isinstance(token, str):
            return
        named = {"email": admin.email, "password": admin.password}
        body = {
            "token": token,
            "user": {**named, "first_name": SITE, "last_name": "Admin", "site_name": SITE},
            "prefs": {"site_name": SITE, "allow_tracking": False},
        }
        status, _ = await self.call("POST", "/api/setup", body)
        _expect("POST", "/api/setup", status)

    async def ask(
        self, method: str, path: str, body: Any = None, *, taken: tuple[int, ...] = ()
    ) -> tuple[int, Any]:
        """One call as the administrator, who logs in again when that is needed.

        Statuses in `taken` are answers too. Raises UpstreamFailed, ProofRefused.
        """
        admin = self._known()
        status, answer = UNAUTHORIZED, None
        for attempt in (1, 2):
            if self._session is None or attempt > 1:
                self._session = await self.log_in(admin.email, admin.password)
            status, answer = await self.call(method, path, body, self._session)
            if status != UNAUTHORIZED:
                break
        if status not in taken:
            _expect(method, path, status)
        return status, answer

    async def rows(self, path: str) -> list[dict[str, Any]]:
        """A list, as the administrator; some are wrapped into `data`. Raises UpstreamFailed."""
        _, found = await self.ask("GET", path)
        rows = found.get("data") if isinstance(found, dict) else found
        return [each for each in rows or () if isinstance(each, dict)]

    async def log_in(self, email: str, password: str) -> str:
        """Begin a session; answers its id. Raises UpstreamFailed, ProofRefused."""
        body = {"username": email, "password": password}
        status, answer = await self.call("POST", "/api/session", body)
        if status in (WRONG, UNAUTHORIZED):
            raise ProofRefused("Metabase does not take a password of ours.")
        session = answer.get("id") if isinstance(answer, dict) else None
        if not isinstance(session, str) or not session.isascii() or not session.isprintable():
            raise UpstreamFailed(DOWN)
        return session

    async def call(
        self, method: str, path: str, body: Any = None, session: str | None = None
    ) -> tuple[int, Any]:
        """One bounded call: its status, and its answer from JSON. Raises UpstreamFailed."""
        import httpx
        import msgspec

        headers = {} if session is None else {"x-metabase-session": session}
        content = bytearray()
        try:
            async with (
                self._calls,
                asyncio.timeout(CALL_S),
                httpx.AsyncClient(timeout=CALL_S, trust_env=False) as client,
                client.stream(method, self.url + path, json=body, headers=headers) as answer,
            ):
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > ANSWER_BYTES_MAX:
                        raise UpstreamFailed(DOWN)
        except (httpx.HTTPError, TimeoutError):
            raise UpstreamFailed(DOWN) from None
        try:
            return answer.status_code, msgspec.json.decode(content) if content else None
        except msgspec.DecodeError:
            return answer.status_code, None

    def _known(self) -> AdminBlock:
        if self.admin is None:
            raise UpstreamFailed(NO_ADMIN)
        return self.admin


def number(found: Any) -> int:
    """The id of what Metabase answered. Raises UpstreamFailed."""
    value = found.get("id") if isinstance(found, dict) else None
    if not isinstance(value, int):
        raise UpstreamFailed(DOWN)
    return value


def _expect(method: str, path: str, status: int) -> None:
    if not 200 <= status < 300:  # noqa: PLR2004
        raise UpstreamFailed(f"Metabase answered {method} {path.partition('?')[0]}: {status}.")
