"""Whether a column tells of persons: what its values and its name say together.

Values that carry a checksum or an unmistakable form stand for themselves; what anything could look
like needs the name as well. A confidence is how sure a reader could be, from 0 to 1; it is not a
probability.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from infra.inspecting import names, values

MOST: Final = 0.8  # of the values must pass when there is no name to help
MANY: Final = 0.6  # when there is one
SOME: Final = 0.05  # of texts hold an address somewhere in them
SAMPLES_MIN: Final = 5  # fewer values prove nothing by themselves
DISTINCT_MAX: Final = 300  # values that are looked at closely
FIRST: Final = 20  # of them; when none of these passes, the others would not either
NUMBERS: Final = frozenset(
    {
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "UHUGEINT",
    }
)
PLATE_CHARS: Final = range(4, 12)
VERSION_PART_MAX: Final = 99  # 1.12.0.3 is a version as long as no part is larger
_NATIONAL: Final = values.national()


class Verdict(msgspec.Struct, frozen=True):
    """What a column seems to be."""

    kind: str
    confidence: float


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """Values of one column as text, without nulls."""

    column: str
    table: str
    type: str
    found: Sequence[str]


def judge(sample: Sample) -> Verdict | None:
    """What a column tells of; None when of nobody."""
    texts = [text for value in dict.fromkeys(sample.found) if (text := value.strip())]
    texts = texts[:DISTINCT_MAX]
    if not texts:
        return None
    kind = names.meant(sample.column, sample.table)
    named = None if kind is None else _named(kind, texts, sample)
    alone = _alone(texts, sample) if len(texts) >= SAMPLES_MIN else None
    found = [verdict for verdict in (named, alone) if verdict is not None]
    return max(found, key=lambda verdict: verdict.confidence, default=None)


def _alone(texts: list[str], sample: Sample) -> Verdict | None:
    """What the values are, whatever they are called."""
    number = sample.type in NUMBERS
    if _share(values.card, texts) >= MOST:
        return Verdict(names.CREDIT_CARD, 0.9)
    if any(_share(test, texts) >= MOST for test in _NATIONAL):
        return Verdict(names.NATIONAL_ID, 0.6 if number else 0.8)
    if number or not sample.type.startswith("VARCHAR"):
        return None
    for test, kind, confidence in _ALONE:
        if _share(test, texts) >= MOST and not (kind == names.IP and _versions(texts)):
            return Verdict(kind, confidence)
    spelled = [text for text in texts if values.phone_spelled(text)]
    if len(spelled) >= MOST * len(texts) and _share(values.phone_given, spelled) >= MANY:
        return Verdict(names.PHONE, 0.85)
    if sum(values.EMAIL.search(text) is not None for text in texts) >= SOME * len(texts):
        return Verdict(names.EMAIL, 0.6)
    return None


def _named(kind: str, texts: list[str], sample: Sample) -> Verdict | None:
    """What the name says, when the values do not say otherwise."""
    number = sample.type in NUMBERS
    dated = sample.type.startswith(("DATE", "TIMESTAMP"))
    if kind == names.BIRTH_DATE:
        return Verdict(kind, 0.9) if dated or _share(values.date, texts) >= MANY else None
    if dated or sample.type == "BOOLEAN":
        return None
    if number and kind in _WORDS:
        return None
    test, confidence = _NAMED[kind]
    share = _share(test, texts)
    return Verdict(kind, round(confidence * share, 2)) if share >= MANY else None


def _share(test: values.Test, texts: Sequence[str]) -> float:
    """Which part of the values passes; 0 when none of the first ones does."""
    if not any(test(text) for text in texts[:FIRST]):
        return 0.0
    return sum(test(text) for text in texts) / len(texts)


def _versions(texts: list[str]) -> bool:
    """Whether addresses are numbers of versions: four parts, all of them small."""
    return all(
        values.QUAD.fullmatch(text) and max(map(int, text.split("."))) <= VERSION_PART_MAX
        for text in texts
    )


def _hardly_empty(value: str) -> bool:
    return len(value) > 3  # noqa: PLR2004 - yes, no, on, off


def _handle(value: str) -> bool:
    return " " not in value and not value.isdigit() and len(value) > 1


def _paper(value: str) -> bool:
    return values.identifier(value) and not values.date(value)


def _plate(value: str) -> bool:
    return PLATE_CHARS.start <= len(value) < PLATE_CHARS.stop and not values.date(value)


# What needs no name, with how sure one can be.
_ALONE: Final[tuple[tuple[values.Test, str, float], ...]] = (
    (values.email, names.EMAIL, 0.98),
    (values.bank_account, names.IBAN, 0.98),
    (values.hardware, names.MAC, 0.95),
    (values.address_of_host, names.IP, 0.9),
    (values.social_security, names.SSN, 0.85),
)
_WORDS: Final = frozenset({names.PERSON, names.ADDRESS, names.USERNAME, names.EMAIL})
# What the values must look like when the name says it, and how sure both are together.
_NAMED: Final[dict[str, tuple[values.Test, float]]] = {
    names.ADDRESS: (values.place, 0.8),
    names.BANK_ACCOUNT: (_paper, 0.85),
    names.CREDIT_CARD: (values.card, 0.98),
    names.DRIVER_LICENSE: (_paper, 0.85),
    names.EMAIL: (values.email, 0.99),
    names.IBAN: (values.bank_account, 0.99),
    names.IP: (values.address_of_host, 0.98),
    names.MAC: (values.hardware, 0.99),
    names.NATIONAL_ID: (_paper, 0.85),
    names.PASSPORT: (_paper, 0.85),
    names.PASSWORD: (_hardly_empty, 0.8),
    names.PERSON: (values.person, 0.85),
    names.PHONE: (values.phone_like, 0.95),
    names.PLATE: (_plate, 0.75),
    names.SSN: (_paper, 0.95),
    names.TAX_ID: (_paper, 0.7),
    names.USERNAME: (_handle, 0.65),
}
