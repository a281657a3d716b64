"""One message to one URL, bounded: where it may go, in time and in size.

Who writes a URL into a file could aim it at what only this machine can reach. So the name is looked
up once, every address that it has must be of the internet, and the connection goes to the one that
was looked at. No redirect is followed, nothing of the answer but its status is used, and no reason
repeats the URL, which is often a secret.
"""

import asyncio
import functools
import hashlib
import hmac
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from commands.schedule_ports import Attempted
from infra.addresses import is_private

CALL_S: Final = 10.0  # from the look-up of the name to the end of the answer
ANSWER_BYTES_MAX: Final = 64 * 1024
URL_CHARS_MAX: Final = 2_000
SLACK_CHARS_MAX: Final = 2_900  # of the 3,000 that a block may have
TOO_MANY: Final = 429
_PASSING: Final = frozenset({408, 425, TOO_MANY})  # client errors that may pass
_PORTS: Final = {"http": 80, "https": 443}

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# The library would tell each request's URL, whose path is a secret with Slack and others.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Refused(Exception):
    """A URL that nothing is sent to; the text is a sentence without it."""


async def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a name. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def pinned(
    url: str, *, allow_private: bool, resolve: Resolve
) -> tuple[SplitResult, str, int]:
    """The parts of a URL, and the one address and port to connect to. Raises Refused, OSError."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise Refused("The URL cannot be read.") from None
    host = parts.hostname
    if parts.scheme not in _PORTS or not host or not port or len(url) > URL_CHARS_MAX:
        raise Refused("The URL must begin with https:// or http:// and name a host.")
    if "@" in parts.netloc or "\\" in url or not url.isascii() or not url.isprintable():
        raise Refused("The URL holds a login, or signs that do not belong into one.")
    addresses = await resolve(host, port)
    if not addresses:
        raise Refused("The host has no address.")
    if not allow_private and any(map(is_private, addresses)):
        raise Refused(
            "The host lies in a private network; notifications.allow_private_hosts in project.yml"
            " allows that."
        )
    return parts, addresses[0], port


async def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allow_private: bool = False,
    resolve: Resolve = look_up,
) -> Attempted:
    """Post once; never raises."""
    begun = time.monotonic()
    try:
        async with asyncio.timeout(CALL_S):
            parts, address, port = await pinned(url, allow_private=allow_private, resolve=resolve)
            status = await _posted(parts, address, port, body, headers)
    except Refused as refused:
        return Attempted(ok=False, reason=str(refused), final=True)
    except TimeoutError:
        return Attempted(ok=False, reason=f"There was no answer within {CALL_S:g} s.")
    except (OSError, UnicodeError) as error:
        return Attempted(ok=False, reason=f"The host was not reached ({type(error).__name__}).")
    except Exception as error:  # noqa: BLE001 - httpx has many; their texts may repeat the URL
        return Attempted(ok=False, reason=f"The request failed ({type(error).__name__}).")
    return _judged(status, round(time.monotonic() - begun, 3))


def _judged(status: int, took_s: float) -> Attempted:
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110, 15.3
        return Attempted(ok=True, status_code=status, duration_s=took_s)
    if 300 <= status < 400:  # noqa: PLR2004 - RFC 9110, 15.4
        reason = f"It answered {status}; redirects are not followed."
        return Attempted(ok=False, status_code=status, reason=reason, final=True)
    final = 400 <= status < 500 and status not in _PASSING  # noqa: PLR2004 - RFC 9110, 15.5
    return Attempted(ok=False, status_code=status, reason=f"It answered {status}.", final=final)


async def _posted(
    parts: SplitResult, address: str, port: int, body: bytes, headers: Mapping[str, str]
) -> int:
    """The status of the answer."""
    import httpx

    literal = f"[{address}]" if ":" in address else address
    query = f"?{parts.query}" if parts.query else ""
    url = f"{parts.scheme}://{literal}:{port}{parts.path or '/'}{query}"
    host = parts.netloc
    async with (
        httpx.AsyncClient(
            verify=_trust(), timeout=CALL_S, follow_redirects=False, trust_env=False
        ) as client,
        client.stream(
            "POST",
            url,
            content=body,
            headers={**headers, "host": host, "accept-encoding": "identity"},
            extensions={"sni_hostname": parts.hostname},
        ) as response,
    ):
        size = 0
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > ANSWER_BYTES_MAX:
                break
        return int(response.status_code)


@functools.cache
def _trust() -> Any:
    """Whose certificates are believed; read once, as that takes a while."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


def signed(body: bytes, key: str, at: int) -> str:
    """`t=<unix time>,v1=<hex>`: HMAC-SHA256 with the key over the time, a dot and the body."""
    digest = hmac.new(key.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def generic(message: dict[str, Any]) -> bytes:
    """The message as it is."""
    return msgspec.json.encode(message)


def slack(message: dict[str, Any]) -> bytes:
    """The message as Slack's blocks (api.slack.com/block-kit), in one coloured attachment."""
    event = str(message["event"])
    bad = event.endswith(("failed", "missed"))
    warn = event.endswith(("stale", "detected", "alert"))
    title = event.replace("_", " ").capitalize()
    lines = [
        f"*{label}:* {_escaped(value)}"
        for label, value in (
            ("Schedule", message.get("schedule")),
            ("Sources", ", ".join(message.get("sources") or ())),
            ("Rows", message.get("rows_loaded")),
            ("Duration", _seconds(message.get("duration_seconds"))),
            ("Error", message.get("error")),
        )
        if value not in (None, "")
    ]
    text = "\n".join([f"*{title}*", *lines])[:SLACK_CHARS_MAX]
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        {
            "type": "context",
            "elements": [{"type": "mrkdwn", "text": _escaped(message["dashboard_url"])}],
        },
    ]
    color = "#d32f2f" if bad else "#f9a825" if warn else "#2e7d32"
    return msgspec.json.encode({"text": title, "attachments": [{"color": color, "blocks": blocks}]})


def _seconds(value: Any) -> str | None:
    return None if value is None else f"{value:.1f} s"


def _escaped(value: Any) -> str:
    """As Slack wants control characters: https://api.slack.com/reference/surfaces/formatting."""
    return str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
