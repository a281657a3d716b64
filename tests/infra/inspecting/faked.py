"""Columns as a library for made-up data writes them: what tells of persons, and what does not."""

import hashlib

from faker import Faker

ROWS = 200
SEED = 20_261_122


def columns():
    """Name of the table, name of the column, type, values, and whether it tells of a person."""
    fake = Faker(["en_US"])
    Faker.seed(SEED)
    for (table, name, kind), make in {**_persons(fake), **_others(fake)}.items():
        made = [make() for _ in range(ROWS)]
        yield table, name, kind, [str(value) for value in made], (table, name) in _named(fake)


def _named(fake):
    return {(table, name) for table, name, _ in _persons(fake)}


def _persons(fake):
    text = "VARCHAR"
    german, british, spanish = Faker("de_DE"), Faker("en_GB"), Faker("es_ES")
    polish, italian, brazilian = Faker("pl_PL"), Faker("it_IT"), Faker("pt_BR")
    for each in (german, british, spanish, polish, italian, brazilian):
        each.seed_instance(SEED)
    return {
        ("customers", "email", text): fake.email,
        ("orders", "customer_email", text): fake.safe_email,
        ("subscribers", "contact", text): fake.free_email,
        ("users", "EmailAddress", text): fake.company_email,
        ("customers", "phone", text): fake.phone_number,
        ("leads", "mobile_number", text): german.phone_number,
        ("leads", "contact_1", text): lambda: fake.numerify("+1 (2##) 555-01##"),
        ("customers", "homePhone", text): british.phone_number,
        ("customers", "first_name", text): fake.first_name,
        ("customers", "last_name", text): fake.last_name,
        ("staff", "full_name", text): fake.name,
        ("patients", "name", text): german.name,
        ("orders", "customer_name", text): spanish.name,
        ("customers", "address", text): lambda: fake.address().replace("\n", ", "),
        ("customers", "street_address", text): fake.street_address,
        ("orders", "shipping_address", text): lambda: german.address().replace("\n", ", "),
        ("customers", "ssn", text): fake.ssn,
        ("hr", "reference", text): fake.ssn,
        ("payments", "card_number", text): fake.credit_card_number,
        ("payments", "instrument", text): lambda: fake.credit_card_number("visa"),
        ("payments", "pan", "BIGINT"): lambda: fake.credit_card_number("mastercard"),
        ("accounts", "iban", text): german.iban,
        ("accounts", "payout_target", text): british.iban,
        ("visits", "ip_address", text): fake.ipv4,
        ("visits", "client_ip", text): fake.ipv6,
        ("visits", "origin", text): fake.ipv4_public,
        ("devices", "mac_address", text): fake.mac_address,
        ("devices", "adapter", text): fake.mac_address,
        ("customers", "date_of_birth", "DATE"): fake.date_of_birth,
        ("patients", "dob", text): fake.date_of_birth,
        ("employees", "birthdate", "TIMESTAMP"): fake.date_of_birth,
        ("users", "username", text): fake.user_name,
        ("users", "password_hash", text): lambda: hashlib.sha256(fake.binary(8)).hexdigest(),
        ("travellers", "passport_number", text): fake.passport_number,
        ("drivers", "license_plate", text): fake.license_plate,
        ("customers", "bank_account", text): fake.bban,
        ("people", "pesel", text): polish.pesel,
        ("people", "document", text): polish.pesel,
        ("people", "codice_fiscale", text): italian.ssn,
        ("people", "tax_code", text): italian.ssn,
        ("people", "cpf", text): brazilian.cpf,
        ("people", "registry", text): brazilian.cpf,
        ("tickets", "note", text): lambda: f"{fake.sentence()} Write to {fake.email()}.",
    }


def _others(fake):
    text, whole, real = "VARCHAR", "BIGINT", "DOUBLE"
    number = fake.random_int
    return {
        ("orders", "order_id", whole): lambda: number(100_000_000, 999_999_999),
        ("orders", "order_number", text): lambda: fake.bothify("ORD-########"),
        ("orders", "external_ref", text): lambda: fake.numerify("###-#######-#######"),
        ("orders", "id", text): fake.uuid4,
        ("orders", "created_at", "TIMESTAMP"): fake.date_time,
        ("orders", "updated", text): lambda: fake.date_time().isoformat(),
        ("orders", "order_date", "DATE"): fake.date_object,
        ("orders", "amount", real): lambda: fake.pyfloat(2, 2, positive=True),
        ("orders", "total_cents", whole): lambda: number(100, 9_999_999),
        ("orders", "currency", text): fake.currency_code,
        ("orders", "status", text): lambda: fake.random_element(("open", "paid", "sent")),
        ("orders", "zip_code", whole): fake.zipcode,
        ("orders", "postcode", text): fake.postcode,
        ("orders", "city", text): fake.city,
        ("orders", "country", text): fake.country,
        ("orders", "country_code", text): fake.country_code,
        ("products", "sku", text): lambda: fake.bothify("??-####-??").upper(),
        ("products", "ean", text): fake.ean13,
        ("products", "upc", whole): fake.ean8,
        ("products", "isbn", text): fake.isbn13,
        ("products", "name", text): lambda: " ".join(fake.words(3)).title(),
        ("products", "product_name", text): fake.catch_phrase,
        ("products", "color_name", text): fake.color_name,
        ("products", "description", text): fake.paragraph,
        ("products", "quantity", whole): lambda: number(0, 500),
        ("products", "file_name", text): fake.file_name,
        ("companies", "company_name", text): fake.company,
        ("companies", "website", text): fake.url,
        ("companies", "domain_name", text): fake.domain_name,
        ("jobs", "title", text): fake.job,
        ("events", "event_name", text): fake.word,
        ("events", "user_agent", text): fake.user_agent,
        ("events", "session_hash", text): fake.md5,
        ("events", "commit_sha", text): fake.sha1,
        ("events", "checksum", text): fake.sha256,
        ("events", "locale", text): fake.locale,
        ("events", "time_zone", text): fake.timezone,
        ("events", "unix_ts", whole): fake.unix_time,
        ("events", "latitude", "DECIMAL(10,7)"): fake.latitude,
        ("events", "app_version", text): lambda: fake.numerify("%.#.##.#"),
        ("events", "email_count", whole): lambda: number(0, 50),
        ("events", "phone_verified", text): lambda: fake.random_element(("true", "false")),
        ("events", "email_status", text): lambda: fake.random_element(("sent", "opened")),
        ("events", "mobile", text): lambda: fake.random_element(("yes", "no")),
        ("events", "port", whole): fake.port_number,
        ("events", "path", text): fake.uri_path,
        ("users", "user_id", whole): lambda: number(1, 10_000_000),
        ("users", "last_login_at", "TIMESTAMP"): fake.date_time,
        ("users", "login_count", whole): lambda: number(0, 900),
    }
