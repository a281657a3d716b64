"""Every projection there is. A new capability adds a row."""

from itertools import chain
from typing import Final

from projections import (
    activity,
    api_keys,
    audit,
    identities,
    initial_syncs,
    secrets,
    sessions,
    sources,
    syncs,
    users,
)
from projections.engine import Projection

# Folded at the same time, each by a process of its own, when the views are made anew: shares of
# about equal work (`make bench` tells), the one with the largest tables first, since the tables of
# the others are copied behind them.
SHARES: Final[tuple[tuple[Projection, ...], ...]] = (
    (
        audit.PROJECTION,
        activity.PROJECTION,
    ),
    (
        users.PROJECTION,
        sessions.PROJECTION,
        api_keys.PROJECTION,
        identities.PROJECTION,
        secrets.PROJECTION,
        sources.PROJECTION,
        syncs.PROJECTION,
        initial_syncs.PROJECTION,
    ),
)
PROJECTIONS: Final[tuple[Projection, ...]] = tuple(chain.from_iterable(SHARES))
