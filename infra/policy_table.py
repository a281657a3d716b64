"""The policies there are, wired: what follows from what happened."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from commands.kernel import Clock
from commands.policies import Policy
from commands.policies.upkeep import UpkeepPolicy
from infra import schedules, vault_keys
from infra.backups import wired as backups
from infra.inspecting import wired as inspecting
from infra.modelling import wired as modelling
from infra.notices import wired as notices

if TYPE_CHECKING:
    from infra.runtime import Runtime


def every(runtime: "Runtime", base_url: str, clock: Clock) -> Sequence[Policy]:
    """List them in the order in which a start recovers them."""
    writer, views, event = runtime.writer, runtime.views, runtime.history.event
    settings, secrets = runtime.settings, runtime.secret_values
    days = settings.storage.warehouse.retention_days
    root, pool = runtime.project.root, runtime.pool
    notifier = notices.notifier(
        runtime.vault, secrets, runtime.mailer, views, settings.notifications
    )
    return (
        runtime.syncs,
        UpkeepPolicy(writer, runtime.warehouse, retention_days=days),
        backups.policy(writer, pool, views, event),
        vault_keys.policy(writer, runtime.vault_keys, views, event, ring=runtime.ring, clock=clock),
        modelling.policy(writer, runtime.modelling, views, event, settings.platform),
        inspecting.policy(writer, runtime.warehouse, views, event, clock),
        inspecting.monitoring(writer, runtime.warehouse, views, event, clock),
        schedules.policy(writer, views, pool, root=root, secrets=secrets, event=event, clock=clock),
        notices.policy(writer, views, notifier, event, base_url),
        runtime.dashboard_sessions,
        runtime.notebook_policy,
    )
