"""Every projection there is. A new capability adds a row."""

from typing import Final

from projections import activity, api_keys, audit, sessions, sources, syncs, users
from projections.engine import Projection

PROJECTIONS: Final[tuple[Projection, ...]] = (
    audit.PROJECTION,
    users.PROJECTION,
    sessions.PROJECTION,
    api_keys.PROJECTION,
    activity.PROJECTION,
    sources.PROJECTION,
    syncs.PROJECTION,
)
