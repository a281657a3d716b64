"""A backup of a long log and of much data while eight writers are at work, and what comes back."""

import asyncio
import itertools
import os
import shutil
import time

from infra import creation
from infra.backups import restore
from tests import patience
from tests.bench import log
from tests.bench.figures import Figure
from tests.infra.backups.shops import backed_up, quiet, rows, running, written

FILES, FILE_BYTES = 20, 50_000_000
BEFORE_S = 1.0  # of writing, until the backup is asked for
RESTORE_S_MAX = 60
PATIENCE_S = 900


def every(folder, events):
    root, place, back = folder / "shop", folder / "place", folder / "back"
    _make(root, events)
    asked, took_s, found, known = asyncio.run(_backed_up(root, place))
    if found.status != "made":
        raise RuntimeError(f"the backup failed: {found.error}")
    size = f"{events:,} events and {FILES * FILE_BYTES / 1e9:.0f} GB"
    yield Figure(name=f"backup of {size}, 8 writers at work", value=took_s, unit="s")
    moments = sorted(moment for _, moment in known)
    pause_s = max(after - before for before, after in itertools.pairwise(moments))
    yield Figure(name="the longest pause of all writers meanwhile", value=pause_s, unit="s")
    restore_s = _timed(lambda: restore.restore(str(place), back, None, quiet))
    copy_s = _timed(lambda: _copied(place, folder / "copy"))
    kept = {position for position, _ in rows(back)}
    due = [at for at, moment in known if moment < asked or at <= found.upto]
    yield Figure(
        name="acknowledged before its position, and missing",
        value=sum(at not in kept for at in due),
        unit="events",
        limit=0,
        least=False,
        note=f"of {len(due):,}; {len(known):,} in all",
    )
    yield Figure(
        name="restore, beyond copying as much",
        value=restore_s - copy_s,
        unit="s",
        limit=RESTORE_S_MAX,
        least=False,
        note=f"{restore_s:.1f} s against {copy_s:.1f} s",
    )


def _make(root, events):
    asyncio.run(creation.create(root))
    for file in (*(root / ".dango").glob("events.db*"), *(root / ".dango").glob("views-*")):
        file.unlink()
    log.write(root / ".dango" / "events.db", events)
    data = root / "data" / "uploads" / "much"
    data.mkdir(parents=True)
    for number in range(FILES):
        (data / f"{number}.bin").write_bytes(os.urandom(FILE_BYTES))


async def _backed_up(root, place):
    """When it was asked for, how long it took, what was made, and what was acknowledged when."""
    patience.PATIENCE_S = PATIENCE_S
    async with running(root) as runtime:
        stop = asyncio.Event()
        writing = asyncio.create_task(written(runtime, stop))
        await asyncio.sleep(BEFORE_S)
        asked = time.monotonic()
        found = await backed_up(runtime, place)
        took_s = time.monotonic() - asked
        stop.set()
        return asked, took_s, found, await writing


def _copied(place, to):
    shutil.copytree(place, to)
    for path in to.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _timed(work):
    begun = time.monotonic()
    work()
    return time.monotonic() - begun
