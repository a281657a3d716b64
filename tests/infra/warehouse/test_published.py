"""What the warehouse says about a load: by its commit, whatever became of the worker."""

import asyncio
import os
import signal
from pathlib import Path

import msgspec

from commands import ports
from infra.warehouse.lake import LakeWarehouse
from tests.infra.warehouse.conftest import again, embedded, ignore, lake_of, source
from tests.infra.warehouse.test_lake import counts, workers_of


def target(load: ports.Load) -> ports.Target:
    return ports.Target(source=load.source, job=load.job, schema=load.schema, table=load.table)


async def killed_while_committing(lake: LakeWarehouse, load: ports.Load) -> bool:
    """Load and kill the worker as soon as it begins to commit; whether it died of that."""

    def on_progress(progress: ports.Progress) -> None:
        if progress.phase == "committing":
            for pid in workers_of("load"):
                os.kill(pid, signal.SIGKILL)

    try:
        await lake.load(load, on_progress)
    except ports.WorkDied:
        return True
    return False


def test_a_load_is_found_by_its_job_and_source_as_it_was_then(tmp_path: Path) -> None:
    async def test() -> None:
        async with lake_of(embedded(tmp_path)) as (lake, _):
            first = source(tmp_path, "one", 20)
            loaded = await lake.load(first, ignore)
            (Path(first.root) / first.source / "a.csv").write_text("other\nx\n")
            await lake.load(again(first, 7), ignore)

            found = await lake.published(target(first))
            assert found is not None
            known = {"inserted": None, "updated": None, "deleted": None}
            told = tuple(msgspec.structs.replace(table, **known) for table in loaded.tables)
            assert (loaded.rows, told, loaded.snapshot) == (
                found.rows,
                found.tables,
                found.snapshot,
            )
            later = await lake.published(target(again(first, 7)))
            assert later is not None
            assert (1, "other") == (later.rows, later.tables[0].columns[0].name)

    asyncio.run(test())


def test_what_was_never_committed_is_not_found(tmp_path: Path) -> None:
    async def test() -> None:
        async with lake_of(embedded(tmp_path)) as (lake, _):
            load = source(tmp_path, "one", 20)
            assert await lake.published(target(load)) is None
            await lake.load(load, ignore)
            assert await lake.published(target(again(load, 9))) is None
            other = msgspec.structs.replace(target(load), source="two")
            assert await lake.published(other) is None

    asyncio.run(test())


def test_the_warehouse_says_of_a_killed_load_what_readers_see(tmp_path: Path) -> None:
    async def test() -> None:
        async with lake_of(embedded(tmp_path)) as (lake, _):
            rows = 10
            await lake.load(source(tmp_path, "one", rows), ignore)
            for job in range(2, 6):
                load = again(source(tmp_path, "one", 10 * job), job)
                await killed_while_committing(lake, load)
                found = await lake.published(target(load))
                rows = rows if found is None else found.rows
                assert await counts(lake) == {"one": rows}
                assert found is None or found.rows == 10 * job

    asyncio.run(test())


def test_nothing_is_said_while_a_writer_holds_the_lease(tmp_path: Path) -> None:
    async def test() -> None:
        async with lake_of(embedded(tmp_path)) as (lake, pool):
            load = source(tmp_path, "one", 20)
            await lake.load(load, ignore)
            lease = pool._lanes["warehouse"]._lease
            assert lease is not None
            async with lease:
                asked = asyncio.create_task(lake.published(target(load)))
                done, _ = await asyncio.wait([asked], timeout=1)
                assert not done
            assert await asked is not None

    asyncio.run(test())


def test_upkeep_tells_the_oldest_snapshot_that_is_left_and_older_loads_are_forgotten(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        async with lake_of(embedded(tmp_path)) as (lake, _):
            load = source(tmp_path, "one", 20)
            for job in (1, 2):
                await lake.load(again(load, job), ignore)
            kept = ports.Maintain(job=9, author="system", retention_days=30)
            assert (await lake.maintain(kept, ignore)).oldest_snapshot == 0
            gone = ports.Maintain(job=9, author="system", retention_days=0)
            done = await lake.maintain(gone, ignore)
            assert (done.oldest_snapshot, done.snapshot) == (2, 2)
            assert await lake.published(target(again(load, 1))) is None
            assert await lake.published(target(again(load, 2))) is not None
            assert await counts(lake) == {"one": 20}

    asyncio.run(test())
