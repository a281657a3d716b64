"""The disk is full, and then it is not: reading goes on, writing comes back, nothing is lost."""

from collections.abc import Iterable

import httpx
import pytest

from tests.faults import planted
from tests.faults.full import BLOCK_BYTES, SmallDisk, small_disk
from tests.faults.script import Script
from tests.server.harness import Server, copied, tell
from tests.server.template import ORDERS_ROWS, write_rows

DISK_BYTES = 48 * 1024 * 1024
# How many blocks are left each time: the log finds no room, or it does and the views do not.
LEFT, LEFT_SOAK = range(0, 12, 2), range(60)
ROUNDS_MAX = 400  # of a key made and taken back, until the disk is full
READS = ("/api/sources", "/api/events", "/api/auth/api-keys", "/api/logs", "/api/admin/users", "/")
REFUSED = (507, "The disk is full: nothing was changed.")
ROWS = 400_000
ROOM_BYTES = 3 * 1024 * 1024  # for the events of a sync, but not for what it loads
COUNT = "select count(*) from raw_orders.orders"


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", DISK_BYTES) as found:
        yield found


@pytest.fixture
def served(template, disk):
    with copied(template, disk.root / "project") as server:
        server.start()
        yield server


def fill(server: Server, disk: SmallDisk, script: Script, blocks: int) -> None:
    """Leave some blocks, and use them up until a change is refused."""
    admin = server.client(session="admin")
    disk.fill(but_bytes=blocks * BLOCK_BYTES)
    for number in range(ROUNDS_MAX):
        body = {"name": f"{script.name}-{number}"}
        path = "/api/auth/api-keys"
        made = script.send(f"fill-{number}", "POST", path, body, "api_key_created")
        assert dict.fromkeys(READS, 200) == reads(admin)
        if not script.told[f"{script.name}-fill-{number}"].acknowledged:
            return
        path = f"{path}/{made.json()['id']}"
        script.send(f"take-{number}", "DELETE", path, None, "api_key_revoked")
    pytest.fail("the disk was never full")


def reads(admin: httpx.Client) -> dict[str, int]:
    return {path: admin.get(path).status_code for path in READS}


def cycle(server: Server, disk: SmallDisk, blocks: int) -> tuple[int, int]:
    """Filled until refusal, refused for a while, freed; the server goes on."""
    script, admin = Script(server, f"left-{blocks}"), server.client(session="admin")
    fill(server, disk, script, blocks)
    script.send("sync", "POST", "/api/sources/orders/sync", {}, "sync_requested")
    script.add_user()
    assert dict.fromkeys(READS, 200) == reads(admin)
    unsure = [told for told in script.told.values() if not told.acknowledged]
    assert [REFUSED] * len(unsure) == [(told.status, told.detail) for told in unsure]
    disk.free()
    script.again()
    assert script.wanted() == script.stored()
    # What is in the vault came with the event, and not without it.
    assert script.told[f"{script.name}-user"].body["email"] in admin.get("/api/admin/users").text
    asked = server.events(admin, type="sync_requested")[-1]
    assert "success" == server.job(admin, asked["position"])["status"]
    script.tidy()
    return len(script.told), len(unsure)


def cycles(server: Server, disk: SmallDisk, left: Iterable[int]) -> None:
    found = [cycle(server, disk, blocks) for blocks in left]
    told, refused = (sum(column) for column in zip(*found, strict=True))
    script = Script(server, "end")
    script.sound()
    server.kill()
    server.start()
    script.sound()
    tell(f"{len(found)} times full: {told} changes, {refused} of them refused at first, 0 lost")


def test_a_full_disk_refuses_changes_until_there_is_room(served, disk):
    cycles(served, disk, LEFT)


@pytest.mark.soak
def test_a_disk_that_is_full_again_and_again_loses_nothing(served, disk):
    cycles(served, disk, LEFT_SOAK)


@pytest.mark.parametrize("defect", [planted.resigned, planted.unreserved])
def test_a_server_that_a_full_disk_stops_is_caught(template, disk, defect):
    with copied(template, disk.root / "project", planted.program(defect)) as server:
        server.start()
        with pytest.raises(AssertionError):
            cycles(server, disk, LEFT)


def test_a_sync_that_finds_no_room_fails_and_says_why(served, disk):
    admin = served.client(session="admin")
    assert "success" == served.sync(admin, "orders")["status"]
    write_rows(served.root / "data/uploads/orders/more.csv", ROWS, first=ORDERS_ROWS + 1)
    disk.fill(but_bytes=ROOM_BYTES)
    status = served.sync(admin, "orders")
    assert "failed" == status["status"]
    tell(f"a sync without room: {status['runs'][0]['error']}")
    assert "disk is full" in status["runs"][0]["error"]
    assert [[ORDERS_ROWS]] == served.rows(admin, COUNT)
    disk.free()
    assert "success" == served.sync(admin, "orders")["status"]
    assert [[ORDERS_ROWS + ROWS]] == served.rows(admin, COUNT)
