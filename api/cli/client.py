"""The API as the command line sees it: an answer, or a Refusal with the API's own sentence."""

import asyncio
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from api.cli.world import Connection, Refusal

if TYPE_CHECKING:
    import httpx

NO_NAMES: Final = ("", ".", "..")  # a path with one of them leads elsewhere
ERROR_FROM: Final = 400  # the first HTTP status that is an error
OPEN: Final = ("queued", "running")  # states of a job
POLL_S: Final = 0.2  # between two looks at one
NOBODY: Final = "No server answers; start it with `dango serve`."
LATE: Final = "The server did not answer in time; what it was asked may be done yet."
LOST: Final = "The server went away before it answered; look at its log."


class Api:
    """Requests as the owner of the project."""

    def __init__(self, connection: Connection) -> None:
        self._http, self.served = connection

    async def get(self, path: str, /, **params: Any) -> Any:
        """The body of an answer; parameters that are None are left out. Raises Refusal."""
        given = {name: value for name, value in params.items() if value is not None}
        return await self.send("GET", path, params=given)

    async def post(self, path: str, body: Any = None) -> Any:
        """The body of an answer. Raises Refusal."""
        return await self.send("POST", path, json=body)

    async def put(self, path: str, body: Any) -> Any:
        """The body of an answer. Raises Refusal."""
        return await self.send("PUT", path, json=body)

    async def delete(self, path: str) -> Any:
        """The body of an answer. Raises Refusal."""
        return await self.send("DELETE", path)

    async def ended(self, path: str, name: str, job: int) -> dict[str, Any]:
        """A job of a list by this name, as soon as it neither waits nor runs. Raises Refusal."""
        while True:
            listed = (await self.get(path))[name]
            found: dict[str, Any] = next(each for each in listed if each["job"] == job)
            if found["status"] not in OPEN:
                return found
            await asyncio.sleep(POLL_S)

    async def text(self, path: str, /, **params: Any) -> str:
        """The body of an answer that is no JSON. Raises Refusal."""
        answer = await self._request("GET", path, params=params)
        if answer.status_code >= ERROR_FROM:
            raise Refusal(_sentence(_json(answer, f"GET {path}"), answer.status_code))
        return answer.text

    async def send(self, method: str, path: str, **more: Any) -> Any:
        """The body of an answer, whatever the method. Raises Refusal."""
        answer = await self._request(method, path, **more)
        body = _json(answer, f"{method} {path}")
        if answer.status_code >= ERROR_FROM and not path.startswith("/api/health/"):
            raise Refusal(_sentence(body, answer.status_code))
        return body

    async def _request(self, method: str, path: str, **more: Any) -> "httpx.Response":
        import httpx

        try:
            return await self._http.request(method, path, **more)
        except httpx.ConnectError:
            raise Refusal(NOBODY) from None
        except httpx.TimeoutException:
            raise Refusal(LATE) from None
        except httpx.TransportError:
            raise Refusal(LOST) from None


def _json(answer: "httpx.Response", request: str) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise Refusal(f"{request} answered {answer.status_code} without JSON.") from None


def segment(name: str) -> str:
    """A name as one segment of a path. Raises Refusal for what would be another path."""
    if name in NO_NAMES:
        raise Refusal(f"{name!r} is no name.")
    return quote(name, safe="")


def _sentence(body: Any, status: int) -> str:
    detail = body.get("detail") if isinstance(body, dict) else None
    if not isinstance(detail, str):
        return f"The server answered {status}."
    return f"{detail} (request {body['request_id']})" if "request_id" in body else detail
