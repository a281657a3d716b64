"""Names that nobody can guess, and that no two things share."""

import secrets
from typing import Final

TOKEN_BYTES: Final = 32
ID_BYTES: Final = 16
IDS_DRAWN: Final = 256  # at once

_ids: Final[list[str]] = []  # drawn, and not used yet; no process is forked from this one


def new_id() -> str:
    """128 random bits, as 32 hex digits."""
    while True:
        try:
            return _ids.pop()
        except IndexError:
            # The system's randomness costs a call of the kernel, and the interpreter's lock.
            drawn, size = secrets.token_hex(ID_BYTES * IDS_DRAWN), 2 * ID_BYTES
            _ids.extend(drawn[at : at + size] for at in range(0, len(drawn), size))


def new_token() -> str:
    """256 random bits, as 43 characters of base64url."""
    return secrets.token_urlsafe(TOKEN_BYTES)
