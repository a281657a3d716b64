"""The warehouse under loads that run at once, that are killed, and that are read meanwhile."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest

from commands import ports
from infra.warehouse import attach
from infra.warehouse.keeper import Keeper
from infra.warehouse.lake import LakeWarehouse
from infra.warehouse.settings import Settings
from tests.infra.warehouse.conftest import again, embedded, ignore, lake_of, source
from tests.patience import until

READ_PAUSE_S = 0.002  # between two looks of a reader that never stops looking


def workers_of(kind: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if parent == os.getpid() and b"infra.workers.child" in words and kind.encode() in words:
            found.append(int(folder.name))
    return found


def parquet_files(settings: Settings) -> set[Path]:
    return set((Path(settings.data) / "raw_one").rglob("*.parquet"))


async def counts(lake: LakeWarehouse) -> dict[str, int]:
    return {table.name: table.row_count for table in await lake.tables()}


def test_the_server_process_never_imports_the_engine() -> None:
    code = (
        "import sys; import infra.warehouse.lake, infra.warehouse.keeper, infra.loading.settings;"
        "sys.exit('duckdb' in sys.modules)"
    )
    root = str(Path(attach.__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": root}, check=False)
    assert done.returncode == 0


def test_loads_of_different_sources_run_at_once_and_all_commit(tmp_path: Path) -> None:
    settings = embedded(tmp_path)

    async def test() -> None:
        async with lake_of(settings) as (lake, _):
            loads = [source(tmp_path, name, 20_000) for name in ("one", "two")]
            wanted = [again(load, job) for job in range(1, 4) for load in loads]
            done = await asyncio.gather(*(lake.load(load, ignore) for load in wanted))
            assert sorted(loaded.snapshot for loaded in done) == list(range(1, 7))
            assert await counts(lake) == {"one": 20_000, "two": 20_000}

    asyncio.run(test())


def test_a_killed_load_leaves_what_was_there_and_its_files_are_cleaned_up(tmp_path: Path) -> None:
    settings = embedded(tmp_path)

    async def test() -> None:
        async with lake_of(settings) as (lake, _):
            load = source(tmp_path, "one", 1000)
            await lake.load(load, ignore)
            source(tmp_path, "one", 400_000)
            for moment in range(5):
                seen: asyncio.Queue[ports.Progress] = asyncio.Queue()
                task = asyncio.create_task(lake.load(again(load, moment), seen.put_nowait))
                while (await seen.get()).phase != "reading":
                    pass
                await asyncio.sleep(moment * 0.03)
                for pid in workers_of("load"):
                    os.kill(pid, signal.SIGKILL)
                with pytest.raises(ports.WorkDied, match="was killed"):
                    await task
                assert await counts(lake) == {"one": 1000}
            assert len(parquet_files(settings)) > 1
            kept = ports.Maintain(job=9, author="system", retention_days=30)
            maintained = await lake.maintain(kept, ignore)
            assert maintained.files_removed >= 1
            assert len(parquet_files(settings)) == 1
            assert (await lake.load(load, ignore)).rows == 400_000
            assert list((tmp_path / "tmp").rglob("*.csv")) == []

    asyncio.run(test())


def test_a_cancelled_load_changes_nothing_and_frees_its_place(tmp_path: Path) -> None:
    settings = embedded(tmp_path)

    async def test() -> None:
        async with lake_of(settings) as (lake, _):
            load = source(tmp_path, "one", 300_000)
            started = asyncio.Event()
            task = asyncio.create_task(lake.load(load, lambda _: started.set()))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await counts(lake) == {}
            assert (await lake.load(load, ignore)).rows == 300_000

    asyncio.run(test())


def test_readers_see_whole_loads_only_and_are_never_refused(tmp_path: Path) -> None:
    settings = embedded(tmp_path)
    seen: set[tuple[int, int]] = set()
    failures: list[str] = []
    stop = threading.Event()

    def read() -> None:
        with attach.connect(settings, read_only=True) as reader:
            while not stop.wait(READ_PAUSE_S):
                try:
                    row = reader.execute(
                        "SELECT count(*), count(DISTINCT _dango_run) FROM lake.raw_one.one",
                    ).fetchone()
                except duckdb.Error as error:
                    failures.append(str(error))
                    return
                assert row is not None
                seen.add(row)

    async def test() -> None:
        async with lake_of(settings) as (lake, _):
            load = source(tmp_path, "one", 50_000)
            await lake.load(load, ignore)
            with Keeper(Path(settings.catalog)):
                thread = threading.Thread(target=read, daemon=True)
                thread.start()
                await until(lambda: seen or failures)
                for job in range(2, 6):
                    source(tmp_path, "one", 50_000 + job % 2)
                    await lake.load(again(load, job), ignore)
                await until(lambda: (50_001, 1) in seen or failures)
                stop.set()
                await asyncio.to_thread(thread.join)

    asyncio.run(test())
    assert failures == []
    assert seen == {(50_000, 1), (50_001, 1)}


def test_maintenance_merges_expires_and_removes(tmp_path: Path) -> None:
    settings = embedded(tmp_path)

    async def test() -> None:
        async with lake_of(settings) as (lake, _):
            load = source(tmp_path, "one", 100)
            for job in range(1, 4):
                await lake.load(again(load, job), ignore)
            with attach.connect(settings) as writer:
                for _ in range(4):
                    writer.execute(
                        "INSERT INTO lake.raw_one.one SELECT * FROM lake.raw_one.one LIMIT 5"
                    )
            done = await lake.maintain(
                ports.Maintain(job=9, author="system", retention_days=0),
                ignore,
            )
            assert done.files_merged == 5
            assert done.snapshots_expired > 4
            assert done.files_removed >= 2
            assert len(parquet_files(settings)) == 1
            tables = await lake.tables()
            assert [(table.schema, table.row_count) for table in tables] == [("raw_one", 120)]

    asyncio.run(test())


def test_the_keeper_lets_a_reader_that_may_write_no_file_read(tmp_path: Path) -> None:
    settings = embedded(tmp_path)

    async def test() -> None:
        async with lake_of(settings) as (lake, _):
            await lake.load(source(tmp_path, "one", 10), ignore)

    asyncio.run(test())
    with Keeper(Path(settings.catalog)):
        assert Path(settings.catalog + "-shm").exists()
        with attach.connect(settings, read_only=True) as reader:
            assert reader.execute("SELECT count(*) FROM lake.raw_one.one").fetchall() == [(10,)]
        assert Path(settings.catalog + "-shm").exists()


def test_a_project_that_was_moved_still_reads(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    settings = embedded(tmp_path / "before")

    async def test() -> None:
        async with lake_of(settings) as (lake, _):
            await lake.load(source(tmp_path, "one", 10), ignore)

    asyncio.run(test())
    (tmp_path / "before").rename(tmp_path / "after")
    with attach.connect(embedded(tmp_path / "after"), read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM lake.raw_one.one").fetchall() == [(10,)]


def test_a_data_path_that_reads_as_a_pattern_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must not contain"):
        embedded(tmp_path / "a[1]")


def test_every_file_that_is_loaded_is_told_and_one_that_is_handed_in_is_read(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        async with lake_of(embedded(tmp_path)) as (lake, _):
            load = source(tmp_path, "one", 3)
            for number in range(30):  # more than an event names
                (tmp_path / "in" / "one" / f"b{number}.csv").write_text("id,name,amount\n1,a,2\n")
            assert () == await lake.files("one")
            await lake.load(load, ignore)
            told = await lake.files("one")
            assert (31, 33, {load.job}) == (
                len(told),
                sum(file.rows for file in told),
                {file.run for file in told},
            )
            coming = tmp_path / "coming"
            coming.write_text("id,name\n1,a\n")
            await lake.check(ports.Check(load=load, path=str(coming), name="c.csv"))
            coming.write_bytes(b"id,name\n1,\0\n")
            with pytest.raises(ports.WorkRefused, match=r"c\.csv is not a text file"):
                await lake.check(ports.Check(load=load, path=str(coming), name="c.csv"))

    asyncio.run(test())
