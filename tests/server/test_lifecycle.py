"""How a server begins, refuses to begin, and ends."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.server.harness import children, lives, tell, until
from tests.server.template import ORDERS_ROWS, with_spares, write_rows

REFUSED_S = 15.0


def refused(server):
    """What a server says that does not start: one line, and an exit code."""
    before = len(server.text())
    process = server.spawn()
    code = process.wait(REFUSED_S)
    said = server.text()[before:].strip().splitlines()
    assert code == 1, said
    assert 1 == len(said), said
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0
    return said[0]


def test_a_second_server_on_a_project_is_refused_and_the_first_goes_on(own):
    own.start()
    first, first_port = own.process, own.port
    own.port += 1 if own.port < 65_535 else -1
    said = refused(own)
    assert str(own.root) in said
    assert str(first.pid) in said
    own.process, own.port = first, first_port
    assert 200 == own.get_ready()


def test_a_port_that_is_taken_is_refused_in_one_line(own):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        own.port = holder.getsockname()[1]
        process = own.spawn()
        assert 1 == process.wait(REFUSED_S)
        assert 1 == len(own.text().strip().splitlines())
        assert str(own.port) in own.text()


def without_key(folder):
    (folder / "master.key").unlink()


def key_of_another_project(folder):
    (folder / "master.key").write_text(secrets.token_hex(32))


def key_cut_short(folder):
    (folder / "master.key").write_text("abc")


def key_not_text(folder):
    (folder / "master.key").write_bytes(b"\xff\xfe" * 32)


def key_for_all_to_read(folder):
    (folder / "master.key").chmod(0o644)


def without_log(folder):
    for path in folder.glob("events.db*"):
        path.unlink()


def log_emptied(folder):
    without_log(folder)
    (folder / "events.db").touch()


def log_overwritten(folder):
    without_log(folder)
    (folder / "events.db").write_bytes(os.urandom(65_536))


def log_cut_short(folder):
    path = folder / "events.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def settings_broken(folder):
    (folder / "project.yml").write_text("auth:\n  enabled: [")


def settings_of_another_type(folder):
    (folder / "project.yml").write_text("auth:\n  enabled: 17 maybe\n")


@pytest.mark.parametrize(
    ("damage", "names"),
    [
        (without_key, "master.key"),
        (key_of_another_project, "key"),
        (key_cut_short, "key"),
        (key_not_text, "key"),
        (key_for_all_to_read, "chmod 600"),
        (without_log, "events.db"),
        (log_emptied, "events.db"),
        (log_overwritten, "events.db"),
        (log_cut_short, "events.db"),
        (settings_broken, "project.yml, line"),
        (settings_of_another_type, "project.yml, line"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_damaged_project_is_refused_and_never_opened_without_authentication(own, damage, names):
    damage(own.root / ".dango")
    assert names in refused(own)


def test_a_views_file_that_is_damaged_is_only_built_anew(own):
    (views,) = (own.root / ".dango").glob("views-*.db")
    views.write_bytes(os.urandom(10_000))
    own.start()
    assert ["orders"] == [s["name"] for s in own.client(session="admin").get("/api/sources").json()]


def test_sigterm_ends_an_idle_server_at_once_and_leaves_no_child(own):
    with_spares(own.root)
    own.start()
    had = until(lambda: found if len(found := children(own.pid)) >= 2 else None)
    took = own.stop()
    assert own.process.returncode in (0, -signal.SIGTERM)
    assert [] == [pid for pid in had if lives(pid)]
    assert not (own.root / ".dango" / "control.sock").exists()
    tell(f"SIGTERM: gone after {took:.2f} s")
    assert took < 8  # seconds; what is under way would have ten
    assert "Traceback" not in own.text()


def test_sigterm_ends_a_running_sync_cleanly(own):
    own.start()
    admin = own.client(session="admin")
    own.sync(admin, "orders")
    write_rows(own.root / "data/uploads/orders/more.csv", 300_000, first=ORDERS_ROWS + 1)
    job = admin.post("/api/sources/orders/sync", json={}).json()["job_id"]
    until(lambda: admin.get(f"/api/sync/status/{job}").json()["runs"][0]["progress"], step_s=0.005)
    had = children(own.pid)
    assert own.stop() < 10
    assert [] == [pid for pid in had if lives(pid)]
    assert "Traceback" not in own.text()
    own.start()
    assert "interrupted" == own.job(admin, job)["status"]
    (interrupted,) = own.events(admin, type="sync_interrupted")
    asked = until(lambda: own.events(admin, type="sync_requested", after=job))
    assert interrupted["position"] < asked[0]["position"]
    assert "success" == own.job(admin, asked[0]["position"])["status"]


def test_sigterm_lets_a_request_finish(own):
    own.start()
    with httpx.Client(base_url=own.url, timeout=30) as client:
        key = {"authorization": f"Bearer {own.people.keys['editor']}"}
        begun = time.monotonic()
        killer = subprocess.Popen(["/bin/sh", "-c", f"sleep 0.2; kill -TERM {own.pid}"])
        sql = "select count(*) from range(3000) a, range(10000) b where (a.range * b.range) % 7 = 1"
        answer = client.post("/api/query", json={"sql": sql}, headers=key)
        assert 200 == answer.status_code, answer.text
        killer.wait()
    own.process.wait(10)
    tell(f"the query took {time.monotonic() - begun:.2f} s")


def test_a_request_that_outlasts_the_grace_is_told_so(own):
    own.start()
    key = {"authorization": f"Bearer {own.people.keys['editor']}", "connection": "close"}
    with ThreadPoolExecutor(1) as pool, httpx.Client(base_url=own.url, timeout=30) as client:
        sql = (
            "select count(*) from range(90000) a, range(90000) b where (a.range * b.range) % 7 = 1"
        )
        asked = pool.submit(client.post, "/api/query", json={"sql": sql}, headers=key)
        until(lambda: max(map(cpu_s, children(own.pid)), default=0) > 1)
        assert own.stop() < 10
        answer = asked.result(5)
    assert 503 == answer.status_code
    assert {"detail", "request_id"} == set(answer.json())
    assert "Traceback" not in own.text()


def cpu_s(pid):
    """The CPU time that a process has used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_without_authentication_only_programs_of_this_machine_get_in(own):
    path = own.root / ".dango" / "project.yml"
    path.write_text(path.read_text() + "auth:\n  enabled: false\n")
    own.start()
    assert {"auth_enabled": False} == httpx.get(f"{own.url}/api/auth/me").json()
    assert 200 == httpx.get(f"{own.url}/api/events").status_code
    for headers in (
        {"x-forwarded-for": "203.0.113.7"},
        {"forwarded": "for=203.0.113.7"},
    ):
        assert 401 == httpx.get(f"{own.url}/api/events", headers=headers).status_code, headers
    for host in (f"evil.example:{own.port}", "127.0.0.1.evil.example"):  # made to point here
        assert 400 == httpx.get(f"{own.url}/api/events", headers={"host": host}).status_code


def test_a_project_can_be_moved(own, tmp_path):
    own.start()
    admin = own.client(session="admin")
    own.sync(admin, "orders")
    own.stop()
    moved = tmp_path / "moved"
    shutil.move(own.root, moved)
    own.root = moved
    own.start()
    assert [[ORDERS_ROWS]] == own.rows(admin, "select count(*) from raw_orders.orders")
