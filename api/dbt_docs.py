"""/dbt-docs, /manifest.json, /catalog.json: dbt's own documentation, served or passed on.

The page holds dbt's scripts and everybody's descriptions in one file, so it is given an origin of
its own (`sandbox`): whatever runs in it reaches no session and asks nothing of any server.
"""

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import quote

from litestar import Response

from api.call import Call
from api.errors import Denied
from api.platform import Platform

INDEX: Final = "index.html"
TYPES: Final = {
    INDEX: "text/html",
    "manifest.json": "application/json",
    "catalog.json": "application/json",
}
POLICY: Final = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval';"
    " style-src 'unsafe-inline'; img-src data:; font-src data:; connect-src 'none';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
NONE_YET: Final = "There is no dbt documentation yet: it is made behind a run of the models."
UPSTREAM_S: Final = 10.0
BYTES_MAX: Final = 64 * 1024 * 1024  # of one file
TOO_LARGE: Final = "The dbt documentation is larger than the server takes."
OK: Final = 200


def there(platform: Platform) -> bool:
    """Whether the documentation is there."""
    return platform.documents is not None and (platform.documents / INDEX).is_file()


async def index(call: Call) -> Response[bytes]:
    """Give dbt's documentation, one page."""
    return await _give(call, INDEX, "/dbt-docs/")


async def part(call: Call, file_path: str) -> Response[bytes]:
    """Give dbt's documentation, or what it is made of."""
    name = str(file_path).strip("/") or INDEX
    return await _give(call, name, f"/dbt-docs/{name}")


async def manifest(call: Call) -> Response[bytes]:
    """Give dbt's manifest: all that the project defines."""
    return await _give(call, "manifest.json", "/manifest.json")


async def catalog(call: Call) -> Response[bytes]:
    """Give dbt's catalogue: the columns of what was built."""
    return await _give(call, "catalog.json", "/catalog.json")


async def _give(call: Call, name: str, path: str) -> Response[bytes]:
    if (url := call.platform.settings.dbt_docs_url) is not None:
        if ".." in path.split("/"):
            raise Denied(404, f"'{name}' is no part of the page.")
        return await _passed_on(url, quote(path))
    if name not in TYPES or call.platform.documents is None:
        raise Denied(404, NONE_YET if name in TYPES else f"'{name}' is no part of the page.")
    try:
        content = await asyncio.to_thread(_read, call.platform.documents / name)
    except FileNotFoundError:
        raise Denied(404, NONE_YET) from None
    return _answer(content, TYPES[name])


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(BYTES_MAX + 1)
    if len(content) > BYTES_MAX:
        raise Denied(502, TOO_LARGE)
    return content


def _answer(content: bytes, kind: str) -> Response[bytes]:
    headers = {"content-security-policy": POLICY, "cache-control": "no-cache"}
    return Response(content, media_type=kind, headers=headers)


async def _passed_on(url: str, path: str) -> Response[bytes]:
    """What another server has; nothing of the caller's goes there, and no more than this comes."""
    import httpx

    content = bytearray()
    try:
        async with (
            asyncio.timeout(UPSTREAM_S),
            httpx.AsyncClient(timeout=UPSTREAM_S) as client,
            client.stream("GET", url.rstrip("/") + path.removeprefix("/dbt-docs")) as answer,
        ):
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > BYTES_MAX:
                    raise Denied(502, TOO_LARGE)
    except (httpx.HTTPError, TimeoutError):
        raise Denied(502, "The server of the dbt documentation does not answer.") from None
    if answer.status_code != OK:
        raise Denied(
            404 if answer.status_code == 404 else 502,  # noqa: PLR2004
            f"The server of the dbt documentation answered {answer.status_code}.",
        )
    kind = answer.headers.get("content-type", "application/octet-stream").partition(";")[0]
    return _answer(bytes(content), kind)
