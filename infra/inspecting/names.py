"""What the name of a column says about whom it tells of.

A name is taken apart into words. A row of the table matches when its words follow each other there;
what is left of the name must then not say that the column is about something else: the count of
phones, the status of an e-mail. Names alone decide nothing: infra/inspecting/judging.py asks the
values too.
"""

import re
from collections.abc import Iterator
from typing import Final

ADDRESS: Final = "ADDRESS"
BANK_ACCOUNT: Final = "BANK_ACCOUNT"
BIRTH_DATE: Final = "BIRTH_DATE"
CREDIT_CARD: Final = "CREDIT_CARD"
DRIVER_LICENSE: Final = "DRIVER_LICENSE"
EMAIL: Final = "EMAIL_ADDRESS"
IBAN: Final = "IBAN_CODE"
IP: Final = "IP_ADDRESS"
MAC: Final = "MAC_ADDRESS"
NATIONAL_ID: Final = "NATIONAL_ID"
PASSPORT: Final = "PASSPORT"
PASSWORD: Final = "PASSWORD"  # noqa: S105 - a kind of column
PERSON: Final = "PERSON"
PHONE: Final = "PHONE_NUMBER"
PLATE: Final = "LICENSE_PLATE"
SSN: Final = "US_SSN"
TAX_ID: Final = "TAX_ID"
USERNAME: Final = "USERNAME"


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The more words a row has, the earlier it is tried; of equals, the first.
NAMES: Final[dict[str, tuple[str, ...]]] = {
    EMAIL: ("email address", "email", "e mail", "mail address", "mail", "correo"),
    IP: ("ip address", "ip addr", "ipv4", "ipv6", "ip", "remote addr"),
    MAC: ("mac address", "mac addr", "mac", "hardware address"),
    IBAN: ("iban",),
    CREDIT_CARD: (
        *("credit card number", "credit card", "card number", "card no", "cc number", "cc num"),
        *("pan", "creditcard", "cardnumber", "ccnumber"),
    ),
    SSN: ("social security number", "social security no", "social security", "ssn"),
    NATIONAL_ID: (
        *("national id", "national identity", "national insurance", "nino", "identity number"),
        *("identity card", "id card", "personal id", "personal number", "citizen id", "cpf"),
        *("bsn", "nif", "nie", "dni", "pesel", "curp", "aadhaar", "aadhar", "personnummer"),
        *("codice fiscale", "insee", "cnp", "egn", "cpr", "amka", "nric", "tckimlik", "sin"),
        *("rut", "hetu", "fodselsnummer", "rodne cislo", "ahv", "nhs number", "curp"),
    ),
    PASSPORT: ("passport number", "passport no", "passport"),
    DRIVER_LICENSE: (
        *("driver license", "drivers license", "driving license", "driver licence"),
        *("drivers licence", "driving licence", "license number driver"),
    ),
    PLATE: ("license plate", "licence plate", "number plate", "plate number", "registration plate"),
    TAX_ID: ("tax id", "tax number", "taxpayer id", "tin", "steuer id", "tax identification"),
    BANK_ACCOUNT: ("bank account number", "bank account", "bban", "account iban"),
    PHONE: (
        *("phone number", "phone no", "mobile number", "mobile phone", "cell phone", "telephone"),
        *("phone", "mobile", "cellphone", "cell", "msisdn", "whatsapp", "tel", "fax", "telefon"),
    ),
    BIRTH_DATE: (
        *("date of birth", "birth date", "birthdate", "birthday", "birth day", "dob", "born on"),
        *("born", "geburtsdatum"),
    ),
    PASSWORD: ("password", "passwd", "passphrase", "pwd"),
    ADDRESS: (
        *("street address", "home address", "mailing address", "billing address", "address line"),
        *("shipping address", "delivery address", "postal address", "residential address"),
        *("street name", "street", "address", "addr", "residence", "adresse"),
    ),
    PERSON: (
        *("first name", "last name", "full name", "given name", "family name", "middle name"),
        *("maiden name", "firstname", "lastname", "fullname", "surname", "forename", "nachname"),
        *("vorname", "fname", "lname", "display name", "legal name", "cardholder", "birth name"),
        *("nickname", "apellido", "prenom"),
    ),
    USERNAME: ("user name", "username", "login name", "login", "screen name", "twitter handle"),
}
PEOPLE: Final = _set(
    "customer user contact employee client patient driver guest owner author buyer seller passenger"
    " member student teacher recipient sender billing shipping holder agent applicant tenant spouse"
    " beneficiary staff person subscriber doctor nurse donor signer assignee reporter emergency"
    " parent guardian child mother father husband wife partner candidate actor player borrower"
    " citizen resident caller visitor attendee insured nominee people lead rep manager"
)
# What is left of a name when it is not about the person but about something of it.
OTHER: Final = _set(
    "count cnt counts total sum avg flag is has at status type types hash digest verified enabled"
    " opt version sent opened clicked template subject domain url uri provider category length len"
    " rate pct percent format days price amount cost fee model brand os device campaign bounced"
    " bounce valid validated confirmed required changed updated created expires expiry expired"
    " policy reset attempts last4 volume limit usage minutes charge plan carrier code codes list"
    " preference preferences score rank ratio revenue clicks impressions open index range block"
    " sku product order invoice ticket campaign event file page company store shop app server"
    " views sessions bytes packets port protocol mask gateway color size weight count1 consent"
    " optin optout unsubscribed subscribed masked country state region city zip postcode postal"
    " time timestamp date on year month kind key id ids uuid guid seq sequence prefix suffix"
    " sha256 md5 sha1 token"
)
# What people or machines own: `customer_email` of an order is the customer's.
_OWNED: Final = {
    EMAIL: frozenset({"company", "order", "store", "invoice"}),
    ADDRESS: frozenset({"order", "invoice", "store", "company", "city", "state", "country"}),
    PHONE: frozenset({"company", "order", "store", "country"}),
    IP: frozenset({"server", "device", "event", "order", "last", "gateway"}),
    MAC: frozenset({"device", "server"}),
    PERSON: frozenset({"order", "invoice", "event"}),
    PASSWORD: frozenset({"hash"}),
    BIRTH_DATE: frozenset({"date", "year", "on"}),
    CREDIT_CARD: frozenset({"order"}),
    SSN: frozenset({"id"}),
    TAX_ID: frozenset({"id", "company"}),
    NATIONAL_ID: frozenset({"id", "country", "code"}),
}
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words(name: str) -> tuple[str, ...]:
    """The words of a name: `customerEMail_2` has customer, e, mail, 2."""
    return tuple(word.lower() for word in _WORD.findall(name))


def meant(column: str, table: str) -> str | None:
    """The kind that a name stands for; None when it stands for none."""
    told = words(column)
    for kind, row in _ROWS:
        rest = _without(told, row)
        if rest is not None and not _elsewhere(kind, rest):
            return kind
    return PERSON if _of_people(told, table) else None


def _of_people(told: tuple[str, ...], table: str) -> bool:
    """`customer_name`, or `name` in a table of customers."""
    if told == ("name",):
        return any(_one(word) in PEOPLE for word in words(table))
    rest = _without(told, ("name",))
    return rest is not None and bool(rest) and all(_one(word) in PEOPLE for word in rest)


def _elsewhere(kind: str, rest: tuple[str, ...]) -> bool:
    return bool((set(rest) & OTHER) - _OWNED.get(kind, frozenset()))


def _without(told: tuple[str, ...], row: tuple[str, ...]) -> tuple[str, ...] | None:
    """What is left of a name without the words of a row; None when they are not in it."""
    for at in range(len(told) - len(row) + 1):
        if told[at : at + len(row)] == row:
            return (*told[:at], *told[at + len(row) :])
    return None


def _one(word: str) -> str:
    return word.removesuffix("s")


def _rows() -> Iterator[tuple[str, tuple[str, ...]]]:
    for kind, rows in NAMES.items():
        for row in rows:
            yield kind, tuple(row.split())


_ROWS: Final = tuple(sorted(_rows(), key=lambda pair: -len(pair[1])))
