"""The disk refuses to keep what a model wrote: the model is not told as built."""

import asyncio

import pytest

from tests.faults.tracing import injecting
from tests.infra.modelling.site import MARTS, Site

pytestmark = pytest.mark.usefixtures("strace")


def test_a_model_whose_files_cannot_be_brought_to_the_disk_has_failed(tmp_path):
    site = Site(tmp_path)
    folder = tmp_path / "warehouse" / "data" / "marts"
    with asyncio.Runner() as runner:
        runner.run(site.open())
        try:
            site.write(MARTS)
            before = runner.run(site.build())
            (worker,) = site.pool._lanes["dbt"].idle
            with injecting(worker.pid, "fsync:error=EIO", (folder,)):
                failed = runner.run(site.build(model="evens"))
            after = runner.run(site.build(model="evens"))
        finally:
            runner.run(site.pool.close())

    assert (None, None) == (before.reason, after.reason)
    reason = "What was loaded could not be brought to the disk: Input/output error."
    assert ("models/marts/evens.sql", f"evens: {reason}") == (failed.file, failed.reason)
