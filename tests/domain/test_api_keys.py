"""The spelling of API keys."""

import random

from domain import api_keys


def some_key(number=1):
    return api_keys.spell(random.Random(number).randbytes(32))  # noqa: S311 - a seed for a test


def test_a_key_has_mark_body_and_checksum():
    key = some_key()

    assert (9 + 32 + 6, "dango_ak_") == (len(key), key[:9])
    assert key[9:].isalnum()
    assert api_keys.well_formed(key)


def test_any_one_wrong_character_is_told_without_a_look_up():
    key = some_key()
    wrong = [
        key[:n] + ("x" if key[n] != "x" else "y") + key[n + 1 :]
        for n in range(len(api_keys.MARK), 47)
    ]

    assert [] == [text for text in wrong if api_keys.well_formed(text)]


def test_junk_is_no_key():
    junk = [
        "",
        "dango_ak_",
        "x" * 47,
        some_key() + "a",
        some_key()[:-1],
        "dango_ak_" + "\u00e9" * 38,
    ]

    assert [] == [text for text in junk if api_keys.well_formed(text)]


def test_different_seeds_are_different_keys():
    assert 1_000 == len({some_key(number) for number in range(1_000)})
