"""What providers let us read: taken once, renewed, lapsed, taken back. Tokens: the vault's."""

from datetime import timedelta

import msgspec
import pytest

from commands.grants import DECIDERS, LapseGrant, RenewGrant, TakeBackGrant, TakeGrant
from commands.kernel import Forget, Keep
from domain import grants
from domain.grants import GrantGiven, GrantLapsed, GrantRenewed, GrantTakenBack
from tests.decisions import NOW, Scenario

LATER = NOW + timedelta(hours=1)
TAKE = TakeGrant(
    source_type="hubspot", provider="hubspot", attempt="a1", value=b"t0ken", expires_at=NOW
)
GIVEN = GrantGiven(source_type="hubspot", provider="hubspot", attempt="a1", expires_at=NOW)
RENEW = RenewGrant(source_type="hubspot", value=b"t1ken", expires_at=LATER)
RENEWED = GrantRenewed(source_type="hubspot", expires_at=LATER)
LAPSE = LapseGrant(source_type="hubspot", reason="no")
LAPSED = GrantLapsed(source_type="hubspot", reason="no")
BACK = TakeBackGrant(source_type="hubspot", revoked=True)
GONE = GrantTakenBack(source_type="hubspot", revoked=True)


def given(*events):
    return Scenario(DECIDERS, events)


def test_one_way_there_and_back_leads_to_one_grant():
    given().when(TAKE).then(GIVEN)
    given(GIVEN, GONE).when(TAKE).then()
    again = msgspec.structs.replace(TAKE, attempt="a2")
    given(GIVEN).when(again).then(msgspec.structs.replace(GIVEN, attempt="a2"))


def test_a_grant_is_renewed_while_it_is_there():
    given(GIVEN).when(RENEW).then(RENEWED)
    given(GIVEN, LAPSED).when(RENEW).then(RENEWED)
    given(GIVEN, GONE).when(RENEW).refused(grants.GrantMissing)


def test_a_grant_lapses_once():
    given(GIVEN).when(LAPSE).then(LAPSED)
    given(GIVEN, GONE).when(LAPSE).then()


def test_a_grant_is_taken_back_once():
    given(GIVEN).when(BACK).then(GONE)
    given().when(BACK).refused(grants.GrantMissing)


def test_tokens_go_to_the_vault_and_are_forgotten_with_the_grant():
    assert (Keep("grant", "hubspot", b"t0ken"),) == TAKE.vault()
    assert (Keep("grant", "hubspot", b"t1ken"),) == RENEW.vault()
    assert (Forget("grant", "hubspot"),) == BACK.vault()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("OAUTH_HUBSPOT", "hubspot"),
        ("OAUTH_GOOGLE_SHEETS", "google_sheets"),
        ("OAUTH_hubspot", None),
        ("OAUTH_STRIPE", None),
        ("HUBSPOT", None),
    ],
)
def test_a_name_stands_for_the_grant_of_one_type(name, found):
    assert found == grants.named(name)
