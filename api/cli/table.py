"""The table of commands: every capability brings its rows, which stand at the end of its module."""

from typing import Final

from api.cli import (
    agents,
    backups,
    demo,
    deploying,
    doctor,
    events,
    export,
    governance,
    metabase,
    models,
    monitors,
    moves,
    overview,
    projections,
    projects,
    queries,
    schedules,
    secrets,
    sources,
    syncs,
    users,
    vault,
)
from api.cli.command import Command

GROUPS: Final = {
    "users": "the accounts of the platform",
    "source": "where data comes from, as sources.yml says",
    "governance": "what changed in columns, which tell of persons, what needs somebody",
    "deployments": "which versions of the project were put on this server",
    "metabase": "dashboards over the warehouse",
    "monitor": "the numbers that are watched, as monitors.yml says",
    "schedule": "what is done when, as schedules.yml says",
    "secrets": "the values that sources.yml names as ${NAME}",
    "vault": "the keys that secrets and personal data are sealed with",
    "backup": "copies of all that there is",
    "events": "the log of everything that happened",
    "projections": "the read models that are derived from the log",
}

COMMANDS: Final[tuple[Command, ...]] = (
    *projects.ROWS,
    *demo.ROWS,
    *syncs.ROWS,
    *models.ROWS,
    *queries.ROWS,
    *overview.ROWS,
    *doctor.ROWS,
    *deploying.ROWS,
    *metabase.ROWS,
    *users.ROWS,
    *sources.ROWS,
    *governance.ROWS,
    *schedules.ROWS,
    *monitors.ROWS,
    *secrets.ROWS,
    *vault.ROWS,
    *events.ROWS,
    *export.ROWS,
    *moves.ROWS,
    *projections.ROWS,
    *backups.ROWS,
    *agents.ROWS,
)
