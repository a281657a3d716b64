"""Backups of a project whose log, catalogue and data lie elsewhere, and what they become."""

import asyncio
import json
import shutil
import time

import psycopg
import pytest

from commands.ports import Query
from commands.secrets import SetSecret
from infra import creation
from infra.backups import content, restore
from infra.backups.staging import NotRestored
from infra.log.move import NotMoved
from infra.log.places import archive, chained
from infra.log.port import LogInUse
from infra.log.verify import verify
from tests import buckets
from tests.infra.backups.shops import (
    ANNA,
    SECRET,
    YML,
    backed_up,
    quiet,
    running,
    settled,
    synced,
    written,
)

SQL = Query(sql="SELECT count(*), sum(n) FROM raw_orders.orders", rows_max=9)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "backups"


@pytest.fixture
def schema(tmp_path):
    return f"kept_{abs(hash(tmp_path))}"


@pytest.fixture
def catalogs(postgres, tmp_path):
    """Two empty databases."""
    names = [f"{kind}_{abs(hash(tmp_path))}" for kind in ("old", "new")]
    with psycopg.connect(postgres, autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE DATABASE {name}")
    return [f"postgres:{postgres.replace('/postgres?', f'/{name}?')}" for name in names]


@pytest.fixture
def far(tmp_path, postgres, schema):
    """A shop whose log begins in PostgreSQL."""
    root = tmp_path / "shop"
    (root / ".dango").mkdir(parents=True)
    more = log_in(postgres, schema)
    (root / ".dango" / "project.yml").write_text(YML + more)
    asyncio.run(creation.create(root))
    return root, more


def log_in(url, schema):
    return f"storage: {{events: '{url}', events_schema: {schema}}}\n"


def warehouse_in(catalog, access, folder):
    s3 = buckets.as_yaml(access)
    at = f"{{catalog: '{catalog}', data: 's3://lake/{folder}', s3: {s3}}}"
    return f"storage: {{warehouse: {at}}}\n"


def saying(tmp_path, more):
    """A project.yml for another machine."""
    path = tmp_path / "here.yml"
    path.write_text(YML + more)
    return path


def taken(root, back):
    """The master key, which is in no backup."""
    shutil.copy(root / ".dango" / "master.key", back / ".dango" / "master.key")


def lived(root, more=""):
    """What the project that came back knows: its secret, and that its views are as they should."""

    async def live():
        async with running(root, serves=False, more=more) as runtime:
            assert [] == await runtime.upkeep.check()
            assert (await runtime.history.verify()).ok
            return runtime.secret_values.get("TOKEN")

    return asyncio.run(live())


def made(root, place, more):
    """A backup, while eight write; what was acknowledged before it was asked for."""

    async def live():
        async with running(root, more=more) as runtime:
            command = SetSecret(secret="TOKEN", value=SECRET.encode(), proof="p")
            await runtime.writer.send(command, ANNA)
            stop = asyncio.Event()
            writing = asyncio.create_task(written(runtime, stop))
            await asyncio.sleep(0.5)
            asked_at = time.monotonic()
            found = await backed_up(runtime, place)
            stop.set()
            known = await writing
            return found, max(at for at, when in known if when < asked_at), known[-1][0]

    return asyncio.run(live())


def test_a_log_in_postgresql_is_backed_up_at_work_and_becomes_a_file(
    far, place, tmp_path, postgres, schema
):
    root, more = far
    back = tmp_path / "back"
    found, before, after = made(root, place, more)

    assert ("made", None) == (found.status, found.error)
    assert before <= found.upto < after
    settings = saying(tmp_path, "")
    proved = restore.restore(str(place), back, None, quiet, settings)

    assert (found.upto, found.digest) == (proved.upto, proved.digest)
    assert settings.read_text() == (back / ".dango" / "project.yml").read_text()
    there = list(chained(f"{postgres}#{schema}"))
    assert there[: found.upto] == list(chained(back / content.LOG))
    taken(root, back)
    assert SECRET == lived(back)


def test_a_log_comes_back_into_the_database_that_the_settings_name(
    far, place, tmp_path, postgres, schema
):
    root, more = far
    back, other = tmp_path / "back", f"{schema}_back"
    found, *_ = made(root, place, more)
    settings = saying(tmp_path, log_in(postgres, other))
    with pytest.raises(NotMoved, match="holds another log, or a longer one"):
        restore.restore(str(place), back, None, quiet)  # where the old one goes on
    assert not back.exists()
    restore.restore(str(place), back, None, quiet, settings)
    assert not (back / content.LOG).exists()
    assert found.upto == verify(f"{postgres}#{other}").head
    again = tmp_path / "again"  # as after a power loss before the folder had its name
    restore.restore(str(place), again, None, quiet, settings)
    taken(root, again)

    assert SECRET == lived(again, log_in(postgres, other))
    with pytest.raises(NotMoved):
        restore.restore(str(place), tmp_path / "late", None, quiet, settings)


def test_a_log_that_a_server_holds_is_left_alone(far, place, tmp_path):
    root, more = far
    made(root, place, more)

    async def live():
        async with running(root, more=more):
            with pytest.raises(LogInUse):
                await asyncio.to_thread(restore.restore, str(place), tmp_path / "back", None, quiet)

    asyncio.run(live())
    assert not (tmp_path / "back").exists()


def test_a_log_of_the_file_comes_back_into_a_database(shop, place, tmp_path, postgres, schema):
    back, more = tmp_path / "back", log_in(postgres, schema)
    found, *_ = made(shop, place, "")

    restore.restore(str(place), back, None, quiet, saying(tmp_path, more))
    taken(shop, back)

    assert archive(f"{postgres}#{schema}").exists(f"{postgres}#{schema}")
    assert SECRET == lived(back, more)
    assert found.upto < verify(f"{postgres}#{schema}").head


async def _filled(runtime, shop, stop):
    """Sync again and again, with one row more each time; how often."""
    number = 0
    while not stop.is_set():
        number += 1
        row = f"{1000 + number},0\n"
        (shop / "data" / "uploads" / "orders" / f"more{number}.csv").write_text(f"id,n\n{row}")
        await synced(runtime)
    return number


def test_a_warehouse_in_postgresql_and_s3_is_backed_up_at_work_and_comes_back(
    shop, place, tmp_path, catalogs
):
    old, new = catalogs
    with buckets.serving("lake") as access:
        first = warehouse_in(old, access, "old")

        async def live():
            async with running(shop, more=first) as runtime:
                await runtime.make_warehouse()
                await synced(runtime)
                stop = asyncio.Event()
                filling = asyncio.create_task(_filled(runtime, shop, stop))
                await asyncio.sleep(1)
                found = await backed_up(runtime, place)
                stop.set()
                return found, await filling

        found, rounds = asyncio.run(live())
        assert ("made", None) == (found.status, found.error)
        near, far = tmp_path / "near", tmp_path / "far"
        restore.restore(str(place), near, None, quiet, saying(tmp_path, ""))
        second = warehouse_in(new, access, "new/data")
        restore.restore(str(place), far, None, quiet, saying(tmp_path, second))
        assert (near / content.CATALOG).exists()
        assert not (far / content.CATALOG).exists()
        assert not (far / content.DATA).exists()

        answers = []
        for back, more in ((near, ""), (far, second)):
            taken(shop, back)

            async def again(back=back, more=more):
                async with running(back, more=more) as runtime:
                    await settled(runtime)
                    answer = await runtime.warehouse.query(SQL, 30)
                    await synced(runtime)  # it can be written to
                    return json.loads(bytes(answer.rows))

            answers.append(asyncio.run(again()))
        assert answers[0] == answers[1]
        ((count, total),) = answers[0]
        assert sum(range(500)) == total
        assert 500 <= count <= 500 + rounds

        with pytest.raises(NotRestored, match="holds what is not of this backup"):
            restore.restore(str(place), tmp_path / "third", None, quiet)
        free = saying(tmp_path, warehouse_in(old, access, "third"))
        with pytest.raises(NotRestored, match="holds another catalogue"):
            restore.restore(str(place), tmp_path / "third", None, quiet, free)
        assert not (tmp_path / "third").exists()
