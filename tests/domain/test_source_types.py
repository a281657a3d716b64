"""Blocks of sources: what types take, what is a secret, and where a fault is."""

import msgspec
import pytest

from domain.source_types import table
from domain.source_types.block import Block
from domain.source_types.secret import (
    MASK,
    Secret,
    SecretUrl,
    filled,
    literals,
    masked,
    references,
)
from domain.source_types.table import TYPES, OptionInvalid, SourceType, json_schema, options


class Header(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    value: Secret


class Sample(Block, frozen=True, kw_only=True):
    base_url: str = ""
    auth_token: Secret | None = None
    credentials: SecretUrl | None = None
    headers: tuple[Header, ...] = ()
    more: dict[str, Secret] = msgspec.field(default_factory=dict)
    limits: dict[str, int] = msgspec.field(default_factory=dict)


@pytest.fixture
def sample(monkeypatch):
    row = SourceType(name="sample", title="Sample", summary="", kind="api", block=Sample)
    monkeypatch.setitem(TYPES, "sample", row)
    return lambda **block: options("sample", block)


def test_what_is_no_reference_in_a_secret_s_place_is_told_by_its_path(sample):
    block = sample(
        base_url="https://api.example.org",
        auth_token="hunter",
        headers=[{"name": "a", "value": "${GOOD}"}, {"name": "b", "value": "hunter"}],
        more={"pin": "x${NAME}"},
    )

    assert [".auth_token", ".headers[1].value", ".more.pin"] == literals(block)
    assert "hunter" not in str(masked(block))
    assert {"pin": MASK} == masked(block)["more"]
    assert "https://api.example.org" == masked(block)["base_url"]
    assert "${GOOD}" == masked(block)["headers"][0]["value"]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter@host/db",
        "mysql://host/db?password=hunter",
        "Driver=ODBC;Pwd=hunter",
        "postgresql://me:${PW}x@host/db",
        "postgresql://[bad",
    ],
)
def test_a_url_with_a_password_in_it_is_masked(sample, url):
    assert [".credentials"] == literals(sample(credentials=url))


@pytest.mark.parametrize(
    "url",
    ["${URL}", "postgresql://me:${PW}@host/db", "sqlite:///data/shop.db", "mysql://me@host/db"],
)
def test_a_url_without_one_is_told(sample, url):
    assert [] == literals(sample(credentials=url))


def test_the_name_of_a_variable_means_a_reference_to_it(sample):
    assert "${TOKEN}" == sample(auth_token_env="TOKEN").auth_token
    for block in ({"auth_token_env": "a b"}, {"auth_token_env": "A", "auth_token": "${B}"}):
        with pytest.raises(OptionInvalid):
            sample(**block)


def test_every_reference_is_found_and_filled(sample):
    block = sample(auth_token="${A}", credentials="mysql://u:${B}@h/d", more={"x": "${C}"})

    assert {"A", "B", "C"} == references(block) == references(masked(block))
    found = filled(masked(block), {"A": "1", "B": "${C}", "C": "3"})
    assert ("1", "mysql://u:${C}@h/d", "3") == (
        found["auth_token"],
        found["credentials"],
        found["more"]["x"],
    )
    with pytest.raises(KeyError, match="A"):
        filled({"x": "${A}"}, {})


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ({"directory": "../x"}, ".directory"),
        ({"directory": "/x"}, ".directory"),
        ({"directory": "."}, ".directory"),
        ({"directory": "x\n/../../y"}, ".directory"),
        ({"directory": "x", "file_pattern": "a/*"}, ".file_pattern"),
        ({"directory": "x", "colour": "red"}, ".colour"),
        ({"directory": 5}, ".directory"),
        ({}, ".directory"),
        ([], ""),
        ("x", ""),
    ],
)
def test_a_fault_is_told_with_its_path(block, path):
    with pytest.raises(OptionInvalid) as caught:
        options("csv", block)

    assert path == caught.value.path


def test_each_type_has_a_schema_of_its_block():
    for kind in TYPES.values():
        schema = json_schema(kind)
        assert ("object", False) == (schema["type"], schema["additionalProperties"])
        assert kind.title == schema["title"]


def test_a_schema_says_which_values_are_secrets(sample):
    assert {"format": "password"}.items() <= json_schema(TYPES["sample"])["properties"][
        "auth_token"
    ]["anyOf"][0].items()


def test_a_type_has_a_row_or_waits_for_one():
    assert not table.LATER & TYPES.keys()


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_each_option_is_described(kind):
    told = json_schema(kind)["properties"]
    assert [] == [name for name, option in told.items() if not option.get("description")]
    assert msgspec.json.schema_components([kind.block])[1][kind.block.__name__][
        "properties"
    ].keys() == (told.keys())


@pytest.mark.parametrize(
    ("block", "path", "reason"),
    [
        ({}, ".directory", "is needed"),
        ({"directory": 5}, ".directory", "must be text, and is a whole number"),
        ({"directory": "a", "max_reject_ratio": 3}, ".max_reject_ratio", "must be <= 1.0"),
        (
            {"directory": "a", "format": "xml"},
            ".format",
            "is not one of the values that it takes, which `dango source types` lists",
        ),
        ({"directory": "a", "null_values": "x"}, ".null_values", "must be a list, and is text"),
    ],
)
def test_what_is_wrong_with_an_option_is_told_in_plain_words(block, path, reason):
    with pytest.raises(OptionInvalid) as invalid:
        options("csv", block)
    assert (path, reason) == (invalid.value.path, invalid.value.reason)


def test_who_misspells_an_option_is_told_which_there_are():
    with pytest.raises(OptionInvalid) as invalid:
        options("csv", {"dir": "a"})
    assert ".dir" == invalid.value.path
    assert "directory, file_pattern" in invalid.value.reason
