"""The past, the stream and the export of the log, from the command line."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.api.cli.conftest import PROGRAM, environment, run


@pytest.fixture
def dango(served):
    def command(*arguments):
        return run(*arguments, "--project", str(served))

    return command


def head(dango):
    return dango("events", "list", "--limit", "1", "--json").json["head"]


def test_a_query_is_answered_as_of_a_position_and_a_time(dango, served):
    sql = "select count(*) as n from raw_orders.orders"
    dango("sync", "orders")
    at = dango("events", "list", "--limit", "1", "--json").json
    more = served / "data" / "uploads" / "orders" / "more.csv"
    more.write_text("id,item\n3,salt\n")
    try:
        dango("sync", "orders", "--full-refresh")
        then = [
            dango("query", sql, "--as-of", when).out
            for when in (str(at["head"]), at["events"][0]["timestamp"])
        ]
        now = dango("query", sql).out
    finally:
        more.unlink()

    assert (["n\n2\n", "n\n2\n"], "n\n3\n") == (then, now)


def test_a_query_before_anything_was_published_is_refused(dango):
    ran = dango("query", "select 1", "--as-of", "0")

    assert 1 == ran.code
    assert "as_of: is before anything was published" in ran.err


def test_a_view_is_shown_as_it_was(dango):
    dango("sync", "orders")
    position = str(head(dango))
    job = dango("events", "list", "--type", "sync_requested", "--limit", "1", "--json").json

    assert "name\ttype\tstatus\tenabled\trow_count\n" == dango("events", "at", "0", "sources").out
    assert "orders\tcsv\tsynced\ttrue\t" in dango("events", "at", position, "sources").out
    assert "admin@localhost" in dango("events", "at", position, "users").out
    assert "orders" in dango("events", "at", position, "logs").out
    assert "orders" == dango("events", "at", position, "source", "orders", "--json").json["name"]
    ran = dango("events", "at", position, "job", str(job["events"][0]["position"]))
    assert (0, True) == (ran.code, "success" in ran.out)


@pytest.mark.parametrize(
    "words",
    [
        ("sources", "orders"),
        ("source",),
        ("job",),
        ("source", "a/b"),
        ("job", "../1"),
        ("job", "9"),
    ],
)
def test_a_view_that_is_not_there_is_refused_in_one_line(dango, words):
    ran = dango("events", "at", "1", *words)

    assert (1, "", 1) == (ran.code, ran.out, len(ran.err.splitlines()))


def test_a_position_that_was_not_written_is_refused(dango):
    ran = dango("events", "at", "999999", "sources")

    assert (1, True) == (ran.code, "as_of: is a position that has not been written" in ran.err)


def test_the_tail_shows_what_comes_until_ctrl_c(dango, served):
    after = str(head(dango))
    words = ["events", "tail", "--json", "--after", after, "--type", "query_executed"]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words, "--project", str(served)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    seen = []
    for _ in range(2):
        dango("query", "select 1")
        seen.append(json.loads(process.stdout.readline()))
    os.kill(process.pid, signal.SIGINT)
    rest, err = process.communicate(timeout=30)

    assert (0, "", "") == (process.returncode, rest, err)
    assert ["query_executed"] * 2 == [event["type"] for event in seen]
    assert int(after) < seen[0]["position"] < seen[1]["position"]


def test_an_export_is_printed_or_written(dango, tmp_path):
    file = tmp_path / "events.ndjson"
    before = head(dango)
    printed = dango("events", "export").out
    written = dango("events", "export", str(file), "--format", "cloudevents")

    assert f"events written to {file}" in written.out
    # The server may have written something between the two: its monitors run after a sync.
    assert file.read_text().startswith(printed)
    assert [file] == list(tmp_path.iterdir())
    positions = [json.loads(line)["position"] for line in printed.splitlines()]
    assert list(range(1, len(positions) + 1)) == positions
    assert before <= len(positions)


def test_an_export_that_cannot_be_written_is_refused(dango, tmp_path):
    ran = dango("events", "export", str(tmp_path / "no" / "file"))

    assert (1, 1) == (ran.code, len(ran.err.splitlines()))


def test_an_import_needs_the_server_stopped(dango, tmp_path):
    file = tmp_path / "events.ndjson"
    dango("events", "export", str(file))

    assert "in use by another Dango server" in dango("events", "import", str(file)).err
