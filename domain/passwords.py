"""What a password must be: long enough, not among the commonest, not built from what all know.

No composition rules (NIST SP 800-63B). Normalised to NFC and otherwise taken as received: spaces
and case count, nothing is cut off.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from typing import Final

from domain.emails import Email
from domain.kernel import Refused

LENGTH_MIN: Final = 8  # characters
LENGTH_MAX: Final = 1_024  # characters
PRODUCT: Final = "dango"
WORD_LENGTH_MIN: Final = 3  # shorter parts of an e-mail address occur in everything


def normalise(password: str) -> str:
    """The one spelling that is hashed and compared."""
    return unicodedata.normalize("NFC", password)


def check(password: str, email: Email, common: Collection[str]) -> str:
    """The password in its one spelling. Raises PasswordWeak with all that is wrong.

    `common` holds casefolded passwords.
    """
    password = normalise(password)
    if issues := list(_issues(password, email, common)):
        raise PasswordWeak(issues)
    return password


def _issues(password: str, email: Email, common: Collection[str]) -> Iterator[str]:
    if len(password) < LENGTH_MIN:
        yield f"Password must be at least {LENGTH_MIN} characters."
    elif len(password) > LENGTH_MAX:
        yield f"Password must be at most {LENGTH_MAX:,} characters."
    elif password.casefold() in common:
        yield "Password is too common."
    elif len(_own(password, email)) < LENGTH_MIN:
        yield (
            "Password is built from the e-mail address or the product's name; without them"
            f" it must still have {LENGTH_MIN} characters."
        )


def _own(password: str, email: Email) -> str:
    """What is left without the words that everybody can guess."""
    local, _, host = email.partition("@")
    names = f"{local} {host.rpartition('.')[0]}"  # "com" is nobody's name
    words = {PRODUCT, email, local, *re.split(r"[\W_]+", names)}
    left = password.casefold()
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= WORD_LENGTH_MIN:
            left = left.replace(word, "")
    return left


class PasswordWeak(Refused):
    """The password breaks the policy; `issues` says how."""

    def __init__(self, issues: list[str]) -> None:
        super().__init__(issues[0], issues=issues)


class PasswordUnchanged(PasswordWeak):
    """The new password is the old one."""

    def __init__(self) -> None:
        super().__init__(["New password must be different from current password."])


class RepeatedDiffers(Refused):
    """A new password was typed twice, and not alike."""

    def __init__(self) -> None:
        super().__init__("The two passwords differ.")
