"""What the policies that look into data are given: what they ask of the views."""

from collections.abc import Callable, Sequence

from commands.inspecting import Inspector, Measurer
from commands.kernel import Bus, Clock
from commands.policies.monitors import MonitorPolicy
from commands.policies.pii import PiiPolicy
from domain.kernel import Recorded
from domain.monitors import Monitor
from infra.views.views import Views
from projections import monitors, pii

Event = Callable[[int], Recorded | None]


def policy(
    bus: Bus,
    inspector: Inspector,
    views: Views,
    request: Event,
    clock: Clock,
) -> PiiPolicy:
    """The policy of the scans, over the views as they stand when it asks."""
    return PiiPolicy(
        bus,
        inspector,
        request=request,
        open_scans=lambda: pii.open_scans(views.current),
        clock=clock,
    )


def monitoring(
    bus: Bus, measurer: Measurer, views: Views, request: Event, clock: Clock
) -> MonitorPolicy:
    """The policy of the monitors, likewise."""

    def due(scope: str) -> tuple[Sequence[Monitor], int]:
        reader = views.current
        wanted = monitors.due(reader, scope) if monitors.enabled(reader) else ()
        return wanted, monitors.published(reader, scope)

    def verdicts() -> dict[str, str]:
        known = monitors.every(views.current)
        return {each.config.name: each.result.verdict for each in known if each.result}

    return MonitorPolicy(
        bus,
        measurer,
        request=request,
        due=due,
        past=lambda name, now: monitors.past(views.current, name, now),
        verdicts=verdicts,
        masked=lambda: pii.masked_columns(views.current),
        open_runs=lambda: monitors.open_runs(views.current),
        clock=clock,
    )
