"""An export becomes a log again: record by record proven, all of it or nothing."""

import io
import json
from base64 import b64decode, b64encode

import pytest

from infra.log.envelope import GENESIS, Record, chain, framed, unframed
from infra.log.exported import NotImported, load
from infra.log.places import chained, open_log
from infra.log.verify import verify
from tests.engines import SQLite
from tests.infra.log.test_move import write

EVENTS = 12


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    write(folder, range(EVENTS))
    return SQLite().place(folder)


@pytest.fixture
def lines(source):
    """What of an export counts."""
    return [
        {"position": at, "hash": digest.hex(), "record": b64encode(framed(record)).decode()}
        for at, record, digest in chained(source)
    ]


def imported(place, lines):
    return load(place, io.BytesIO("".join(json.dumps(line) + "\n" for line in lines).encode()))


def test_an_empty_log_becomes_that_of_the_export(tmp_path, source, lines):
    target = tmp_path / "events.db"
    found = imported(target, lines)
    proof = verify(source)

    assert (EVENTS, EVENTS, proof.hash) == (found.events, found.head, found.hash)
    assert proof == verify(target)
    assert list(chained(source)) == list(chained(target))


def test_the_same_file_twice_changes_nothing(tmp_path, source, lines):
    policies = policy(source)

    assert 0 == imported(source, lines).events
    assert EVENTS == imported(tmp_path / "events.db", lines).head
    assert 0 == imported(tmp_path / "events.db", lines).events
    assert policies == policy(source)


def policy(place):
    log = open_log(place)
    try:
        return log.policy_position("syncs")
    finally:
        log.close()


def test_a_beginning_gets_the_rest_and_what_lies_beside_stays(tmp_path, lines):
    target = tmp_path / "events.db"
    imported(target, lines[:5])
    log = open_log(target)
    log.begin()
    log.move_policy("syncs", 4)
    log.commit()
    log.close()

    found = imported(target, lines)

    assert (EVENTS - 5, EVENTS) == (found.events, found.head)
    assert 4 == policy(target)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda line: line.update(hash="00" * 32), "its hash does not fit its content"),
        (lambda line: line.update(position=99), "event 7 is missing"),
        (lambda line: line.update(record="AAAA"), "a length is missing"),
        (lambda line: line.update(record=b64encode(b"\0\0\1\0x").decode()), "a part is cut off"),
        (lambda line: line.pop("hash"), "missing required field"),
        (
            lambda line: line.update(record=b64encode(b64decode(line["record"]) + b"x").decode()),
            "something behind the last part",
        ),
    ],
)
def test_the_first_bad_line_is_named_and_nothing_is_kept(tmp_path, lines, spoil, said):
    spoil(lines[6])

    with pytest.raises(NotImported, match=rf"^Line 7, position 7: .*{said}"):
        imported(tmp_path / "events.db", lines)
    assert not (tmp_path / "events.db").exists()


def test_a_bad_line_leaves_the_log_as_it_was(tmp_path, lines):
    target = tmp_path / "events.db"
    imported(target, lines[:5])
    before = verify(target)
    lines[8]["hash"] = "00" * 32

    with pytest.raises(NotImported, match=r"^Line 9, "):
        imported(target, lines)
    assert before == verify(target)


def test_an_event_that_this_version_does_not_know_is_refused(tmp_path):
    record = Record("sun_rose", b'["sun:1"]', b"{}")
    digest = chain(GENESIS, record).hex()
    line = {"position": 1, "hash": digest, "record": b64encode(framed(record)).decode()}

    with pytest.raises(NotImported, match=r"^Line 1, .*no such type"):
        imported(tmp_path / "events.db", [line])


def test_another_log_and_a_longer_one_are_refused(tmp_path, source, lines):
    other = tmp_path / "other"
    other.mkdir()
    write(other, range(100, 103))

    with pytest.raises(NotImported, match=r"^Line 1, .*another event"):
        imported(SQLite().place(other), lines)
    with pytest.raises(NotImported, match="more events than the file, which ends at 4"):
        imported(source, lines[:4])


@pytest.mark.parametrize("data", [b"", b"no json\n", b'{"position":1', b"\xff\n", b"\n"])
def test_what_is_no_export_is_refused(tmp_path, data):
    with pytest.raises(NotImported):
        load(tmp_path / "events.db", io.BytesIO(data))
    assert not (tmp_path / "events.db").exists()


def test_a_record_is_read_as_it_was_framed():
    record = Record("naïve", b'["a:1"]', b"\x00\xff")

    assert record == unframed(framed(record))
