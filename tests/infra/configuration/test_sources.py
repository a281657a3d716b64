"""sources.yml: what is wrong is told with file, line and column, and never with the text itself."""

import re

import msgspec
import pytest

from domain.sources import Source
from infra.configuration.documents import FILE_BYTES_MAX, Unreadable
from infra.configuration.sources import read


def digest(kind, value):
    return f"{kind}:{value}"


@pytest.fixture
def given(tmp_path):
    path = tmp_path / "sources.yml"

    class Given:
        def __init__(self, text):
            if text is not None:
                path.write_bytes(text if isinstance(text, bytes) else text.encode())

        def read(self):
            return read(path, digest)

        def refused(self):
            with pytest.raises(Unreadable) as caught:
                self.read()
            assert "sources.yml" == caught.value.file
            assert str(caught.value).startswith("sources.yml")
            return caught.value

    return Given


ORDERS = """\
version: "1.0"
sources:
  - name: orders
    type: csv
    csv:
      directory: data/orders
"""

BAD = {
    "syntax": ("sources: [\n  a: b: c\n", 2, 7),
    "tab": ("sources:\n\t- name: a\n", 2, 1),
    "no text": ('version: "1.0"\nsources: \0\n', 2, 1),
    "no date": ("version: 2026-99-99\n", 1, 10),
    "too many digits": (f"version: {'9' * 5_000}\n", 1, 10),
    "flow too deep": (f"sources: {'[' * 100_000}", 1, 59),
    "block too deep": ("\n".join(f"{' ' * n}a:" for n in range(1_400)), 50, 50),
    "too many values": ("sources:\n" + "- a\n" * 100_100, 99_999, 3),
    "unclosed": ('sources:\n  - name: "a\n', 3, 1),
    "key twice": ("sources:\n  - name: a\n    type: csv\n    name: b\n", 4, 5),
    "deep key twice": (f"{ORDERS}      directory: other\n", 7, 7),
    "no list": ("sources: 5\n", 1, 10),
    "no block": ("- a\n- b\n", 1, 1),
    "entry is text": ("sources:\n  - orders\n", 2, 5),
    "no name": ("sources:\n  - type: csv\n", 2, 5),
    "no type": ("sources:\n  - name: a\n", 2, 5),
    "name is a list": ("sources:\n  - name: [a]\n    type: csv\n", 2, 11),
    "enabled is text": ("sources:\n  - name: a\n    type: csv\n    enabled: perhaps\n", 4, 14),
    "name begins with a digit": ("sources:\n  - name: 1a\n    type: csv\n", 2, 11),
    "name has a dash": ("sources:\n  - name: a-b\n    type: csv\n", 2, 11),
    "name is too long": (f"sources:\n  - name: {'a' * 64}\n    type: csv\n", 2, 11),
    "name with a line end": ('sources:\n  - name: "a\\n"\n    type: csv\n', 2, 11),
    "bad schema": ("sources:\n  - name: a\n    schema: a.b\n    type: csv\n", 3, 13),
    "unknown key": ("sources:\n  - name: a\n    type: csv\n    colour: red\n", 4, 13),
    "block of another type": (
        "sources:\n  - name: a\n    type: csv\n    matomo: {}\n",
        4,
        13,
    ),
    "block is text": ("sources:\n  - name: a\n    type: csv\n    csv: here\n", 4, 10),
    "block of another type is text": (
        "sources:\n  - {name: a, type: matomo, matomo: x}\n",
        2,
        37,
    ),
    "unknown key of csv": (f"{ORDERS}      colour: red\n", 7, 15),
    "no directory": ("sources:\n  - name: a\n    type: csv\n", 2, 5),
    "absolute directory": (ORDERS.replace("data/orders", "/etc"), 6, 18),
    "directory above": (ORDERS.replace("data/orders", "data/../../x"), 6, 18),
    "directory is empty": (ORDERS.replace("data/orders", '""'), 6, 18),
    "directory with a zero": (ORDERS.replace("data/orders", '"a\\0b"'), 6, 18),
    "pattern with a folder": (f"{ORDERS}      file_pattern: a/*.csv\n", 7, 21),
    "two of one name": (f"{ORDERS}  - name: Orders\n    type: matomo\n", 7, 11),
    "half of a character": ('sources:\n  - name: a\n    description: "\\ud800"\n', 3, 18),
    "refers to itself": ("sources: &a\n  - *a\n", 1, 10),
    "two documents": ("sources: []\n---\nsources: []\n", 2, 1),
    "an object of Python": ("sources: !!python/object/apply:os.system [ls]\n", 1, 10),
    "an unknown tag": ("sources: !secret x\n", 1, 10),
    "an unknown alias": ("sources: *nobody\n", 1, 10),
}


@pytest.mark.parametrize(("text", "line", "column"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_told_with_its_place(given, text, line, column):
    refusal = given(text).refused()

    assert (line, column) == (refusal.line, refusal.column), refusal.reason
    assert f"line {line}, column {column}" in str(refusal)


def test_a_refusal_does_not_tell_the_value(given):
    for text in (
        "sources:\n  - name: hunter-2\n    type: csv\n",
        "sources:\n  - name: a\n    type: csv\n    enabled: hunter-2\n",
        "sources:\n  - name: a\n    type: csv\n    csv: {directory: hunter-2, notes: [1]}\n",
        f"{ORDERS}      password: hunter-2\n",
    ):
        assert "hunter-2" not in str(given(text).refused())


def test_what_is_not_utf8_is_told_by_its_line(given):
    refusal = given(b"sources: []\n# caf\xe9\n").refused()

    assert ("is not UTF-8", 2) == (refusal.reason, refusal.line)


def test_a_mark_of_utf8_is_passed_over(given):
    assert ["orders"] == [s.name for s in given(b"\xef\xbb\xbf" + ORDERS.encode()).read()]


def test_a_file_that_is_too_large_is_not_even_parsed(given):
    refusal = given(b"# " + b"x" * 2 * FILE_BYTES_MAX).refused()

    assert f"is larger than {FILE_BYTES_MAX} bytes" == refusal.reason


def test_a_bomb_of_aliases_does_not_go_off(given):
    names = "abcdefghi"
    bomb = "".join(
        f"{name}: &{name} [{', '.join(['lol'] * 9 if not n else ['*' + names[n - 1]] * 9)}]\n"
        for n, name in enumerate(names)
    )
    block = "sources:\n  - name: a\n    type: matomo\n    matomo: {all: *i}\n"

    assert "values" in given(bomb + block).refused().reason
    assert "nested more than" in given("sources: " + "[" * 2_000).refused().reason


def test_a_small_alias_is_taken(given):
    text = """\
shared: &shared {directory: data/orders}
sources:
  - {name: one, type: csv, csv: *shared}
  - {name: other, type: csv, csv: {<<: *shared, file_pattern: "*.txt"}}
"""
    one, other = given(text).read()

    assert "data/orders" == one.options["directory"] == other.options["directory"]
    assert "*.txt" == other.options["file_pattern"]


@pytest.mark.parametrize("text", [None, "", "# nothing\n", "sources:\n", "sources: []\n", "---\n"])
def test_a_file_that_is_missing_or_empty_names_no_sources(given, text):
    assert () == given(text).read()


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "sources.yml").mkdir()

    with pytest.raises(Unreadable, match="cannot be opened"):
        read(tmp_path / "sources.yml", digest)


def test_a_source_has_what_the_file_says_and_defaults_for_the_rest(given):
    (orders,) = given(ORDERS).read()

    assert ("orders", "csv", True, "", (), "raw_orders", "orders") == (
        orders.name,
        orders.type,
        orders.enabled,
        orders.description,
        orders.labels,
        orders.schema,
        orders.table,
    )
    assert {
        "directory": "data/orders",
        "file_pattern": "*.csv",
        "null_values": [""],
        "notes": None,
    }.items() <= orders.options.items()


EXISTING = """\
version: "1.0"
sources:
  - name: shop
    type: matomo
    enabled: false
    description: Payments
    tags: [money, eu]
    lookback_days: 7
    matomo:
      access_token_env: ADS_TOKEN
      api_key: sk_live_1
      start_date: 2024-01-01
      limits: {200: 1, null: 2, 1.5: 3}
      ratio: .inf
      big: 123456789012345678901234567890
      accounts: [{name: a, password: p1}, {tokens: [t1, t2]}]
  - name: numbers
    type: google_ads
    empty_sync_policy: fail
    google_ads: {spreadsheet_url_or_id: x, range_names: [A]}
  - name: crm
    type: mongodb
    generic_config: {credentials: "postgresql://u:p2@h/db", tables: [a, b]}
"""


def test_a_file_of_the_existing_product_opens_and_only_its_keys_are_told(given):
    shop, numbers, crm = given(EXISTING).read()
    keys = ("access_token_env", "api_key", "start_date", "limits", "ratio", "big", "accounts")

    assert dict.fromkeys(keys, "****") == shop.options
    assert (False, "Payments", ("money", "eu")) == (shop.enabled, shop.description, shop.labels)
    assert {"spreadsheet_url_or_id": "****", "range_names": "****"} == numbers.options
    assert {"credentials": "****", "tables": "****"} == crm.options


def test_a_secret_that_changes_changes_the_fingerprint_alone(given):
    before, *_ = given(EXISTING).read()
    after, *_ = given(EXISTING.replace("sk_live_1", "sk_live_2")).read()

    assert before.options == after.options
    assert before.fingerprint != after.fingerprint


SECRETS = [
    "password: hunter",
    "pin: 4711",
    "pin: 4711.5",
    "headers: {Authorization: Bearer hunter}",
    "headers: [{name: X-Auth, value: hunter}]",
    "webhook: https://hooks.example.com/services/T0/B0/hunter",
    "url: https://store.example.com/data.csv?sig=hunter&se=2030",
    "url: postgresql://me:hunter@host/db",
    "connection: Driver=ODBC;Server=h;Uid=u;Pwd=hunter;",
    "nested: [[[hunter, {deep: [4711]}]]]",
    "since: 4711-01-01",
    "at: 4711-01-01T00:00:00Z",
    "key: !!binary aHVudGVy",
    "set: !!set {hunter, 4711}",
    "deep: {hunter: 1}",
    "hunter_env: HUNTER",
    "empty: null",
]


@pytest.mark.parametrize("block", ["mongodb", "generic_config"])
@pytest.mark.parametrize("line", SECRETS)
def test_no_value_of_a_block_that_is_not_known_in_full_reaches_the_log(given, line, block):
    head = "sources:\n  - name: a\n    type: mongodb\n    description: ours\n"
    text = f"{head}    {block}:\n      {line}\n"
    (found,) = given(text).read()

    assert {line.partition(":")[0]: "****"} == found.options
    assert "ours" == found.description
    assert [] == re.findall(r": hunter|4711|aHVudGVy", msgspec.json.encode(found.options).decode())


@pytest.mark.parametrize("line", ["key: [1, {a: x}]", "key: 2030-01-01", "key: null", "other: 1"])
def test_any_change_of_such_a_block_is_noticed(given, line):
    head = "sources:\n  - name: a\n    type: mongodb\n    mongodb:\n      "
    (before,), (after,) = (
        given(head + "key: [1, {a: y}]\n").read(),
        given(head + line + "\n").read(),
    )

    assert before.fingerprint != after.fingerprint


def test_the_order_of_a_set_is_no_change(given):
    items = [f"item{number}" for number in range(50)]
    head = "sources:\n  - name: a\n    type: mongodb\n    mongodb:\n      set: !!set "
    (before,) = given(f"{head}{{{', '.join(items)}}}\n").read()
    (after,) = given(f"{head}{{{', '.join(reversed(items))}}}\n").read()

    assert before.fingerprint == after.fingerprint


def test_the_block_of_a_type_that_is_known_in_full_is_told(given):
    (found,) = given(f"{ORDERS}      notes: from the till\n").read()

    assert {
        "directory": "data/orders",
        "file_pattern": "*.csv",
        "null_values": [""],
        "notes": "from the till",
    }.items() <= found.options.items()


def test_what_the_log_gives_back_is_what_the_file_says(given):
    for found in given(EXISTING).read():
        assert found == msgspec.json.decode(msgspec.json.encode(found), type=Source)
