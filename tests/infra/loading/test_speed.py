"""How fast a load is beside the engine's own, in the same run."""

import asyncio
import random
import time
from pathlib import Path

import duckdb
import pytest

from commands import ports
from infra.loading.settings import LoadSettings
from infra.warehouse.lake import LakeWarehouse, encoded, kinds, write_lease
from infra.warehouse.settings import Settings
from infra.workers.pool import Pool

ROWS = 1_000_000
COUNTRIES = ("DE", "FR", "US", "GB")
HEADER = "id,customer,email,amount,qty,country,created,status,note,flag\n"


def write(path: Path, rows: int) -> None:
    chance = random.Random(1)  # noqa: S311 - the same rows
    with path.open("w") as out:
        out.write(HEADER)
        for number in range(rows):
            out.write(
                f"{number},customer {number % 50_000},user{number % 90_000}@example.com,"
                f"{chance.random() * 1000:.2f},{number % 17},{COUNTRIES[number % 4]},"
                f"2024-0{1 + number % 9}-1{number % 9} 10:{number % 60:02d}:00,"
                f"status_{number % 5},a note {chance.randrange(10**6)},{number % 2 == 1}\n",
            )


def plain_s(path: Path, target: Path) -> float:
    target.unlink(missing_ok=True)
    with duckdb.connect(str(target), config={"threads": 2}) as connection:
        began = time.perf_counter()
        connection.execute(f"CREATE TABLE t AS SELECT * FROM read_csv('{path}')")
        return time.perf_counter() - began


@pytest.mark.soak
def test_a_million_rows_take_at_most_twice_the_time_of_a_plain_import(tmp_path: Path) -> None:
    settings = Settings(
        catalog=str(tmp_path / "catalog.sqlite"),
        data=str(tmp_path / "data"),
        temp_directory=str(tmp_path / "tmp"),
    )
    for name, rows in (("million", ROWS), ("thousand", 1000)):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "a.csv", rows)

    def wanted(name: str) -> ports.Load:
        return ports.Load(
            source=name,
            type="csv",
            job=1,
            author="user:1",
            schema=f"raw_{name}",
            table=name,
            root=str(tmp_path),
            options={"directory": name},
        )

    async def timed(lake: LakeWarehouse, name: str) -> float:
        began = time.perf_counter()
        await lake.load(wanted(name), lambda _: None)
        return time.perf_counter() - began

    async def test() -> None:
        configs = {
            "load": encoded(LoadSettings(warehouse=settings)),
            "warehouse": encoded(settings),
        }
        pool = Pool(configs, kinds=kinds(settings), lease=write_lease(settings))
        lake = LakeWarehouse(pool, settings)
        await lake.create()
        cold_s = await timed(lake, "million")
        pairs = [
            (
                plain_s(tmp_path / "million" / "a.csv", tmp_path / "plain.duckdb"),
                await timed(lake, "million"),
            )
            for _ in range(3)
        ]
        plain = min(pair[0] for pair in pairs)
        warm = min(pair[1] for pair in pairs)
        thousand = min([await timed(lake, "thousand") for _ in range(3)])
        await pool.close()
        print(  # noqa: T201 - the figures are what a person runs this for
            f"plain {plain:.2f} s, warm {warm:.2f} s, cold {cold_s:.2f} s,"
            f" 1000 rows {thousand:.3f} s, pairs {pairs}",
        )
        assert warm <= 2 * plain
        assert thousand <= 0.5

    asyncio.run(test())
