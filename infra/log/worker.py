"""Handler of the kind "log": what walks the whole log, away from the server's event loop."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from commands.ports import Progress
from domain.kernel import Recorded
from domain.registry import EVENTS
from domain.upcasters import UPCASTERS
from infra.log import tasks
from infra.log.envelope import Codec
from infra.log.port import Place
from infra.log.replay import replay
from infra.log.verify import verify
from infra.views.join import join
from infra.views.store import build, differences, discard
from infra.workers.desk import Desk, Run
from projections.audit import Verified
from projections.table import PROJECTIONS, SHARES

PROGRESS_EVENTS: Final = 20_000


def start(_: msgspec.Raw) -> Run:
    """Nothing to warm up: the imports are all."""
    codec = Codec(EVENTS, UPCASTERS)

    def run(raw: msgspec.Raw, desk: Desk) -> Verified | int | list[str]:
        task: tasks.Task = msgspec.json.decode(raw, type=tasks.Task)
        match task:
            case tasks.Verify(log=log, noted=noted):
                return verify(log, noted)
            case tasks.Build(log=log, views=views, upto=upto):
                events = _told(desk, replay(codec, log, upto=upto))
                return build(Path(views), SHARES[task.share], EVENTS, events)
            case tasks.Join(views=views, others=others):
                return join(Path(views), map(Path, others))
            case tasks.Check(log=log, views=views):
                return check(codec, log, Path(views))

    return run


def check(codec: Codec, log: Place, views: Path) -> list[str]:
    """What differs between a views file and a new fold up to its position."""
    beside = views.with_name(views.name + ".check")
    live = sqlite3.connect(f"{views.as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        # The read transaction holds the rows still while they are folded anew beside.
        live.execute("BEGIN")
        upto = live.execute("SELECT value FROM _state WHERE name = 'position'").fetchone()[0]
        build(beside, PROJECTIONS, EVENTS, replay(codec, log, upto=upto))
        return list(differences(live, beside, [t for p in PROJECTIONS for t in p.tables]))
    finally:
        live.close()
        discard(beside)


def _told(desk: Desk, events: Iterator[Recorded]) -> Iterator[Recorded]:
    for number, recorded in enumerate(events, 1):
        if number % PROGRESS_EVENTS == 0:
            desk.progress(Progress(phase="folding", done=number, unit="events"))
        yield recorded
