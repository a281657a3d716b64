"""Who may do what: three roles, thirty permissions, one table."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a user is; each role has all that the one before it has."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


_VIEWER: Final = frozenset(
    {
        "source.view",
        "dbt.view",
        "dashboard.view",
        "health.view",
        "logs.view",
        "notebooks.view",
        "scheduler.view",
        "governance.view",
    }
)
_EDITOR: Final = _VIEWER | {
    "source.sync",
    "source.manage",
    "csv.upload",
    "csv.delete",
    "dbt.run",
    "dbt.manage",
    "dashboard.create",
    "query.execute",
    "config.view",
    "notebooks.execute",
    "pii.view",
}
_ADMIN: Final = _EDITOR | {
    "notebooks.manage",
    "source.view_credentials",
    "dashboard.manage",
    "platform.manage",
    "config.manage",
    "users.view",
    "users.manage",
    "auth.manage",
    "audit.view",
    "governance.manage",
    "scheduler.manage",
}

PERMISSIONS: Final[dict[Role, frozenset[str]]] = {
    Role.VIEWER: _VIEWER,
    Role.EDITOR: _EDITOR,
    Role.ADMIN: _ADMIN,
}


EVERY: Final = _ADMIN  # an admin has all there are


def may(role: Role, permission: str) -> bool:
    """Whether the role has the permission."""
    return permission in PERMISSIONS[role]
