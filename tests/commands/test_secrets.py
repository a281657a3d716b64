"""Secrets: what is set, removed and taken over; values are in the vault alone."""

import msgspec
import pytest

from commands.kernel import Forget, Keep
from commands.secrets import DECIDERS, ImportSecrets, RemoveSecret, SetSecret, Value
from domain import secrets
from tests.decisions import Scenario

SET = SetSecret(secret="KEY", value=b"hunter", proof="p1")
THERE = secrets.SecretSet(variable="KEY", proof="p1")
REMOVE = RemoveSecret(secret="KEY")
GONE = secrets.SecretRemoved(variable="KEY")


def imports(*names):
    return ImportSecrets(values=tuple(Value(secret=name, value=b"x") for name in names))


IMPORT = imports("A", "B")
IMPORTED = secrets.SecretsImported(variables=("A", "B"), file=".env")
replace = msgspec.structs.replace


def given(*events):
    return Scenario(DECIDERS, events)


def test_a_secret_is_set_and_the_same_value_again_is_no_change():
    given().when(SET).then(THERE)
    given(THERE).when(SET).then()
    given(THERE).when(replace(SET, proof="p2")).then(replace(THERE, proof="p2"))


def test_the_value_goes_to_the_vault_alone():
    assert (Keep("secret", "KEY", b"hunter"),) == SET.vault()
    assert (Forget("secret", "KEY"),) == REMOVE.vault()
    assert (Keep("secret", "A", b"x"), Keep("secret", "B", b"x")) == IMPORT.vault()
    assert b"hunter" not in msgspec.json.encode(THERE)


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A\n", "ä", "A" * 129, "${A}", "A=B"])
def test_a_name_that_no_file_could_refer_to_is_refused(name):
    given().when(replace(SET, secret=name)).refused(secrets.SecretNameInvalid)
    given().when(imports(name)).refused(secrets.SecretNameInvalid)


@pytest.mark.parametrize("value", [b"", b"x" * (secrets.VALUE_BYTES_MAX + 1)])
def test_a_value_that_is_empty_or_too_long_is_refused(value):
    given().when(replace(SET, value=value)).refused(secrets.SecretValueInvalid)


def test_a_secret_is_removed_and_one_that_never_was_is_told():
    given(THERE).when(REMOVE).then(GONE)
    given(THERE, GONE).when(REMOVE).then()
    given().when(REMOVE).refused(secrets.SecretMissing)


def test_a_file_is_taken_over_once():
    given().when(IMPORT).then(IMPORTED)
    given(IMPORTED).when(imports("C")).then()
    given(secrets.SecretSet(variable="A", proof="x")).when(IMPORT).refused(secrets.SecretThere)


def test_the_number_of_secrets_is_bounded():
    full = [secrets.SecretSet(variable=f"S{n}", proof="p") for n in range(secrets.SECRETS_MAX)]

    given(*full).when(SET).refused(secrets.TooManySecrets)
    given(*full).when(IMPORT).refused(secrets.TooManySecrets)
    given(*full).when(replace(SET, secret="S1")).then(replace(THERE, variable="S1"))
