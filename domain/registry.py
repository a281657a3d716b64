"""Every event there is. A new capability adds a row."""

from typing import Final

from domain import (
    api_keys,
    identities,
    initial_syncs,
    projects,
    queries,
    secrets,
    sessions,
    sources,
    syncs,
    totp,
    upkeep,
    uploads,
    users,
)
from domain.kernel import Event

EVENTS: Final[tuple[type[Event], ...]] = (
    *projects.EVENTS,
    *users.EVENTS,
    *sessions.EVENTS,
    *api_keys.EVENTS,
    *secrets.EVENTS,
    *sources.EVENTS,
    *syncs.EVENTS,
    *initial_syncs.EVENTS,
    *uploads.EVENTS,
    *queries.EVENTS,
    *upkeep.EVENTS,
    *totp.EVENTS,
    *identities.EVENTS,
)
