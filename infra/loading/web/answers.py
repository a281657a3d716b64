"""Reading an answer within bounds: of bytes as they are when unpacked, and of time.

A server may send a little now and then for ever: no read by itself takes long, so the whole is
timed.
"""

import time
from urllib.parse import urlsplit

import requests

from commands import ports

ANSWER_BYTES_MAX = 64 * 1024**2  # unpacked
ANSWER_S_MAX = 600.0  # from the first byte to the last one
BLOCK_BYTES = 256 * 1024


def read(response: requests.Response) -> None:
    """Read the answer, up to the bounds. Raises WorkRefused, WorkFailed, errors of urllib3."""
    if response._content_consumed:  # noqa: SLF001
        return  # of a redirect, by the one that followed it
    blocks: list[bytes] = []
    size, end = 0, time.monotonic() + ANSWER_S_MAX
    while block := response.raw.read1(BLOCK_BYTES, decode_content=True):
        size += len(block)
        if size > ANSWER_BYTES_MAX:
            response.close()
            reason = f"{place(response)} gives more than {ANSWER_BYTES_MAX} bytes at once."
            raise ports.WorkRefused(f"{reason} Ask for smaller pages.")
        if time.monotonic() > end:
            response.close()
            reason = f"{place(response)} takes more than {ANSWER_S_MAX:g} s for one answer."
            raise ports.WorkFailed(reason, transient=True)
        blocks.append(block)
    _keep(response, b"".join(blocks))


def drop(response: requests.Response) -> None:
    """Leave the body of an answer unread, whatever its size."""
    response.close()
    _keep(response, b"")


def place(response: requests.Response) -> str:
    """What was asked, without its query."""
    url = urlsplit(response.url)
    return f"{url.hostname}{url.path}"


def _keep(response: requests.Response, content: bytes) -> None:
    # requests keeps it there when it reads an answer by itself.
    response._content = content  # noqa: SLF001
    response._content_consumed = True  # noqa: SLF001
