"""sources.yml written for somebody: comments, order and others' words stay; it is whole, or not."""

import pytest

from domain.drafts import (
    Change,
    ChangeInvalid,
    ConfigurationChanged,
    ConfigurationUnreadable,
    Draft,
    SecretInFile,
    SourceThere,
    SourceTypeUnknown,
)
from domain.source_types.table import OptionInvalid
from domain.sources import SchemaTaken, SourceMissing
from infra.configuration import editing
from infra.configuration.editing import SourcesFile
from infra.configuration.sources import read

BUCKET = {
    "bucket_url": "s3://orders/in",
    "aws_access_key_id": "AKIA",
    "aws_secret_access_key": "literal",
}
TEXT = """\
# Where our data comes from
version: "1.0"

sources:
  # the till
  - name: orders
    type: csv
    csv:
      directory: data/orders   # daily
      notes: 'from the till'
  - name: shop   # payments
    type: matomo
    matomo: {token: sk_live_literal}
"""
NEW = Draft(name="users", type="csv", options={"directory": "data/users"})


def digest(kind, value):
    return f"{kind}:{value}"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "sources.yml"
    path.write_text(TEXT)

    class Edited(SourcesFile):
        text = property(lambda _: path.read_text())
        names = property(lambda _: [found.name for found in read(path, digest)])

    edited = Edited(path, digest)
    edited.path = path
    return edited


def test_a_source_is_added_behind_the_others_and_nothing_else_changes(file):
    file.add(NEW)

    added = "  - name: users\n    type: csv\n    csv:\n      directory: data/users\n"
    assert TEXT + added == file.text
    file.add(NEW)
    assert TEXT + added == file.text
    assert ["sources.yml"] == [path.name for path in file.path.parent.iterdir()]


def test_a_source_is_changed_where_it_stands(file):
    file.change("orders", Change(options={"directory": "data/ORDERS", "null_values": ["NA"]}))

    changed = TEXT.replace("data/orders", "data/ORDERS").replace(
        "      notes: 'from the till'\n", "      null_values:\n        - NA\n"
    )
    assert changed == file.text


def test_what_a_type_takes_by_itself_is_not_written(file):
    file.change("orders", Change(options={"directory": "data/orders", "format": "auto"}))

    assert "format" not in file.text


def test_keys_of_all_sources_are_written(file):
    file.change("orders", Change(enabled=False, tags=("a",), description="Ours", schema="raw_x"))
    (orders, _) = read(file.path, digest)

    assert (False, ("a",), "Ours", "raw_x") == (
        orders.enabled,
        orders.labels,
        orders.description,
        orders.schema,
    )
    assert "# the till" in file.text


def test_a_change_that_changes_nothing_leaves_the_file(file):
    before = file.path.stat().st_ino
    file.change("orders", Change(enabled=None))

    assert (before, TEXT) == (file.path.stat().st_ino, file.text)


def test_a_source_is_removed_with_what_is_said_of_it(file):
    file.remove("orders")

    assert ["shop"] == file.names
    assert "# Where our data comes from" in file.text
    file.remove("shop")
    assert [] == file.names
    file.add(NEW)
    assert ["users"] == file.names


@pytest.mark.parametrize("text", ["", "# nothing yet\n", 'version: "1.0"\nsources: []\n', None])
def test_a_first_source_is_added(tmp_path, text):
    path = tmp_path / "sources.yml"
    if text is not None:
        path.write_text(text)
    SourcesFile(path, digest).add(NEW)

    assert ["users"] == [source.name for source in read(path, digest)]
    assert "# nothing" not in (text or "") or "# nothing" in path.read_text()


@pytest.mark.parametrize(
    ("draft", "rule"),
    [
        ({"name": "Orders"}, SourceThere),
        ({"type": "matomo"}, SourceTypeUnknown),
        ({"type": "nonsense"}, SourceTypeUnknown),
        ({"options": None}, OptionInvalid),
        ({"options": {"directory": "../x"}}, OptionInvalid),
        ({"schema": "RAW_ORDERS"}, SchemaTaken),
        ({"name": "a-b"}, ChangeInvalid),
        (
            {
                "type": "filesystem",
                "options": BUCKET,
            },
            SecretInFile,
        ),
    ],
)
def test_what_may_not_be_written_is_not(file, draft, rule):
    fields = {"name": "users", "type": "csv", "options": {"directory": "data/users"}, **draft}
    with pytest.raises(rule):
        file.add(Draft(**fields))

    assert TEXT == file.text


def test_what_is_not_there_is_neither_changed_nor_removed(file):
    with pytest.raises(SourceMissing):
        file.change("none", Change(enabled=False))
    with pytest.raises(SourceMissing):
        file.remove("none")


def test_a_file_that_is_broken_is_not_written_into(file):
    file.path.write_text("sources: [\n")
    with pytest.raises(ConfigurationUnreadable, match="line"):
        file.add(NEW)

    assert "sources: [\n" == file.text


def test_what_is_written_by_hand_at_the_same_moment_is_not_lost(file, monkeypatch):
    made = editing.edited

    def slow(before, *more):
        after = made(before, *more)
        file.path.write_text(TEXT + "# by hand\n")
        return after

    monkeypatch.setattr(editing, "edited", slow)
    with pytest.raises(ConfigurationChanged):
        file.add(NEW)

    assert TEXT + "# by hand\n" == file.text
    assert ["sources.yml"] == [path.name for path in file.path.parent.iterdir()]


def test_what_two_sources_share_is_not_changed_for_both(file):
    file.path.write_text(
        "shared: &shared {directory: data/x}\nsources:\n"
        "  - {name: one, type: csv, csv: *shared}\n  - {name: two, type: csv, csv: *shared}\n"
    )
    with pytest.raises(ChangeInvalid):
        file.change("one", Change(options={"directory": "data/y"}))


def test_a_link_stays_one(file, tmp_path):
    real = tmp_path / "elsewhere.yml"
    file.path.rename(real)
    file.path.symlink_to(real)
    file.add(NEW)

    assert file.path.is_symlink()
    assert "users" in real.read_text()
