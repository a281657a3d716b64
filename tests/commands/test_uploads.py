"""Files of sources: their names, what they begin with, and what is told of them."""

import pytest

from commands.uploads import DECIDERS, RecordDeletion, RecordUpload
from domain import uploads
from domain.sources import SourceMissing
from tests.datasets import registered, source
from tests.decisions import Scenario

UPLOAD = RecordUpload(source="orders", file="a.csv", size_bytes=3, sha256="ab")
UPLOADED = uploads.CsvUploaded(source="orders", file="a.csv", size_bytes=3, sha256="ab")
DELETE = RecordDeletion(source="orders", file="a.csv", size_bytes=3, mtime_ns=7)
DELETED = uploads.CsvDeleted(source="orders", file="a.csv", size_bytes=3, mtime_ns=7)


def given(*events):
    return Scenario(DECIDERS, events)


def test_a_file_is_told_once_and_again_when_it_is_another():
    given(registered()).when(UPLOAD).then(UPLOADED)
    given(registered(), UPLOADED).when(DELETE).then(DELETED)
    given(registered(), UPLOADED, DELETED).when(UPLOAD).then(UPLOADED)


def test_a_source_that_is_not_there_has_no_files():
    given().when(UPLOAD).refused(SourceMissing)


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("a.csv", "a.csv"),
        ("../../etc/a.csv", "a.csv"),
        ("C:\\Users\\me\\a.csv", "a.csv"),
        ("/etc/a.csv", "a.csv"),
        ("  a b (1).csv ", "a b (1).csv"),
        ("団子.csv", "団子.csv"),
        ("a.csv.gz", "a.csv.gz"),
        ("cafe\u0301.csv", "café.csv"),
    ],
)
def test_a_name_is_that_of_one_file(given_name, name):
    assert name == uploads.named(source(), given_name)


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "a/", ".csv", ".a.csv", "~$a.csv", "#a.csv", "-a.csv", "a\n.csv"),
        *("a\0.csv", "a\u202e.csv", "a\x1b[31m.csv", "a:b.csv", "a*.csv", "x" * 200 + ".csv"),
        "a\ud800.csv",
    ],
)
def test_a_name_that_no_file_may_have_is_refused(name):
    with pytest.raises((uploads.FileNameInvalid, uploads.FormatUnsupported)):
        uploads.named(source(), name)


def test_a_file_that_the_source_would_not_read_is_refused():
    with pytest.raises(uploads.NotOfTheSource):
        uploads.named(source(options={"directory": "x", "file_pattern": "*.csv"}), "a.parquet")
    with pytest.raises(uploads.FormatUnsupported):
        uploads.named(source(type="local_files", options={"directory": "x"}), "a.exe")


@pytest.mark.parametrize(
    ("name", "head", "tail"),
    [
        ("a.csv", b"id\n1\n", b"\n1\n"),
        ("a.csv", "id\n".encode("utf-16"), b"\n\0"),
        ("a.csv.gz", b"\x1f\x8b\x08", b"x"),
        ("a.json", b"\xef\xbb\xbf [1]", b"[1]"),
        ("a.ndjson", b'{"a": 1}\n', b"}\n"),
        ("a.parquet", b"PAR1...", b"..PAR1"),
        ("a.xlsx", b"PK\x03\x04", b"x"),
    ],
)
def test_a_file_that_is_what_its_name_says_is_taken(name, head, tail):
    uploads.check(name, head, tail)


@pytest.mark.parametrize(
    ("name", "head", "tail"),
    [
        ("a.csv", b"PK\x03\x04\0\0", b"x"),
        ("a.csv", b"\x7fELF\0", b"x"),
        ("a.csv.gz", b"id\n", b"\n"),
        ("a.json", b"id,a\n", b"\n"),
        ("a.parquet", b"PAR1...", b"......."),
        ("a.parquet", b"id\n", b"\n"),
        ("a.xlsx", b"id\n", b"\n"),
    ],
)
def test_a_file_that_is_something_else_is_refused(name, head, tail):
    with pytest.raises(uploads.ContentDiffers):
        uploads.check(name, head, tail)
    with pytest.raises(uploads.FileEmpty):
        uploads.check(name, b"", b"")
