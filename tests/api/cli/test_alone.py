"""Commands on projects that nobody serves, and why some of them cannot be opened."""

import asyncio
import re
import shutil
import socket
import threading

import pytest

from infra.main import World
from tests.api.cli.conftest import PASSWORD, run, serving


@pytest.fixture
def copy(project, tmp_path):
    """A project that a test may break."""
    root = tmp_path / "copy"
    shutil.copytree(project, root)
    return root


def refused(ran):
    assert (1, "", 1) == (ran.code, ran.out, len(ran.err.splitlines())), ran.err
    assert ran.err.startswith("dango: ")
    return ran.err


def test_a_new_project_shows_its_password_once(tmp_path):
    ran = run("init", str(tmp_path / "new"), "--name", 'Tea "& rice"', "--json")
    told = ran.json

    assert 0 == ran.code
    assert "admin@localhost" == told["email"]
    assert re.fullmatch(r"[\w-]{20}", told["password"])
    assert "is a Dango project already" in refused(run("init", told["project"]))


def test_a_given_password_is_not_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("DANGO_ADMIN_PASSWORD", PASSWORD)

    ran = run("init", str(tmp_path / "new"))

    assert 0 == ran.code
    assert PASSWORD not in ran.out + ran.err


@pytest.mark.parametrize(
    ("arguments", "password"), [(("--admin-email", "nobody"), PASSWORD), ((), "1234")]
)
def test_a_refused_project_leaves_nothing_behind(tmp_path, monkeypatch, arguments, password):
    monkeypatch.setenv("DANGO_ADMIN_PASSWORD", password)

    refused(run("init", str(tmp_path / "new"), *arguments))

    assert not (tmp_path / "new").exists()


def test_a_file_is_no_place_for_a_project(tmp_path):
    (tmp_path / "file").write_text("")

    refused(run("init", str(tmp_path / "file")))


def test_commands_work_without_a_server(copy):
    synced = run("sync", "--project", str(copy))
    status = run("status", "--project", str(copy))

    assert (0, "orders: 2 rows loaded\n") == (synced.code, synced.out)
    assert "server   not running" in status.out


def test_a_look_takes_up_no_work_that_was_left_open(copy):
    async def ask():
        async with World().connect(copy, policies=False) as connection:
            return await connection.http.post("/api/sources/orders/sync", json={})

    assert 200 == asyncio.run(ask()).status_code
    for words in (("status",), ("users", "list"), ("query", "select 1")):
        assert 0 == run(*words, "--project", str(copy)).code
    events = run("events", "list", "--json", "--project", str(copy)).json["events"]
    types = {event["type"] for event in events}
    assert "sync_requested" in types
    assert not types & {"sync_started", "sync_completed", "sync_failed", "sync_interrupted"}


@pytest.mark.parametrize("words", [("status",), ("sync",), ("serve", "--port", "0")])
def test_a_start_that_fails_leaves_nothing_running(copy, words):
    catalog = copy / "warehouse" / "catalog.sqlite"
    catalog.unlink()
    catalog.mkdir()
    before = {thread.name for thread in threading.enumerate()}
    refused(run(*words, "--project", str(copy)))
    assert before >= {thread.name for thread in threading.enumerate()}
    catalog.rmdir()
    assert 0 == run("users", "list", "--project", str(copy)).code


def test_the_environment_names_the_project(copy, monkeypatch):
    monkeypatch.setenv("DANGO_PROJECT", str(copy))

    assert 0 == run("users", "list").code


def test_a_missing_key_is_refused(copy):
    (copy / ".dango" / "master.key").unlink()

    assert "master.key is missing" in refused(run("serve", "--project", str(copy)))


def test_a_key_that_others_can_read_is_refused(copy):
    (copy / ".dango" / "master.key").chmod(0o644)

    assert "chmod 600" in refused(run("serve", "--project", str(copy)))


def test_the_key_of_another_project_is_refused(copy):
    (copy / ".dango" / "master.key").write_text("ab" * 32)

    assert "not the one of this project" in refused(run("status", "--project", str(copy)))


def test_a_broken_project_yml_is_refused_with_its_place(copy):
    (copy / ".dango" / "project.yml").write_text("platform:\n  port: [1\n")

    assert re.search(
        r"project\.yml, line \d+, column \d+: ", refused(run("serve", "--project", str(copy)))
    )


def test_a_port_that_is_taken_is_refused(copy):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        ran = run("serve", "--project", str(copy), "--port", str(port))

    assert f"Cannot listen on 127.0.0.1:{port}" in refused(ran)


def test_a_damaged_log_is_refused(copy):
    (copy / ".dango" / "events.db").write_bytes(b"no database" * 1000)

    assert "restore it" in refused(run("status", "--project", str(copy)))


def test_the_doctor_tells_what_to_do(copy):
    (copy / ".dango" / "master.key").chmod(0o640)
    (copy / ".dango" / "project.yml").write_text("platform: {port: 99999}")
    (copy / ".dango" / "sources.yml").write_text("sources: [{name: 1x, type: csv}]")

    ran = run("doctor", "--project", str(copy), "--json")
    levels = {found["name"]: found["level"] for found in ran.json}

    assert 1 == ran.code
    assert ("fail", "fail", "warn", "ok") == tuple(
        levels[name] for name in ("master key", "project.yml", "sources.yml", "events.db")
    )
    assert "dango: Not in order: master key, project.yml.\n" == ran.err


def test_the_doctor_reads_the_other_files_and_finds_a_port_that_is_taken(copy):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (copy / ".dango" / "project.yml").write_text(f"platform: {{port: {port}}}")
        (copy / ".dango" / "monitors.yml").write_text("monitors:\n  - {name: x}\n")
        (copy / ".env").write_text("A=b\n")
        (copy / ".env").chmod(0o644)
        found = {finding.name: finding for finding in World().inspect(copy)}

    assert ("warn", "warn", "warn", "ok") == tuple(
        found[name].level for name in ("port", "other files", "private files", "engine")
    )
    assert "monitors.yml, line 2" in found["other files"].detail
    assert "chmod 600" in found["private files"].remedy


def test_the_doctor_notices_a_socket_without_a_server(copy):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(copy / ".dango" / "control.sock"))

    found = {finding.name: finding.level for finding in World().inspect(copy)}

    assert "warn" == found["socket"]


def test_a_server_ends_well_at_a_signal_and_leaves_no_socket(copy):
    with serving("serve", "--project", copy, "--port", "0"):
        assert (copy / ".dango" / "control.sock").exists()

    assert not (copy / ".dango" / "control.sock").exists()
