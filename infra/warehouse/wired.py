"""What the policy of the syncs is given: what it asks of the views."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from commands.kernel import Bus
from commands.policies.runs import OpenRun
from commands.policies.syncs import SyncPolicy
from commands.ports import Progress, SecretValues, Warehouse
from domain.kernel import Recorded
from domain.sources import Source
from infra.grants.renewing import Renewing
from infra.views.views import Views
from projections import sources, syncs


def policy(
    bus: Bus,
    warehouse: Warehouse,
    views: Views,
    *,
    root: Path,
    secrets: SecretValues,
    event: Callable[[int], Recorded | None],
    show: Callable[[tuple[int, str], Progress], None],
    parallel: int,
    renew: Renewing,
) -> SyncPolicy:
    """The policy over the views as they stand when it asks."""

    def source(name: str) -> Source | None:
        found = sources.one(views.current, name)
        return found.config if found else None

    def open_runs() -> Sequence[OpenRun]:
        return [
            OpenRun(run.job, run.source, run.status == "running", run.schema_name, run.table_name)
            for run in syncs.unended(views.current)
        ]

    return SyncPolicy(
        bus,
        warehouse,
        source=source,
        root=str(root),
        secrets=secrets,
        formats=lambda name: sources.formats(views.current, name),
        request=event,
        open_runs=open_runs,
        monotonic=time.monotonic,
        show=show,
        parallel=parallel,
        renew=renew,
    )
