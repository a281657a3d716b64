"""Every projection there is. A new capability adds a row."""

from itertools import chain
from typing import Final

from projections import (
    activity,
    api_keys,
    attention,
    audit,
    backups,
    dashboards,
    deployments,
    disks,
    drift,
    grants,
    identities,
    initial_syncs,
    lineage,
    model_runs,
    models,
    monitors,
    notebooks,
    notifications,
    pii,
    profiles,
    saved_queries,
    schedules,
    secrets,
    sessions,
    sources,
    syncs,
    users,
    vault,
)
from projections.engine import Projection

# Folded at the same time, each by a process of its own, when the views are made anew: shares of
# about equal work (`make bench` tells), the one with the largest tables first, since the tables of
# the others are copied behind them. What reads the same events stands together: they are decoded
# once for each share.
SHARES: Final[tuple[tuple[Projection, ...], ...]] = (
    (
        audit.PROJECTION,
        activity.PROJECTION,
        monitors.PROJECTION,
    ),
    (
        users.PROJECTION,
        sessions.PROJECTION,
        api_keys.PROJECTION,
        identities.PROJECTION,
        secrets.PROJECTION,
        sources.PROJECTION,
        syncs.PROJECTION,
        attention.PROJECTION,
        pii.PROJECTION,
        models.PROJECTION,
        lineage.PROJECTION,
        model_runs.PROJECTION,
        drift.PROJECTION,
        profiles.PROJECTION,
        initial_syncs.PROJECTION,
        schedules.PROJECTION,
        notifications.PROJECTION,
        backups.PROJECTION,
        vault.PROJECTION,
        deployments.PROJECTION,
        disks.PROJECTION,
        notebooks.PROJECTION,
        dashboards.PROJECTION,
        grants.PROJECTION,
        saved_queries.PROJECTION,
    ),
)
PROJECTIONS: Final[tuple[Projection, ...]] = tuple(chain.from_iterable(SHARES))
