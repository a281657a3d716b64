"""Names that nobody can guess, and that no two things share."""

import secrets
import time
from typing import Final

TOKEN_BYTES: Final = 32
RANDOM_DIGITS: Final = 19  # 76 bits, two of which the variant takes
IDS_DRAWN: Final = 256  # at once

_ids: Final[list[str]] = []  # drawn, and not used yet; no process is forked from this one


def new_id() -> str:
    """A UUID of version 7 (RFC 9562) as 32 hex digits: milliseconds, then 74 random bits.

    Ids of one time lie beside each other in every table and index: a group of commands then writes
    a few pages, where random ids would touch one for each row.
    """
    while True:
        try:
            drawn = _ids.pop()
        except IndexError:
            # The system's randomness costs a call of the kernel, and the interpreter's lock.
            _draw()
        else:
            return f"{time.time_ns() // 1_000_000:012x}7{drawn}"


def _draw() -> None:
    digits = secrets.token_hex(RANDOM_DIGITS * IDS_DRAWN // 2)
    for at in range(0, len(digits), RANDOM_DIGITS):
        drawn = digits[at : at + RANDOM_DIGITS]
        variant = f"{8 | int(drawn[3], 16) & 3:x}"
        _ids.append(f"{drawn[:3]}{variant}{drawn[4:]}")


def new_token() -> str:
    """256 random bits, as 43 characters of base64url."""
    return secrets.token_urlsafe(TOKEN_BYTES)
