"""E-mail addresses: one spelling for each, so that one address is one account."""

import re
import unicodedata
from typing import Final, NewType

from domain.kernel import Refused

ALIKE: Final = frozenset({"CYRILLIC", "GREEK", "LATIN"})  # alphabets with letters of one shape
EMAIL_LENGTH_MAX: Final = 254  # characters, RFC 5321 section 4.5.3.1.3

Email = NewType("Email", str)


def spelled(text: str) -> str:
    """Trimmed, NFC, in lower case.

    Not casefolded: that makes one of `straße` and `strasse`, which belong to different people, and
    mail for one would go to the other. Lower case may leave decomposed characters behind, so
    normalising comes last again.
    """
    lower = unicodedata.normalize("NFC", text.strip()).lower()
    return unicodedata.normalize("NFC", lower)


def parse(text: str) -> Email:
    """An address in its one spelling. Raises EmailInvalid.

    Refused are letters that only look like others: those for compatibility (a wide `a`, `fi` as
    one letter), and words that mix alphabets which share their shapes (Unicode TR 39, section 5).
    """
    email = spelled(text)
    local, at, host = email.partition("@")
    if (
        not (local and at and host)
        or "@" in host
        or len(email) > EMAIL_LENGTH_MAX
        or not email.isprintable()
        or any(character.isspace() for character in email)
        or unicodedata.normalize("NFKC", email) != email
        or any(len(_alphabets(part)) > 1 for part in re.split(r"[@.]", email))
    ):
        raise EmailInvalid
    return Email(email)


def _alphabets(word: str) -> set[str]:
    names = (unicodedata.name(letter, "").partition(" ")[0] for letter in word)
    return {name for name in names if name in ALIKE}


class EmailInvalid(Refused):
    """Not an e-mail address."""

    def __init__(self) -> None:
        super().__init__("The e-mail address is not valid.")
