"""Log and catalogue are of one position, or there is no backup."""

import contextlib

import pytest

from commands.ports import WorkFailed
from infra.backups import content
from infra.backups.settings import Settings
from infra.log.verify import verify
from infra.warehouse.settings import Settings as Warehouse


class Desk:
    """Gives the write lease, and counts how often."""

    def __init__(self):
        self.leases = 0

    @contextlib.contextmanager
    def lease(self):
        self.leases += 1
        yield


@pytest.fixture
def settings(shop):
    warehouse = Warehouse(
        catalog=str(shop / "warehouse" / "catalog.sqlite"),
        data=str(shop / "warehouse" / "data"),
        temp_directory=str(shop / ".dango" / "tmp"),
    )
    log, temp = str(shop / ".dango" / "events.db"), str(shop / ".dango" / "tmp")
    return Settings(root=str(shop), name="shop", log=log, temp=temp, warehouse=warehouse)


def committing(monkeypatch, positions):
    """The catalogue's last commit names these positions, one look after the other."""
    left = iter(positions)
    monkeypatch.setattr(content.catalogs, "newest_position", lambda _: next(left))


def test_a_commit_that_the_log_does_not_know_yet_is_waited_for(settings, tmp_path, monkeypatch):
    desk, head = Desk(), verify(settings.log).head
    committing(monkeypatch, [head + 1, head + 1, head])

    found = content.copies(settings, desk, tmp_path)

    assert (3, head) == (desk.leases, found.upto)
    assert found.digest == verify(found.log).hash


def test_a_warehouse_that_never_holds_still_is_told(settings, tmp_path, monkeypatch):
    committing(monkeypatch, [1_000_000] * content.TRIES_MAX)

    with pytest.raises(WorkFailed, match="did not hold still; try again"):
        content.copies(settings, Desk(), tmp_path)
