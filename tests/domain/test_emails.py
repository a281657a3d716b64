"""One address, one spelling."""

import pytest

from domain import emails


@pytest.mark.parametrize(
    "text",
    [
        " Anna@Example.ORG ",
        "anna@example.org",
        "ANNA@EXAMPLE.ORG\n",
    ],
)
def test_case_and_surrounding_space_do_not_count(text):
    assert "anna@example.org" == emails.parse(text)


def test_composed_and_decomposed_letters_are_the_same():
    assert emails.parse("zoe\u0301@a.io") == emails.parse("ZO\u00c9@a.io")


def test_a_spelling_is_its_own_spelling():
    for text in ("Stra\u00dfe@a.io", "\u0130x@a.io", "\u1e9e\u0301@a.io"):
        once = emails.parse(text)
        assert once == emails.parse(once)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna@stra\u00dfe.de", "anna@strasse.de"),
        ("\u0130x@a.io", "ix@a.io"),
    ],
)
def test_addresses_of_different_people_stay_different(one, other):
    assert emails.parse(one) != emails.parse(other)


@pytest.mark.parametrize(
    "address",
    [
        "\uff41dmin@a.io",  # a wide letter
        "admin\uff20a.io",
        "\ufb01n@a.io",
        "\u017fam@a.io",
        "\u0430dmin@a.io",  # Cyrillic a
        "admin@\u0430pple.com",
        "\u03bfscar@a.io",  # Greek omicron
    ],
)
def test_letters_that_only_look_like_others_are_refused(address):
    with pytest.raises(emails.EmailInvalid):
        emails.parse(address)


@pytest.mark.parametrize(
    "address",
    ["\u0438\u0432\u0430\u043d@\u043f\u043e\u0447\u0442\u0430.example.com", "jos\u00e9@a.io"],
)
def test_other_alphabets_are_welcome(address):
    assert address == emails.parse(address)


def test_a_local_host_is_enough():
    assert "admin@localhost" == emails.parse("admin@localhost")


@pytest.mark.parametrize(
    "text",
    ["", " ", "anna", "@a.io", "anna@", "a@b@c", "a b@c.io", "a\0b@c.io", "a" * 250 + "@b.io"],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(emails.EmailInvalid):
        emails.parse(text)
