"""Headers that a source may send: names as RFC 9110 has them, and none that frame the request."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110, 5.6.2: a token
# Who is asked, how long a request is and how it travels is not for a source to say.
FRAMING: Final = frozenset(
    {
        "connection", "content-length", "expect", "host", "proxy-authorization", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip


def faults(path: str, headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What keeps headers from being sent; their values may be references."""
    for name, value in headers.items():
        shown = f"{path}.{name}" if NAME.fullmatch(name) else path
        if (wrong := name_fault(name)) is not None:
            yield shown, wrong
        elif not (value.isascii() and value.isprintable()):
            yield shown, "must be one line of plain ASCII characters"


def name_fault(name: str) -> str | None:
    """Why a header cannot have this name, None when it can."""
    if not NAME.fullmatch(name):
        return "has a name that no header has: letters, digits and - are, like X-Api-Key"
    if name.lower() in FRAMING:
        return "is a header that the connection itself sets; leave it out"
    return None
