"""A log that is held still is as it was, while it is written to; and what is read on the way."""

import asyncio
import threading

from infra.log import still
from infra.log.places import archive, chained
from infra.log.verify import verify
from tests.core import Core
from tests.infra.writing import query


def test_what_comes_later_is_not_in_the_copy(engine, tmp_path):
    folder, target = tmp_path / "lived", tmp_path / "copy.db"
    folder.mkdir()
    place = engine.place(folder)

    async def live():
        async with Core(folder, recorder=engine.recorder) as core:
            for number in range(20):
                await core.send(query(number, f"SELECT {number}"))
            beside = archive(place).beside(place)
            with still.held(place) as held:
                for number in range(20, 30):
                    await core.send(query(number, f"SELECT {number}"))
                found = await asyncio.to_thread(held.copy, target)
            return found, beside

    found, beside = asyncio.run(live())

    assert 20 == found.upto
    assert list(chained(place))[:20] == list(chained(target))
    proof = verify(target)
    assert (True, 20, found.digest.hex()) == (proof.ok, proof.head, proof.hash)
    assert sorted(map(repr, beside.vault)) == sorted(
        map(repr, archive(target).beside(target).vault)
    )
    assert [] == [each.name for each in tmp_path.glob("copy.db-*")]


def test_one_row_is_read_while_somebody_reads_for_long(engine, tmp_path):
    async def live():
        async with Core(tmp_path, recorder=engine.recorder) as core:
            await core.send(query(1, "SELECT 1"))
            lock = getattr(core.log, "_reading", None) or core.log._read._lock
            answered = []
            with lock:
                asking = threading.Thread(
                    target=lambda: answered.append((core.log.head(), core.log.at(1) is not None)),
                    daemon=True,
                )
                asking.start()
                asking.join(5)
            return answered

    assert [(1, True)] == asyncio.run(live())


def test_an_empty_log_has_an_empty_copy(engine, tmp_path):
    engine.recorder(tmp_path / "events.db").close()
    place = engine.place(tmp_path)

    with still.held(place) as held:
        found = held.copy(tmp_path / "copy.db")

    assert 0 == found.upto == verify(tmp_path / "copy.db").head
