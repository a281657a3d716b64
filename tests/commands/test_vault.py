"""New keys for the vault: asked for one at a time, ended once; a given master key stays."""

import pytest

from commands.vault import DECIDERS, EndVaultRotation, RotateVault
from domain import vault
from domain.vault import VaultRotated, VaultRotationFailed, VaultRotationRequested
from tests.decisions import Scenario

ASKED = VaultRotationRequested()
DONE = VaultRotated(job=1, key_id="k1", rows=7)
FAILED = VaultRotationFailed(job=1, reason="no")


def given(*events):
    return Scenario(DECIDERS, events)


@pytest.mark.parametrize("master", [False, True])
def test_new_keys_are_asked_for_one_at_a_time(master):
    wanted = RotateVault(master=master)

    assert [VaultRotationRequested(master=master)] == given().when(wanted).decide([])
    assert {"job_id": 1} == given(ASKED).when(wanted).refused(vault.RotationRunning).facts
    for ending in (DONE, FAILED):
        assert [VaultRotationRequested(master=master)] == given().when(wanted).decide(
            [ASKED, ending]
        )


def test_a_master_key_that_was_given_is_not_changed_here_and_the_refusal_says_what_to_do():
    refusal = given().when(RotateVault(master=True, given=True)).refused(vault.MasterKeyGiven)

    assert "DANGO_MASTER_KEY" in refusal.detail
    assert "comma" in refusal.detail
    assert [ASKED] == given().when(RotateVault(given=True)).decide([])


@pytest.mark.parametrize("ending", [DONE, FAILED])
def test_a_rotation_ends_once(ending):
    given(ASKED).when(EndVaultRotation(ending=ending)).then(ending)
    given().when(EndVaultRotation(ending=ending)).then()
    given(ASKED, FAILED).when(EndVaultRotation(ending=ending)).then()
    given(ASKED, FAILED, ASKED).when(EndVaultRotation(ending=ending)).then()
