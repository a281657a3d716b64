"""How well columns are judged: on made-up columns of two origins, and rule by rule."""

import pytest

from domain.pii import CONFIDENCE_MIN
from infra.inspecting import names
from infra.inspecting.judging import SAMPLES_MIN, Sample, judge
from tests.infra.inspecting import faked, written

PRECISION_MIN = RECALL_MIN = 0.9
COLUMNS_MIN = 40


def counts(sample):
    verdict = judge(sample)
    return verdict is not None and verdict.confidence >= CONFIDENCE_MIN


@pytest.mark.parametrize("origin", [faked, written], ids=["by a library", "by hand"])
def test_nine_of_ten_findings_are_right_and_nine_of_ten_columns_are_found(origin):
    found = [
        (counts(Sample(table=table, column=column, type=kind, found=values)), told)
        for table, column, kind, values, told in origin.columns()
    ]
    right = found.count((True, True))
    precision = right / (right + found.count((True, False)))
    recall = right / (right + found.count((False, True)))

    assert COLUMNS_MIN <= right + found.count((False, True))
    assert COLUMNS_MIN <= found.count((True, False)) + found.count((False, False))
    assert (precision, recall) >= (PRECISION_MIN, RECALL_MIN)
    assert recall >= RECALL_MIN


def kind(column, *values, table="things", type_="VARCHAR", times=1):
    verdict = judge(Sample(table=table, column=column, type=type_, found=values * times))
    return None if verdict is None else verdict.kind


@pytest.mark.parametrize(
    ("column", "table", "meaning"),
    [
        ("customerEMail", "orders", names.EMAIL),
        ("EMAIL_ADDRESS", "x", names.EMAIL),
        ("email_status", "x", None),
        ("ip", "x", names.IP),
        ("ship", "x", None),
        ("name", "customers", names.PERSON),
        ("name", "products", None),
        ("product_name", "customers", None),
        ("driver_name", "x", names.PERSON),
        ("dateOfBirth", "x", names.BIRTH_DATE),
        ("birth_date_verified", "x", None),
        ("phones_count", "x", None),
        ("tel", "x", names.PHONE),
        ("hotel", "x", None),
    ],
)
def test_a_name_says_what_its_words_say(column, table, meaning):
    assert meaning == names.meant(column, table)


FORMS = {
    names.CREDIT_CARD: (
        "4111 1111 1111 1111",
        "378282246310005",
        "5555555555554444",
        "6011111111111117",
        "5105-1051-0510-5100",
    ),
    names.IBAN: (
        "DE89370400440532013000",
        "GB82 WEST 1234 5698 7654 32",
        "NL91ABNA0417164300",
        "ES9121000418450200051332",
        "CH9300762011623852957",
    ),
    names.MAC: tuple(f"00:1b:63:84:45:e{n}" for n in range(5)),
    names.EMAIL: tuple(f"someone.{n}@mail.example.co.uk" for n in range(5)),
    names.IP: tuple(f"203.0.113.{n}" for n in range(200, 205)),
    names.SSN: tuple(f"21{n}-54-9876" for n in range(5)),
    names.PHONE: tuple(f"+44 20 7946 095{n}" for n in range(5)),
    names.NATIONAL_ID: ("12345678Z", "00000000T", "87654321X", "11111111H", "22222222J"),
}


@pytest.mark.parametrize(("expected", "values"), FORMS.items(), ids=FORMS)
def test_what_has_a_form_of_its_own_needs_no_name(expected, values):
    assert SAMPLES_MIN == len(values)
    assert expected == kind("c", *values)
    assert None is kind("c", *values[1:])


@pytest.mark.parametrize(
    "values",
    [
        [f"4111 1111 1111 11{n}" for n in range(12, 19)],  # no checksum
        [f"DE8937040044053201300{n}" for n in range(1, 8)],
        [f"000-54-987{n}" for n in range(8)],
        [f"999.0.113.{n}" for n in range(8)],
        [f"2025-01-1{n}" for n in range(8)],
    ],
)
def test_what_only_looks_like_it_is_not_taken_for_it(values):
    assert None is kind("c", *values)


def test_few_values_without_a_name_prove_nothing():
    assert None is kind("c", "a@example.org", "b@example.org")
    assert names.EMAIL == kind("email", "a@example.org", "b@example.org")


def test_a_column_without_values_tells_of_nobody():
    assert None is kind("email")
    assert None is kind("email", "", "  ")


def test_a_name_alone_does_not_decide():
    assert None is kind("email", "yes", "no", times=9)
    assert None is kind("phone", "sip", "isdn", times=9)


def test_texts_that_hold_addresses_are_found():
    texts = [f"Call {n}, or write to someone{n}@example.com." for n in range(9)]

    assert names.EMAIL == kind("note", *texts)


def test_versions_are_no_addresses_of_hosts():
    assert None is kind("release", *(f"1.{n}.0.{n}" for n in range(20)))
