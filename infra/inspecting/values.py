"""What a single value says: patterns, and the checksums of those that have one.

Each test answers for one value alone; how many of a column must pass is for judging.py.
"""

import datetime as dt
import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Final

import phonenumbers
import stdnum.luhn
from stdnum import iban
from stdnum.util import get_cc_module

Test = Callable[[str], bool]

EMAIL: Final = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}")
MAC: Final = re.compile(r"(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}")
SSN: Final = re.compile(r"(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}")
# Of each issuer, with as many digits as its cards have.
CARD: Final = re.compile(
    r"3[47]\d{13}|3[068]\d{12}|35\d{14,17}|4\d{12}(?:\d{3}){0,2}"
    r"|5[1-5]\d{14}|5[06-8]\d{10,17}|2[2-7]\d{14}|6\d{15,18}"
)
PHONE: Final = re.compile(r"\+?[\d\s().\-/]{7,22}\d(?:\s?(?:x|ext\.?|#)\s?\d{1,6})?", re.IGNORECASE)
PHONE_DIGITS: Final = range(7, 16)
QUAD: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
DATE: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[ T].*)?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
IDENTIFIER: Final = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9 ./-]{4,24}")
WORDS: Final = re.compile(r"[^\W\d_][^\d_@/\\|<>{}=:;]*")
PERSON_WORDS_MAX: Final = 5
PERSON_CHARS_MAX: Final = 60
REGION: Final = "US"  # whose national numbers are meant by those without a country

# National numbers with a checksum, or with a date and a checksum, by module of stdnum.
NATIONAL: Final = (
    *("be.nn", "bg.egn", "br.cpf", "ca.sin", "ch.ssn", "cl.rut", "cn.ric", "cz.rc", "ee.ik"),
    *("es.dni", "es.nie", "fi.hetu", "fr.nir", "gr.amka", "hr.oib", "il.idnr", "in_.aadhaar"),
    *("it.codicefiscale", "kr.rrn", "lt.asmens", "mx.curp", "nl.bsn", "no.fodselsnummer"),
    *("pl.pesel", "ro.cnp", "se.personnummer", "tr.tckimlik", "za.idnr", "gb.nhs"),
)


def national() -> Sequence[Test]:
    """One test for each country's number."""
    found = []
    for name in NATIONAL:
        country, _, module = name.partition(".")
        numbers = get_cc_module(country, module)
        if numbers is not None:
            found.append(numbers.is_valid)
    return tuple(found)


def email(value: str) -> bool:
    """RFC 5321, as addresses are in fact."""
    return EMAIL.fullmatch(value) is not None


def card(value: str) -> bool:
    """ISO/IEC 7812: an issuer of cards, and a Luhn checksum."""
    digits = re.sub(r"[ -]", "", value)
    return (
        CARD.fullmatch(digits) is not None
        and len(set(digits)) > 1  # 4444… is nobody's
        and stdnum.luhn.is_valid(digits)
    )


def bank_account(value: str) -> bool:
    """ISO 13616."""
    return iban.is_valid(value)


def social_security(value: str) -> bool:
    """As it is written in the United States, without numbers that were never given."""
    return SSN.fullmatch(value) is not None


def address_of_host(value: str) -> bool:
    """IPv4 or IPv6, also as a network of one host."""
    try:
        return bool(ipaddress.ip_address(value.partition("/")[0]))
    except ValueError:
        return False


def hardware(value: str) -> bool:
    """IEEE 802 in its usual spellings."""
    return MAC.fullmatch(value) is not None


def phone_like(value: str) -> bool:
    """Digits, and what stands between them in telephone numbers; no date, no address of a host."""
    digits = sum(char.isdigit() for char in value.lower().partition("x")[0])
    return (
        PHONE.fullmatch(value) is not None
        and digits in PHONE_DIGITS
        and QUAD.fullmatch(value) is None
        and DATE.fullmatch(value) is None
    )


def phone_spelled(value: str) -> bool:
    """Written so that it can hardly be anything else: with a country, or an area in brackets."""
    return phone_like(value) and (value[0] == "+" or re.match(r"\(\d{2,5}\)", value) is not None)


def phone_given(value: str) -> bool:
    """That the numbering plan of its country has. Source: libphonenumber."""
    try:
        parsed = phonenumbers.parse(value, REGION)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(parsed)


def date(value: str) -> bool:
    """A day, in the spellings that are usual."""
    if DATE.fullmatch(value) is None:
        return False
    try:
        return dt.date.fromisoformat(value[:10]).year > 0
    except ValueError:
        return "-" not in value[:5]


def identifier(value: str) -> bool:
    """Letters and digits, some of them digits, as papers are numbered."""
    return IDENTIFIER.fullmatch(value) is not None


def person(value: str) -> bool:
    """Words without digits, and not many."""
    return (
        len(value) <= PERSON_CHARS_MAX
        and WORDS.fullmatch(value) is not None
        and len(value.split()) <= PERSON_WORDS_MAX
    )


def place(value: str) -> bool:
    """Several words, or a number beside a word."""
    return any(char.isalpha() for char in value) and len(value.replace(",", " ").split()) > 1
