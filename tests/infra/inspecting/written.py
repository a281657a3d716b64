"""Columns written by hand when the rules were done already, and never used to change them.

What real tables hold and a library does not make up: half-empty columns, several spellings in one,
names in other words, and many numbers that only look like those of a person.
"""

import random
import string
import uuid
from datetime import date, datetime, timedelta

ROWS = 150
GIVEN = (
    "Aisha",
    "Björn",
    "Chloé",
    "Dmitri",
    "Esther",
    "Farid",
    "Grace",
    "Hiroshi",
    "Inés",
    "Jürgen",
    "Kofi",
    "Léa",
    "Mateo",
    "Noor",
)
FAMILY = (
    "O'Neill",
    "Núñez",
    "Schmidt",
    "Okafor",
    "Tanaka",
    "Dubois",
    "García",
    "Rossi",
    "Kowalski",
    "Haddad",
    "Lindqvist",
)
STREETS = ("Hauptstraße", "Elm", "Rue Victor Hugo", "Calle Mayor", "Kirchweg", "Via Roma")
MAILS = ("gmail.com", "web.de", "acme.co.uk", "uni-bonn.de", "posteo.net")


class Made:
    """Makes values; the same ones each time."""

    def __init__(self):
        self.r = random.Random(7)  # noqa: S311 - made-up data

    def digits(self, count):
        return "".join(self.r.choice(string.digits) for _ in range(count))

    def whole(self, low, high):
        return str(self.r.randint(low, high))

    def one(self, *choices):
        return self.r.choice(choices)

    def given(self):
        return self.r.choice(GIVEN)

    def family(self):
        return self.r.choice(FAMILY)

    def full(self):
        return f"{self.given()} {self.family()}"

    def mail(self):
        ascii_name = self.r.choice(("a.haddad", "grace", "kofi_77", "lea+news", "j.tanaka"))
        return f"{ascii_name}{self.whole(1, 999)}@{self.r.choice(MAILS)}"

    def day(self, first=1940, last=2005):
        begin = date(first, 1, 1)
        return begin + timedelta(days=self.r.randint(0, 365 * (last - first)))

    def moment(self):
        return datetime(2025, 1, 1) + timedelta(seconds=self.r.randint(0, 30_000_000))  # noqa: DTZ001

    def luhn(self, head, length):
        body = head + self.digits(length - len(head) - 1)
        total = 0
        for at, digit in enumerate(reversed(body)):
            twice = int(digit) * (2 if at % 2 == 0 else 1)
            total += twice - 9 if twice > 9 else twice
        return body + str(-total % 10)

    def card(self):
        number = self.luhn("51", 16)
        return "-".join(number[at : at + 4] for at in range(0, 16, 4))

    def iban(self, country, body):
        moved = body + country + "00"
        number = "".join(str(int(char, 36)) for char in moved)
        return f"{country}{98 - int(number) % 97:02d}{body}"

    def german_phone(self):
        return self.one(f"0{self.whole(150, 179)} {self.digits(7)}", f"+49 30 {self.digits(7)}")

    def american_phone(self):
        return f"({self.one('212', '415', '312')}) {self.whole(200, 999)}-{self.digits(4)}"

    def french_phone(self):
        return f"+33 6 {self.digits(2)} {self.digits(2)} {self.digits(2)} {self.digits(2)}"

    def street(self):
        return f"{self.r.choice(STREETS)} {self.whole(1, 180)}"

    def quad(self):
        return ".".join(self.whole(1, 254) for _ in range(4))

    def hex(self, count):
        return "".join(self.r.choice("0123456789abcdef") for _ in range(count))

    def dni(self):
        number = self.digits(8)
        return number + "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]

    def bsn(self):
        while True:
            head = self.whole(10_000_000, 99_999_999)
            rest = sum(int(d) * w for d, w in zip(head, range(9, 1, -1), strict=True)) % 11
            if rest < 10:
                return head + str(rest)

    def swedish(self):
        return self.luhn(self.day().strftime("%y%m%d") + self.digits(3), 10)


def columns():
    """Name of the table, name of the column, type, values, and whether it tells of a person."""
    made = Made()
    for told, rows in ((True, _persons(made)), (False, _others(made))):
        for table, name, kind, make in rows:
            values = [str(make()) for _ in range(ROWS) if made.r.random() > 0.1]
            yield table, name, kind, values, told


def _persons(m):
    text = "VARCHAR"
    return [
        ("kunden", "e_mail", text, m.mail),
        ("newsletter", "recipient", text, m.mail),
        ("crm_contacts", "primaryEmail", text, m.mail),
        ("invoices", "billing_email", text, m.mail),
        ("support", "from", text, lambda: f"{m.mail()}"),
        ("logins", "user_email_address", text, lambda: m.mail().upper()),
        ("kunden", "telefon", text, m.german_phone),
        ("crm_contacts", "work_phone", text, m.american_phone),
        ("crm_contacts", "phone_2", text, m.american_phone),
        ("clients", "mobile", text, m.french_phone),
        ("clients", "reach_me_at", text, m.french_phone),
        ("drivers", "cell", "BIGINT", lambda: m.whole(2_125_550_000, 9_895_559_999)),
        ("delivery", "recipient_phone", text, lambda: f"+1{m.one('212', '646')}555{m.digits(4)}"),
        ("kunden", "vorname", text, m.given),
        ("kunden", "nachname", text, m.family),
        ("employees", "FirstName", text, m.given),
        ("employees", "surname", text, m.family),
        ("employees", "emergency_contact_name", text, m.full),
        ("guests", "guest_name", text, m.full),
        ("students", "name", text, m.full),
        ("policies", "beneficiary_full_name", text, m.full),
        ("bookings", "passenger_last_name", text, m.family),
        ("kunden", "street", text, m.street),
        ("crm_contacts", "home_address", text, lambda: f"{m.street()}, {m.digits(5)} Bonn"),
        ("delivery", "address_line_1", text, m.street),
        ("invoices", "billing_address", text, lambda: f"{m.street()}\n{m.digits(5)} Köln"),
        ("employees", "social_security_number", text, lambda: f"{m.whole(100, 665)}-{m.whole(10, 99)}-{m.whole(1000, 9999)}"),  # noqa: E501
        ("w2", "taxpayer", text, lambda: f"{m.whole(100, 665)}-{m.whole(10, 99)}-{m.whole(1000, 9999)}"),  # noqa: E501
        ("employees", "ssn", "BIGINT", lambda: m.whole(100_000_000, 665_999_999)),
        ("payments", "cc_number", text, lambda: m.luhn("4", 16)),
        ("payments", "card", text, m.card),
        ("payments", "amex", "BIGINT", lambda: m.luhn("37", 15)),
        ("payouts", "account", text, lambda: m.iban("DE", m.digits(18))),
        ("payouts", "iban", text, lambda: m.iban("FR", m.digits(23))),
        ("audit", "remote_ip", text, m.quad),
        ("audit", "peer", text, m.quad),
        ("audit", "ip", text, lambda: f"2001:db8::{m.hex(4)}:{m.hex(3)}"),
        ("wifi", "station", text, lambda: "-".join(m.hex(2) for _ in range(6)).upper()),
        ("wifi", "mac", text, lambda: ":".join(m.hex(2) for _ in range(6))),
        ("students", "birth_date", "DATE", m.day),
        ("patients", "date_of_birth", text, lambda: m.day().strftime("%d.%m.%Y")),
        ("members", "birthday", text, m.day),
        ("empleados", "dni", text, m.dni),
        ("empleados", "documento", text, m.dni),
        ("medewerkers", "bsn", "BIGINT", m.bsn),
        ("medewerkers", "nummer", text, m.bsn),
        ("medlemmar", "personnummer", text, m.swedish),
        ("travel", "passport_no", text, lambda: f"{m.one('C', 'L', 'X')}{m.digits(8)}"),
        ("fleet", "driver_license_number", text, lambda: f"D{m.digits(7)}"),
        ("accounts", "login", text, lambda: f"{m.given().lower()}{m.whole(1, 99)}"),
        ("tickets", "body", text, lambda: m.one("Please call back.", f"My address is {m.mail()}, thanks")),  # noqa: E501
    ]  # fmt: skip


def _others(m):
    text, whole, real = "VARCHAR", "BIGINT", "DOUBLE"
    return [
        ("orders", "id", whole, lambda: m.whole(1, 10**9)),
        ("orders", "order_no", text, lambda: f"2025-{m.digits(6)}"),
        ("orders", "reference", text, lambda: f"{m.digits(3)}-{m.digits(3)}-{m.digits(4)}"),
        ("orders", "tracking_number", text, lambda: f"1Z{m.digits(16)}"),
        ("orders", "parcel", whole, lambda: m.whole(10**11, 10**12 - 1)),
        ("orders", "invoice_id", whole, lambda: m.whole(4 * 10**15, 5 * 10**15)),
        ("orders", "uuid", "UUID", lambda: uuid.UUID(m.hex(32))),
        ("orders", "correlation", text, lambda: uuid.UUID(m.hex(32))),
        ("orders", "placed_at", "TIMESTAMP", m.moment),
        ("orders", "placed_on", text, lambda: m.moment().strftime("%Y-%m-%d")),
        ("orders", "paid", text, lambda: m.moment().strftime("%d/%m/%Y %H:%M")),
        ("orders", "epoch_ms", whole, lambda: m.whole(1_600_000_000_000, 1_800_000_000_000)),
        ("orders", "amount", "DECIMAL(12,2)", lambda: f"{m.r.random() * 900:.2f}"),
        ("orders", "price_text", text, lambda: f"{m.whole(1, 99)}.{m.digits(2)} EUR"),
        ("orders", "zip", whole, lambda: m.whole(10_000, 99_999)),
        ("orders", "plz", text, lambda: m.digits(5)),
        ("orders", "ship_city", text, lambda: m.one("Bonn", "New York", "São Paulo")),
        ("orders", "item_count", whole, lambda: m.whole(1, 40)),
        ("orders", "customer_id", whole, lambda: m.whole(1, 90_000)),
        ("orders", "customer_type", text, lambda: m.one("retail", "wholesale", "partner")),
        ("orders", "customer_segment", text, lambda: m.one("Small Business", "Key Account")),
        ("articles", "gtin", text, lambda: m.digits(13)),
        ("articles", "article_code", text, lambda: f"{m.one('AB', 'XZ')}{m.digits(4)}-{m.hex(2)}"),
        ("articles", "article_name", text, lambda: f"{m.one('Oak', 'Steel')} {m.one('Chair', 'Desk')}"),  # noqa: E501
        ("articles", "name", text, lambda: f"{m.one('Oak', 'Steel')} {m.one('Chair', 'Desk')}"),
        ("articles", "brand_name", text, lambda: m.one("Acme", "Umbrella Corp", "Globex")),
        ("articles", "serial", text, lambda: f"SN{m.digits(9)}"),
        ("articles", "dimensions", text, lambda: f"{m.whole(1, 99)}x{m.whole(1, 99)}x{m.whole(1, 9)}"),  # noqa: E501
        ("firms", "legal_form", text, lambda: m.one("GmbH", "AG", "Ltd")),
        ("firms", "firm", text, lambda: f"{m.family()} {m.one('GmbH', '& Sons')}"),
        ("firms", "homepage", text, lambda: f"https://www.globex.com/{m.hex(4)}"),
        ("firms", "email_domain", text, lambda: m.one(*MAILS)),
        ("firms", "phone_system", text, lambda: m.one("sip", "isdn", "none")),
        ("builds", "version", text, lambda: f"{m.whole(1, 9)}.{m.whole(0, 30)}.{m.whole(0, 9)}.{m.whole(0, 60)}"),  # noqa: E501
        ("builds", "commit", text, lambda: m.hex(40)),
        ("builds", "md5", text, lambda: m.hex(32)),
        ("builds", "short_hash", text, lambda: m.hex(12)),
        ("builds", "duration", "INTERVAL", lambda: f"00:{m.whole(10, 59)}:{m.whole(10, 59)}"),
        ("builds", "started", text, lambda: f"12:{m.whole(10, 59)}:{m.whole(10, 59)}"),
        ("sensors", "reading", real, lambda: m.r.gauss(20, 5)),
        ("sensors", "lat_lon", text, lambda: f"{m.r.random() * 90:.5f},{m.r.random() * 180:.5f}"),
        ("sensors", "imei", whole, lambda: m.luhn("35", 15)),
        ("sensors", "npi", whole, lambda: m.whole(10**9, 2 * 10**9)),
        ("sensors", "flags", text, lambda: f"{m.r.getrandbits(8):08b}"),
        ("mailing", "emails_sent", whole, lambda: m.whole(0, 9000)),
        ("mailing", "email_opened_at", "TIMESTAMP", m.moment),
        ("mailing", "subject_line", text, lambda: m.one("Spring sale!", "We miss you")),
        ("mailing", "message_id", text, lambda: f"<{m.hex(16)}@mx.acme>"),
        ("mailing", "address_count", whole, lambda: m.whole(0, 9000)),
        ("people", "age", whole, lambda: m.whole(18, 90)),
        ("people", "role", text, lambda: m.one("Engineer", "Team Lead", "Analyst")),
        ("people", "is_mobile", "BOOLEAN", lambda: m.one("true", "false")),
        ("people", "last_seen", "TIMESTAMP", m.moment),
        ("people", "language", text, lambda: m.one("de", "en-GB", "pt")),
    ]  # fmt: skip
