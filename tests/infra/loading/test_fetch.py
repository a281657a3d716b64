"""Loads that ask others, in child processes as the server starts them."""

import asyncio
import logging
from pathlib import Path

import pytest

from commands import ports
from domain.source_types.secret import masked
from domain.source_types.table import options
from infra.loading.settings import LoadSettings
from infra.warehouse.lake import LakeWarehouse, encoded, kinds, write_lease
from infra.warehouse.settings import Settings
from infra.workers.pool import Pool
from tests.infra.loading.doubles import Answer, serving

SECRET = "planted-Secret-77"


def task(url: str, root: Path) -> ports.Load:
    block = {
        "base_url": url,
        "allow_private_hosts": True,
        "auth_type": "bearer",
        "auth_token": "${KEY}",
        "endpoints": [{"path": "rows", "primary_key": "id", "paginator": {"type": "single_page"}}],
    }
    return ports.Load(
        source="s",
        type="rest_api",
        job=3,
        author="user:1",
        schema="raw_s",
        table="s",
        root=str(root),
        options=masked(options("rest_api", block)),
        secrets={"KEY": SECRET},
    )


@pytest.fixture
def run(tmp_path):
    """Run a function of the warehouse, a root folder and a list for progress."""
    settings = Settings(
        catalog=str(tmp_path / "catalog.sqlite"),
        data=str(tmp_path / "data"),
        temp_directory=str(tmp_path / "tmp"),
    )

    def started(work):
        async def whole():
            configs = {
                "fetch": encoded(LoadSettings(warehouse=settings)),
                "query": encoded(settings),
                "warehouse": encoded(settings),
            }
            pool = Pool(configs, kinds=kinds(settings), lease=write_lease(settings))
            lake = LakeWarehouse(pool, settings)
            try:
                await lake.create()
                return await work(lake)
            finally:
                await pool.close()

        return asyncio.run(whole())

    return started


def test_a_worker_fetches_publishes_and_samples(run, tmp_path):
    seen = []

    async def work(lake):
        shown = await lake.sample(task(api.url, tmp_path))
        loaded = await lake.load(task(api.url, tmp_path), seen.append)
        return shown, loaded

    with serving(lambda _: Answer(body=[{"id": 1}, {"id": 2}])) as api:
        shown, loaded = run(work)
    assert [("1",), ("2",)] == [row[:1] for row in shown.rows]
    assert 2 == loaded.rows
    assert ["rows"] == [table.name for table in loaded.tables]
    assert f"Bearer {SECRET}" == api.asked[0].headers["authorization"]
    assert {"fetching: rows", "committing"} <= {one.phase for one in seen}


def test_what_fails_says_nothing_of_the_secret(run, tmp_path, caplog, capfd):
    answer = Answer(status=400, body={"message": f"no such token: {SECRET}"})
    caplog.set_level(logging.DEBUG)

    async def work(lake):
        with pytest.raises(ports.WorkRefused) as refused:
            await lake.load(task(api.url, tmp_path), lambda _: None)
        return refused.value

    with serving(lambda _: answer) as api:
        refused = run(work)
    printed = capfd.readouterr()
    assert "no such token: ****" in refused.reason
    told = (refused.reason, str(refused.facts), caplog.text, printed.out, printed.err)
    assert not [text for text in told if SECRET in text]
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [] == [path for path in left if SECRET.encode() in path.read_bytes()]


def test_what_may_pass_is_told_as_such(run, tmp_path):
    answer = Answer(status=429, headers={"Retry-After": "86400"}, body={})

    async def work(lake):
        with pytest.raises(ports.WorkFailed) as failed:
            await lake.load(task(api.url, tmp_path), lambda _: None)
        return failed.value

    with serving(lambda _: answer) as api:
        failed = run(work)
    assert not isinstance(failed, ports.WorkRefused)
    assert {"transient": True} == failed.facts
