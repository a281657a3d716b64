"""Handler of the kind "log": what walks the whole log, away from the server's event loop."""

import sqlite3
from pathlib import Path

import msgspec

from commands.ports import Progress
from domain.registry import EVENTS
from domain.upcasters import UPCASTERS
from infra.log import tasks
from infra.log.envelope import Codec
from infra.log.port import Place
from infra.log.verify import verify
from infra.sqlite_files import discard
from infra.views.fold import fold
from infra.views.join import join
from infra.views.store import differences
from infra.workers.desk import Desk, Run
from projections.audit import Verified
from projections.table import PROJECTIONS, SHARES


def start(_: msgspec.Raw) -> Run:
    """Nothing to warm up: the imports are all."""
    codec = Codec(EVENTS, UPCASTERS)

    def run(raw: msgspec.Raw, desk: Desk) -> Verified | int | list[str]:
        task: tasks.Task = msgspec.json.decode(raw, type=tasks.Task)
        match task:
            case tasks.Verify(log=log, noted=noted):
                return verify(log, noted)
            case tasks.Build(log=log, views=views, upto=upto):

                def told(position: int) -> None:
                    desk.progress(Progress(phase="folding", done=position, unit="events"))

                share = SHARES[task.share]
                return fold(log, Path(views), share, EVENTS, codec=codec, upto=upto, told=told)
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
        fold(log, beside, PROJECTIONS, EVENTS, codec=codec, upto=upto)
        return list(differences(live, beside, [t for p in PROJECTIONS for t in p.tables]))
    finally:
        live.close()
        discard(beside)
