"""The password policy."""

import unicodedata

import pytest

from domain import passwords
from domain.emails import Email

EMAIL = Email("anna.smith@example.org")
COMMON = frozenset({"iloveyou", "password1"})


def refused(password):
    with pytest.raises(passwords.PasswordWeak) as caught:
        passwords.check(password, EMAIL, COMMON)
    assert [caught.value.detail] == caught.value.facts["issues"]
    return caught.value.detail


@pytest.mark.parametrize(
    "password", ["blue-tiger", "aaaaaaab", "        ", "correct horse dango battery", "x" * 1024]
)
def test_length_is_enough_and_nothing_is_demanded_of_its_composition(password):
    assert password == passwords.check(password, EMAIL, COMMON)


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025])
def test_too_short_and_too_long_are_refused(password):
    assert "characters" in refused(password)


@pytest.mark.parametrize("password", ["iloveyou", "ILoveYou", "Password1"])
def test_common_ones_are_refused_in_any_case(password):
    assert "Password is too common." == refused(password)


@pytest.mark.parametrize(
    "password",
    [
        "anna.smith",
        "ANNA.SMITH123",
        "anna.smith@example.org",
        "smith12345",
        "dango123",
        "DangoDango1!",
        "example-2026",
    ],
)
def test_what_everybody_can_guess_does_not_count(password):
    assert "built from" in refused(password)


def test_the_two_spellings_of_a_letter_are_one_password():
    letters = "\u00e9\u00e0\u00fc\u00f1\u00e5\u00f6\u00e7\u0151\u017e\u1ec7"
    decomposed = unicodedata.normalize("NFD", letters)

    assert letters != decomposed
    assert letters == passwords.check(decomposed, EMAIL, COMMON)
