"""Last-seen times in their side file."""

import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta

from infra import seen
from infra.seen import SeenFile

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def written(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        return dict(database.execute("SELECT name, at FROM seen"))


def test_the_last_use_is_known_at_once_and_written_at_most_once_a_minute(tmp_path):
    path = tmp_path / "seen.db"
    file = SeenFile(path)
    for seconds in range(0, 70, 10):
        file.touch("session:a", NOW + timedelta(seconds=seconds))
        assert NOW + timedelta(seconds=seconds) == file.last("session:a")
        expected = NOW + timedelta(seconds=60 if seconds >= 60 else 0)
        assert {"session:a": expected.timestamp()} == written(path)
    file.close()


def test_an_orderly_end_keeps_everything(tmp_path):
    path = tmp_path / "seen.db"
    file = SeenFile(path)
    file.touch("key:a", NOW)
    file.touch("key:a", NOW + timedelta(seconds=59))
    file.close()

    assert NOW + timedelta(seconds=59) == SeenFile(path).last("key:a")


def test_what_was_never_used_is_unknown(tmp_path):
    assert None is SeenFile(tmp_path / "seen.db").last("key:a")


def test_a_damaged_file_is_begun_anew(tmp_path):
    path = tmp_path / "seen.db"
    path.write_bytes(b"no database" * 1_000)

    file = SeenFile(path)
    file.touch("key:a", NOW)

    assert NOW == file.last("key:a")


def test_the_least_recently_used_is_given_up_first(tmp_path, monkeypatch):
    monkeypatch.setattr(seen, "ENTRIES_MAX", 2)
    path = tmp_path / "seen.db"
    file = SeenFile(path)
    for number, name in enumerate(("key:a", "key:b", "key:a", "key:c")):
        file.touch(name, NOW + timedelta(minutes=number))

    assert (True, None, True) == (
        file.last("key:a") is not None,
        file.last("key:b"),
        file.last("key:c") is not None,
    )
    assert {"key:a", "key:c"} == set(written(path))
