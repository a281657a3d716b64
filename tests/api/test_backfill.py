"""A range of days: for sources that can tell, and refused for those that are read whole."""

import pytest

from commands.kernel import Origin
from commands.sources import ApplySources
from tests.api.access import Server
from tests.datasets import source

SYSTEM = Origin(actor="system:configuration", via="watcher", correlation="test")


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


@pytest.mark.parametrize(
    ("name", "backfill", "start"),
    [
        ("api", "7d", "2025-12-25"),
        ("api", "2w", "2025-12-18"),
        ("api", "1m", "2025-12-02"),
        ("api", "9x", None),
        ("api", "", None),
        ("api", "0d", None),
        ("api", "99999m", None),
        ("api", "-1d", None),
        ("orders", "7d", None),
    ],
)
def test_a_backfill_is_so_many_days(server, name, backfill, start):
    async def story():
        known = (source("orders"), source("api", type="rest_api"))
        await server.writer.send(ApplySources(sources=known), SYSTEM)
        admin = await server.logged_in()
        body = {"sources": [name], "backfill": backfill}
        answer = await admin.post("/api/sync/trigger", json=body)
        assert (422 if start is None else 200) == answer.status_code, answer.text

    server.run(story)
    starts = [r.event.start_date for r in server.recorded if r.type == "sync_requested"]
    assert ([] if start is None else [start]) == starts
