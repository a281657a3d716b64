"""A session of requests to one API: credentials for its host alone, patience within bounds.

What passes (429, 5xx, a broken connection) is tried again, as late as the API asks for. What does
not pass ends the load with a sentence that says what to do; no sentence holds an address's query,
where keys may stand.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter

from commands import ports
from domain.source_types.rest import ErrorBody
from infra.loading.web import answers, waiting
from infra.loading.web.credentials import Credentials
from infra.loading.web.guard import Adapter
from infra.workers import secrecy

CONNECT_S = 10.0
READ_S = 120.0
REQUESTS_MAX = 1_000_000  # of one load
REPEATS_MAX = 20  # of one request, without another one in between
AGENT = "dango"
# What a request to another host keeps of the headers.
HARMLESS = frozenset(("accept", "accept-encoding", "content-type", "user-agent"))
_NO_ADDRESS = (
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
)
_PORTS = {"http": 80, "https": 443}
_UNAUTHORIZED, _FORBIDDEN, _MISSING, _TOO_MANY, _SERVER = 401, 403, 404, 429, 500

Sleep = Callable[[float], None]


class Session(requests.Session):
    """Asks one API. `home` is its address: nobody else is told who is asking."""

    def __init__(
        self,
        home: str,
        *,
        allow_private: bool = False,
        error_body: ErrorBody | None = None,
        ignored: frozenset[int] = frozenset(),
        sleep: Sleep = time.sleep,
    ) -> None:
        super().__init__()
        self.trust_env = False  # no .netrc: whatever is sent, the source says so
        self.headers.update({"User-Agent": AGENT, "Accept": "application/json"})
        self.credentials: Credentials | None = None
        self.count = 0
        self._home = _origin(urlsplit(home))
        self._tokens = self._home  # where tokens come from
        self._whole = True  # answers are read at once
        self._error_body = error_body
        self._ignored = ignored
        self._clock = waiting.Clock(sleep)
        self._last, self._repeats = b"", 0
        adapter = Adapter(allow_private=False)
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        self._inward = Adapter(allow_private=True) if allow_private else None

    def __deepcopy__(self, memo: dict[int, Any]) -> "Session":
        """Settings that hold it are copied; it stays one, with one count and one clock."""
        return self

    def ask_token(self, url: str, form: Mapping[str, str]) -> Any:
        """Post a form to where tokens come from; its JSON answer."""
        self._tokens = _origin(urlsplit(url))
        answer = self.post(url, data=form, headers={"Accept": "application/json"})
        try:
            return answer.json()
        except ValueError:
            raise ports.WorkRefused(f"{answers.place(answer)} does not answer with JSON.") from None

    def blocks(self, url: str, block_bytes: int) -> Iterator[bytes]:
        """Get something large, block by block; it is not tried again in the middle."""
        self._whole = False
        try:
            with self.get(url, headers={"Accept-Encoding": "identity"}) as response:
                yield from response.iter_content(block_bytes)
        except requests.RequestException as error:
            reason = f"{urlsplit(url).hostname} broke off ({type(error).__name__})."
            raise ports.WorkFailed(reason, transient=True) from None
        finally:
            self._whole = True

    def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        """Send one request until it is answered. Raises WorkRefused, WorkFailed."""
        more["timeout"] = (CONNECT_S, READ_S)
        more["stream"] = True
        hooks, request.hooks = request.hooks, {"response": []}
        self._refuse_repeat(request)
        while True:
            self._count(request)
            response = self._once(request, more)
            if response is not None and not self._again(response):
                break
        for hook in hooks.get("response", ()):
            response = hook(response) or response
        return response

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Take off whatever may tell who is asking; `_once` signs anew what goes home."""
        url = urlsplit(prepared_request.url or "")
        if _origin(url) == self._home:
            return
        if prepared_request.body:
            host = urlsplit(response.url).hostname
            raise ports.WorkRefused(f"{host} sends what was posted on to {url.hostname}: refused.")
        _strip(prepared_request)

    def get_adapter(self, url: str) -> BaseAdapter:
        """Into the server's own network leads what the source names, never what an answer does."""
        adapter = super().get_adapter(url)
        named = urlsplit(url).hostname in (self._home[1], self._tokens[1])
        return self._inward if self._inward is not None and named else adapter

    def close(self) -> None:
        """Give back the connections."""
        super().close()
        if self._inward is not None:
            self._inward.close()

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Where an answer sends us; what else such an answer holds is not read."""
        target = super().get_redirect_target(resp)
        if target:
            answers.drop(resp)
        return target

    def _once(
        self, request: requests.PreparedRequest, more: dict[str, Any]
    ) -> requests.Response | None:
        """Ask once; None when there was no answer, after a pause."""
        signed = self._signed(request)
        try:
            response = super().send(signed, **more)
            if self._whole or not response.ok:
                answers.read(response)
        except requests.exceptions.SSLError:
            raise ports.WorkRefused(f"{_host(request)} has no certificate to trust.") from None
        except requests.TooManyRedirects:
            raise ports.WorkRefused(f"{_host(request)} redirects in circles.") from None
        except _NO_ADDRESS:
            reason = f"{_host(request)} leads to an address that is not one of the web."
            raise ports.WorkRefused(reason) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            waited = self._clock.pause(None)
            if not waited:
                reason = f"{_host(request)} does not answer ({type(error).__name__})."
                raise ports.WorkFailed(reason, transient=True) from None
            return None
        return response

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request as it may go where it goes. Raises WorkRefused."""
        signed = request.copy()
        origin = _origin(urlsplit(request.url or ""))
        if _is_token_form(request) and origin == self._tokens:
            return signed
        if origin != self._home:
            _leave(signed)
        elif self.credentials is not None:
            self.credentials.sign(signed)
        return signed

    def _again(self, response: requests.Response) -> bool:
        """Tell whether to ask once more, after a pause; what will not pass is raised."""
        status = response.status_code
        if status in self._ignored:
            return False
        said, place = waiting.said(response, self._error_body), answers.place(response)
        limited = status == _TOO_MANY or said.limited or waiting.used_up(response)
        if limited or status >= _SERVER:
            if self._clock.pause(response):
                return True
            what = "asks for fewer requests" if limited else f"fails with status {status}"
            raise ports.WorkFailed(f"{place} {what}{said.text}.", transient=True)
        self._clock.reset()
        if status == _UNAUTHORIZED or said.credentials:
            reason = f"{place} does not take the credentials{said.text}."
            raise ports.WorkRefused(f"{reason} They may be wrong or have expired.", status=status)
        if status == _FORBIDDEN:
            reason = f"{place} is forbidden for these credentials{said.text}."
            raise ports.WorkRefused(reason, status=status)
        if status == _MISSING:
            raise ports.WorkRefused(f"{place} is not there{said.text}.", status=status)
        if not response.ok or said.failed:
            answered = f"answers with an error (status {status})"
            raise ports.WorkRefused(f"{place} {answered}{said.text}.", status=status)
        return False

    def _count(self, request: requests.PreparedRequest) -> None:
        self.count += 1
        if self.count > REQUESTS_MAX:
            reason = f"{_host(request)} was asked {REQUESTS_MAX} times and has more pages still."
            raise ports.WorkRefused(reason)

    def _refuse_repeat(self, request: requests.PreparedRequest) -> None:
        """A page that asks for itself would never end."""
        body = request.body or b""
        told = f"{request.method} {request.url}\n".encode()
        told += body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""
        digest = hashlib.sha256(told).digest()
        self._repeats = self._repeats + 1 if digest == self._last else 0
        if self._repeats >= REPEATS_MAX:
            path = urlsplit(request.url or "").path
            reason = f"{_host(request)}{path} gave the same page again and again."
            raise ports.WorkRefused(f"{reason} Check the source's paginator.")
        self._last = digest


def _origin(url: SplitResult) -> tuple[str, str, int | None]:
    return url.scheme, url.hostname or "", url.port or _PORTS.get(url.scheme)


def _leave(request: requests.PreparedRequest) -> None:
    """Get a request ready for another host, which an answer named. Raises WorkRefused."""
    if request.body:
        reason = f"What is posted would go on to {_host(request)}, another host: refused."
        raise ports.WorkRefused(reason)
    if secrecy.hidden(request.url or "") != request.url:
        reason = f"A secret of the source would go to {_host(request)}, another host: refused."
        raise ports.WorkRefused(reason)
    _strip(request)


def _strip(request: requests.PreparedRequest) -> None:
    """Take off the headers that may tell who is asking."""
    for name in list(request.headers):
        if name.lower() not in HARMLESS:
            del request.headers[name]


def _host(request: requests.PreparedRequest) -> str:
    return urlsplit(request.url or "").hostname or "The API"


def _is_token_form(request: requests.PreparedRequest) -> bool:
    return request.headers.get("Content-Type") == "application/x-www-form-urlencoded"
