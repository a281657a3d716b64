"""Editors in real processes: what they are told, whom they answer, how they end."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import duckdb
import httpx
import msgspec
import pytest

from infra.notebooks import marks
from infra.notebooks.files import NotebookFolder
from infra.notebooks.sessions import MarimoSessions
from infra.notebooks.worker import SITE
from infra.warehouse import attach
from infra.warehouse.settings import Settings
from infra.workers.kinds import KINDS
from infra.workers.pool import Pool
from tests.patience import until

(KIND,) = (kind for kind in KINDS if kind.name == "notebook")
START_S = 90.0
GONE_S_MAX = 2.0  # from the end of a lock to that of its processes


def settings(folder):
    return Settings(
        catalog=str(folder / "catalog.sqlite"),
        data=str(folder / "data"),
        temp_directory=str(folder / "tmp"),
    )


@asynccontextmanager
async def editing(folder):
    """The editor of notebook `a`: its place, its task, and the sessions that have it."""
    config = msgspec.Raw(msgspec.json.encode(settings(folder)))
    pool = Pool({"notebook": config}, kinds=[KIND])
    sessions, ready = MarimoSessions(pool, folder, lambda name: f"/n/{name}"), asyncio.Event()
    task = asyncio.create_task(sessions.run("a", "lock-of-a", ready.set))
    try:
        async with asyncio.timeout(START_S):
            await asyncio.wait(
                (task, asyncio.create_task(ready.wait())), return_when=asyncio.FIRST_COMPLETED
            )
        yield sessions.place("lock-of-a"), task, sessions
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await pool.close()


def marked(folder):
    """The processes that carry the mark of this project."""
    mark = os.fsencode(f"{marks.PROJECT}={folder}")
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (each / "environ").read_bytes().split(b"\0"):
                found.append(each)
        except OSError:
            continue
    return found


def test_an_editor_answers_who_shows_the_token_knows_nothing_of_the_server_and_ends_at_once(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("DANGO_MASTER_KEY", "canary")
    assert NotebookFolder(tmp_path).create("a", "blank")

    async def story():
        loop = asyncio.get_running_loop()
        async with (
            editing(tmp_path) as (place, task, sessions),
            httpx.AsyncClient(base_url=place.url, trust_env=False) as client,
        ):
            shown = {"authorization": f"Bearer {place.token}"}
            assert 200 == (await client.get("/n/a/", headers=shown)).status_code
            client.cookies.clear()  # it was given one, which is as good
            wrong = await client.get("/n/a/", headers={"authorization": "Bearer wrong"})
            assert 200 != wrong.status_code
            page = (await client.get("/n/a/", headers=shown)).text
            assert place.token not in page
            processes = marked(tmp_path)
            assert processes
            told = b"".join(
                (each / name).read_bytes() for each in processes for name in ("cmdline", "environ")
            )
            assert b"canary" not in told
            assert place.token.encode() not in told
            task.cancel()
            begun = loop.time()
            await asyncio.gather(task, return_exceptions=True)
            await until(lambda: not marked(tmp_path))
            assert GONE_S_MAX > loop.time() - begun
            assert sessions.place("lock-of-a") is None

    asyncio.run(story())


def test_what_a_dead_server_left_is_found_by_its_mark_alone(tmp_path):
    command = [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"]
    ours = {**os.environ, **marks.of(str(tmp_path), "l1")}
    with (
        subprocess.Popen(command, env=ours, stdout=subprocess.PIPE, start_new_session=True) as left,
        subprocess.Popen(command, stdout=subprocess.PIPE) as other,
    ):
        assert left.stdout.readline()
        assert other.stdout.readline()
        assert 1 == marks.sweep(marks.PROJECT, str(tmp_path))
        assert -9 == left.wait(5)
        assert other.poll() is None
        other.kill()


@pytest.fixture
def told(tmp_path, monkeypatch):
    """The environment of a notebook over a warehouse of two commits."""
    (tmp_path / "tmp").mkdir()
    found = settings(tmp_path)
    with attach.connect(found) as connection:
        connection.execute("CREATE TABLE lake.main.orders (id INTEGER)")
        connection.execute("INSERT INTO lake.main.orders VALUES (1)")
        row = connection.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")
        snapshot = row.fetchone()[0]
        connection.execute("INSERT INTO lake.main.orders VALUES (2)")
    value = {
        "options": attach.options(found),
        "extensions": [str(attach.extension_file(name)) for name in attach.extensions(found)],
        "attach": attach.attach_sql(found, read_only=True),
    }
    monkeypatch.setenv("DANGO_NOTEBOOK_WAREHOUSE", json.dumps(value))
    monkeypatch.syspath_prepend(str(SITE))
    sys.modules.pop("dango_notebook", None)
    return snapshot


def test_a_notebook_reads_the_warehouse_of_now_and_of_before_and_writes_nothing(told):
    import dango_notebook as dango

    assert [(2,)] == dango.sql("SELECT count(*) FROM orders").fetchall()
    assert [(1,)] == dango.sql("SELECT count(*) FROM orders", as_of=told).fetchall()
    with pytest.raises(LookupError):
        dango.connect("2001-01-01")
    with dango.connect("2101-01-01") as connection:
        assert [(2,)] == connection.sql("SELECT count(*) FROM orders").fetchall()
    assert [("main", "orders")] == dango.tables().fetchall()
    with pytest.raises(duckdb.Error, match="read-only"):
        dango.connect().execute("INSERT INTO orders VALUES (3)")
