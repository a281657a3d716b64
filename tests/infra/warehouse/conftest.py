"""The warehouse as the server has it: over a pool of child processes, in a project's folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from commands import ports
from infra.loading.settings import LoadSettings
from infra.warehouse.lake import LakeWarehouse, encoded, kinds, write_lease
from infra.warehouse.settings import Settings
from infra.workers.pool import Pool


def embedded(root: Path) -> Settings:
    return Settings(
        catalog=str(root / "warehouse" / "catalog.sqlite"),
        data=str(root / "warehouse" / "data"),
        temp_directory=str(root / "tmp"),
        reader_grace_s=0.0,
        orphan_age_s=0.0,
    )


@asynccontextmanager
async def lake_of(settings: Settings) -> AsyncIterator[tuple[LakeWarehouse, Pool]]:
    configs = {
        "load": encoded(LoadSettings(warehouse=settings)),
        "fetch": encoded(LoadSettings(warehouse=settings)),
        "warehouse": encoded(settings),
    }
    warm = (msgspec.structs.replace(kind, spares=1) for kind in kinds(settings))
    pool = Pool(configs, kinds=warm, lease=write_lease(settings))
    lake = LakeWarehouse(pool, settings)
    try:
        await lake.create()
        yield lake, pool
    finally:
        await pool.close()


def source(root: Path, name: str, rows: int, first: int = 0) -> ports.Load:
    directory = root / "in" / name
    directory.mkdir(parents=True, exist_ok=True)
    lines = (f"{number},name {number},{number / 4}\n" for number in range(first, first + rows))
    (directory / "a.csv").write_text("id,name,amount\n" + "".join(lines))
    return ports.Load(
        source=name,
        type="csv",
        job=first + 1,
        author="user:1",
        schema=f"raw_{name}",
        table=name,
        root=str(root / "in"),
        options={"directory": name},
    )


def again(load: ports.Load, job: int) -> ports.Load:
    return msgspec.structs.replace(load, job=job, full_refresh=True)  # the same file, anew


def ignore(_: ports.Progress) -> None:
    pass
