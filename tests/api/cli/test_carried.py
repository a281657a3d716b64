"""Export and import of the log of a project that nobody serves."""

import shutil

from tests.api.cli.conftest import run


def test_the_tail_needs_a_server(alone):
    ran = alone("events", "tail")

    assert (1, "dango: No server runs, so nothing comes; see `dango events list`.\n") == ran[::2]


def test_a_log_gets_back_what_it_lost(alone, tmp_path):
    file = tmp_path / "events.ndjson"
    early = tmp_path / "early"
    shutil.copytree(alone.root, early)
    alone("sync", "orders")
    alone("events", "export", str(file))
    said = alone("events", "verify", "--json").json

    first = run("events", "import", str(file), "--project", str(early), "--json")
    again = run("events", "import", str(file), "--project", str(early))

    assert (0, said["head"], said["hash"]) == (first.code, first.json["head"], first.json["hash"])
    assert 0 < first.json["events"]
    assert (0, True) == (again.code, again.out.startswith("0 events are new"))
    assert said == run("events", "verify", "--project", str(early), "--json").json
    assert 0 == run("projections", "check", "--project", str(early)).code


def test_a_log_that_has_become_shorter_is_found_by_its_noted_head(alone, tmp_path):
    early = tmp_path / "early"
    shutil.copytree(alone.root, early)
    before = alone("events", "verify", "--json").json["head"]
    alone("sync", "orders")
    said = alone("events", "verify", "--json").json
    noted = ("--noted", f"{said['head']}:{said['hash']}")

    assert 0 == alone("events", "verify", *noted).code
    ran = run("events", "verify", *noted, "--project", str(early))
    assert 1 == ran.code
    assert f"at position {before + 1}: event {before + 1} is missing" in ran.err
    assert 1 == alone("events", "verify", "--noted", "7").code


def test_a_bad_line_is_refused_by_its_number(alone, tmp_path):
    file = tmp_path / "events.ndjson"
    lines = alone("events", "export").out.splitlines(keepends=True)
    file.write_text("".join([lines[0], *lines[2:]]))

    ran = alone("events", "import", str(file))

    assert (1, "dango: Line 2, position 2: event 2 is missing.\n") == (ran.code, ran.err)
    assert 1 == alone("events", "import", str(tmp_path / "none")).code
