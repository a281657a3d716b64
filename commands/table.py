"""Every command there is, and what decides it. A new capability adds a row."""

from typing import Any, Final

from commands import (
    api_keys,
    factors,
    identities,
    initial_syncs,
    links,
    projects,
    queries,
    secrets,
    sessions,
    sources,
    syncs,
    upkeep,
    uploads,
    users,
)
from commands.kernel import Command
from domain.kernel import Decider

DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    **projects.DECIDERS,
    **users.DECIDERS,
    **links.DECIDERS,
    **sessions.DECIDERS,
    **factors.DECIDERS,
    **identities.DECIDERS,
    **api_keys.DECIDERS,
    **secrets.DECIDERS,
    **sources.DECIDERS,
    **syncs.DECIDERS,
    **initial_syncs.DECIDERS,
    **uploads.DECIDERS,
    **queries.DECIDERS,
    **upkeep.DECIDERS,
}
