"""Secrets are gone from texts in every spelling, but for those that the reader wrote."""

import json
import logging
import urllib.parse

import pytest

from infra.workers import secrecy
from infra.workers.secrecy import MASK, hidden, hide

SECRET = 'p\'a\\ss "word" ü'


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrecy, "_known", {})


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        SECRET.replace("'", "''"),
        'p\\\'a\\\\ss "word" ü',
        "p\\''a\\\\ss \"word\" ü",
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        urllib.parse.quote(SECRET, safe=""),
    ],
)
def test_a_secret_is_hidden_in_each_spelling(spelling: str) -> None:
    hide([SECRET])

    assert f"at {MASK}!" == hidden(f"at {spelling}!")


def test_a_secret_inside_another_does_not_leave_the_rest() -> None:
    hide(["hunter", "host=db password=hunter"])

    assert f"{MASK} and {MASK}" == hidden("host=db password=hunter and hunter")


def test_a_guess_is_not_confirmed() -> None:
    hide(["hunter2"])

    assert "no integer: hunter2" == hidden("no integer: hunter2", "SELECT 'hunter2'::INT")


def test_what_is_too_short_to_be_a_secret_leaves_words_alone() -> None:
    hide(["", "a"])

    assert "a cat" == hidden("a cat")


def test_a_traceback_in_the_log_holds_no_secret() -> None:
    hide(["hunter2"])
    try:
        raise KeyError("hunter2")
    except KeyError as bug:
        failure = (KeyError, bug, bug.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "", 0, "at %s", ("hunter2",), failure)

    printed = secrecy.Printed().format(record)

    assert "hunter2" not in printed
    assert f"KeyError: '{MASK}'" in printed
