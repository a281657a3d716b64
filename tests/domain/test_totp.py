"""Time steps, the spelling of recovery codes, and what a code is good for."""

from datetime import UTC, datetime, timedelta

import pytest

from domain import totp
from domain.totp import Code, Factor

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FACTOR = Factor(enabled="f1", step=100, recovery=frozenset({"r1"}))


def test_this_step_and_the_one_before_are_taken():
    now = int(NOON.timestamp()) // 30

    assert (now, now - 1) == totp.steps(NOON) == totp.steps(NOON + timedelta(seconds=29))
    assert (now + 1, now) == totp.steps(NOON + timedelta(seconds=30))


def test_a_recovery_code_has_eighty_bits_in_four_groups():
    assert "AAAA-AAAA-AAAA-AAAA" == totp.spell(bytes(32))
    assert "7777-7777-7777-7777" == totp.spell(b"\xff" * 32)
    assert 1_000 == len({totp.spell(bytes(30) + n.to_bytes(2)) for n in range(1_000)})


@pytest.mark.parametrize("text", ["abcd-efgh", "ABCD EFGH", " ABCD\u2013EFGH\n", "abcdefgh"])
def test_a_recovery_code_is_the_same_however_it_was_written_down(text):
    assert "ABCDEFGH" == totp.canonical(text)


@pytest.mark.parametrize("step", [101, 102, 10**9])
def test_a_later_step_is_good(step):
    spent = FACTOR.spent("anna", Code(factor_id="f1", step=step))

    assert totp.TotpUsed(user_id="anna", factor_id="f1", step=step) == spent
    assert None is totp.evolve(FACTOR, spent).spent("anna", Code(factor_id="f1", step=step))


@pytest.mark.parametrize(
    "code",
    [
        *(Code(factor_id="f1", step=100), Code(factor_id="f1", step=99), Code()),
        *(Code(factor_id="other", step=101), Code(step=101), Code(proof="r2"), Code(proof="")),
    ],
)
def test_nothing_else_is(code):
    assert None is FACTOR.spent("anna", code)
    assert None is Factor().spent("anna", Code(factor_id="f1", step=101, proof="r1"))


def test_a_recovery_code_is_good_once():
    spent = FACTOR.spent("anna", Code(proof="r1"))

    assert totp.RecoveryCodeUsed(user_id="anna", proof="r1") == spent
    assert None is totp.evolve(FACTOR, spent).spent("anna", Code(proof="r1"))
