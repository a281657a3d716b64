"""The API as the command line sees it: an answer, or a Refusal with the API's own sentence."""

from typing import Any, Final
from urllib.parse import quote

from api.cli.world import Connection, Refusal

ERROR_FROM: Final = 400  # the first HTTP status that is an error
LOST: Final = "The server went away before it answered; look at its log."


class Api:
    """Requests as the owner of the project."""

    def __init__(self, connection: Connection) -> None:
        self._http, self.served = connection

    async def get(self, path: str, /, **params: Any) -> Any:
        """The body of an answer; parameters that are None are left out. Raises Refusal."""
        given = {name: value for name, value in params.items() if value is not None}
        return await self._send("GET", path, params=given)

    async def post(self, path: str, body: Any = None) -> Any:
        """The body of an answer. Raises Refusal."""
        return await self._send("POST", path, json=body)

    async def _send(self, method: str, path: str, **more: Any) -> Any:
        import httpx

        try:
            answer = await self._http.request(method, path, **more)
        except httpx.TransportError:
            raise Refusal(LOST) from None
        try:
            body = answer.json()
        except ValueError:
            raise Refusal(f"{method} {path} answered {answer.status_code} without JSON.") from None
        if answer.status_code >= ERROR_FROM and not path.startswith("/api/health/"):
            raise Refusal(_sentence(body, answer.status_code))
        return body


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def _sentence(body: Any, status: int) -> str:
    detail = body.get("detail") if isinstance(body, dict) else None
    if not isinstance(detail, str):
        return f"The server answered {status}."
    return f"{detail} (request {body['request_id']})" if "request_id" in body else detail
