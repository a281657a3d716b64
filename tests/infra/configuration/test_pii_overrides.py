"""pii-overrides.yml: read as people write it, written so that what they wrote stays."""

import pytest

from domain.drafts import ConfigurationUnreadable
from domain.pii_overrides import PiiStatus, TooManyOverrides, Wish
from infra.configuration import pii_overrides
from infra.configuration.documents import Unreadable
from infra.configuration.pii_overrides import read, write

TEXT = """\
# What the scans get wrong
overrides:
  # Anna looked
  - source: orders
    table: orders
    column: phone   # of shops
    status: not_pii
    set_by: anna
    reason: shops only
    updated_at: 2026-01-01T00:00:00Z
"""
PHONE = Wish(
    source="orders", table="orders", column="phone", status=PiiStatus.NOT_PII, set_by="anna",
    reason="shops only", updated_at="2026-01-01T00:00:00+00:00",
)  # fmt: skip
NOTE = Wish(
    source="orders", table="orders", column="note", status=PiiStatus.PII, set_by="user:ben",
    reason="names: in texts", updated_at="2026-02-01T00:00:00+00:00",
)  # fmt: skip


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "pii-overrides.yml"
    path.write_text(TEXT)
    return path


def test_what_people_wrote_is_read(file):
    assert (PHONE,) == read(file)


def test_no_file_says_nothing(tmp_path):
    assert () == read(tmp_path / "pii-overrides.yml")


def test_what_is_said_comes_behind_what_stands_there_and_comments_stay(file):
    write(file, (NOTE,))

    assert file.read_text().startswith(TEXT)
    assert (PHONE, NOTE) == read(file)
    once = file.read_text()
    write(file, (NOTE,))
    assert once == file.read_text()


def test_another_word_about_a_column_replaces_the_one_before(file):
    word = Wish(source="orders", table="orders", column="phone", status=PiiStatus.PII)
    write(file, (word,))

    assert (word,) == read(file)
    assert "# of shops" in file.read_text()
    assert "# Anna looked" in file.read_text()


def test_what_is_taken_back_is_gone(file):
    gone = Wish(source="orders", table="orders", column="phone", status=None)
    write(file, (gone, gone))

    assert () == read(file)
    assert "# What the scans get wrong" in file.read_text()


def test_a_file_is_made_when_there_is_none(tmp_path):
    path = tmp_path / "pii-overrides.yml"
    write(path, (NOTE,))

    assert (NOTE,) == read(path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("overrides:\n  - {source: a, table: b, column: c, status: maybe}\n", 2),
        ("overrides:\n  - {source: a, table: b, status: pii}\n", 2),
        ("overrides:\n  - {source: a, table: b, column: c, status: pii, why: x}\n", 2),
        ("overrides:\n" + 2 * "  - {source: a, table: b, column: c, status: pii}\n", 3),
        ("overrides: {a: b}\n", 1),
    ],
)
def test_what_cannot_be_read_is_told_by_its_line(file, text, line):
    file.write_text(text)

    with pytest.raises(Unreadable) as caught:
        read(file)
    assert line == caught.value.line
    with pytest.raises(ConfigurationUnreadable):
        write(file, (NOTE,))
    assert text == file.read_text()


def test_a_file_takes_so_many_and_no_more(file, monkeypatch):
    monkeypatch.setattr(pii_overrides, "OVERRIDES_MAX", 1)

    with pytest.raises(TooManyOverrides):
        write(file, (NOTE,))
    assert TEXT == file.read_text()
