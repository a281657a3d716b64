"""`dango mcp`: a server of the Model Context Protocol, for programs that act for people.

Who has an API key acts as its owner, with the key's permissions; the key is never an argument,
which every process of the machine could read. The owner of the project needs none.
"""

import argparse
import os
import stat
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from api.cli.client import Api
from api.cli.command import Command, arg
from api.cli.output import Output
from api.cli.world import Connection, Refusal, World
from domain import api_keys

if TYPE_CHECKING:
    import httpx

KEY: Final = "DANGO_API_KEY"  # the name of a variable
URL: Final = "http://127.0.0.1:8800"
KEY_FILE_BYTES_MAX: Final = 1_024
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
MASK: Final = {"X-Dango-Mask": "always"}


async def mcp(given: argparse.Namespace, world: World, out: Output) -> int:
    """Serve the protocol until the program at the other end is done."""
    key = _key(given.key_file)
    async with _client(given, world, out, key) as http:
        if not given.unmasked:
            http.headers.update(MASK)
        from api.agents import server

        await server.serve(Api(Connection(http, served=True)), world.version())
    return 0


def _client(
    given: argparse.Namespace, world: World, out: Output, key: str | None
) -> "AbstractAsyncContextManager[httpx.AsyncClient]":
    from api.proxies import is_loopback

    if key is None:
        if given.url is not None:
            raise Refusal(f"--url needs an API key, in {KEY} or by --key-file.")
        return world.owner(world.find(given.project))
    url = given.url or URL
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise Refusal("--url is to be like https://data.example.org, without a name or password.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        out.problem(f"{parts.hostname} is asked without TLS; who listens in reads the key")
    return world.holder(url, key)


def _key(file: str | None) -> str | None:
    """The key of the file, else of the environment; None without one. Raises Refusal."""
    key = os.environ.get(KEY) if file is None else _read(Path(file))
    if key is None:
        return None
    if not api_keys.well_formed(key.strip()):
        where = KEY if file is None else file
        raise Refusal(f"{where} holds no API key of this platform, or not all of it.")
    return key.strip()


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(KEY_FILE_BYTES_MAX)
    except OSError as error:
        raise Refusal(f"{path}: {error.strerror}") from None
    if mode & OTHERS:
        raise Refusal(f"{path} can be read by others; do: chmod 600 {path}")
    return data.decode(errors="replace")


ROWS: Final = (
    Command(
        "mcp",
        "serve the Model Context Protocol on standard in- and output, for agents",
        "dango mcp --key-file ~/.config/dango-key --url https://data.example.org",
        mcp,
        (
            arg("--key-file", metavar="FILE", help=f"an API key, readable by you alone ({KEY})"),
            arg("--url", metavar="URL", help=f"the server that the key is for ({URL})"),
            arg("--unmasked", action="store_true", help="show personal data, if the key may"),
        ),
        local=True,
        json=False,
    ),
)
