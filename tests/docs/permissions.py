"""The page about permissions: who may what, and what each kind of caller is answered."""

from collections.abc import Mapping
from typing import Final

from api.routes import ROUTES
from api.table import Route
from domain.permissions import PERMISSIONS, Role
from tests.docs import shapes, ways_in
from tests.server.principals import PRINCIPALS, demanded

# A column of the matrix: its head, and whom it stands for.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "nobody here": (
        "anonymous, local",
        "expired session",
        "revoked session",
        "session of a deactivated owner",
        "garbage session",
    ),
    "nobody elsewhere": ("anonymous, forwarded",),
    "partial": ("partial session",),
    "password due": ("password to be changed",),
    "factor due": ("second factor to be set up",),
    **{str(role.value): (f"session of {role}",) for role in Role},
    **{f"{role.value}'s key": (f"key of {role}",) for role in Role},
    "narrowed key": ("narrowed key",),
    "bad key": (
        "expired key",
        "revoked key",
        "key of a deactivated owner",
        "garbage key",
        "basic credentials",
    ),
}


def permissions() -> str:
    """docs/reference/permissions.md."""
    names = sorted(set().union(*PERMISSIONS.values()))
    rows: list[tuple[object, ...]] = [
        (
            f"`{name}`",
            *("yes" if name in PERMISSIONS[role] else "" for role in Role),
            ", ".join(f"`{r.method} {ways_in.path(r)}`" for r in ROUTES if r.access == name),
        )
        for name in names
    ]
    return "\n\n".join(
        [
            "# Permissions",
            (
                f"{len(Role)} roles, {len(names)} permissions, one table in"
                " `domain/permissions.py`. A permission without a route belongs to a capability"
                " that is still to come. An API key has its owner's permissions at the moment of"
                " use."
            ),
            shapes.table(("permission", *(role.value for role in Role), "routes today"), rows),
            "## Routes that demand no permission",
            shapes.table(
                ("access", "routes"),
                [
                    (
                        access,
                        ", ".join(
                            f"`{r.method} {ways_in.path(r)}`" for r in ROUTES if r.access == access
                        ),
                    )
                    for access in ways_in.ACCESS
                ],
            ),
            "## Who is answered what",
            (
                "What the guard says to each kind of caller, with the settings as they are by"
                " default; a server is started and asked every cell of it by the tests. *nobody"
                " here*: anonymous on this machine, or with a session that is expired, revoked,"
                " made up, or of a deactivated user. *partial*: the password was right, the second"
                " factor is due. *password due* and *factor due*: sessions of an admin who must"
                " first change the password, or set up the second factor that"
                " `auth.require_2fa` demands. *narrowed key*: of an admin, for `query.execute`"
                " alone. *bad key*: expired, revoked, made up, or of a deactivated user."
            ),
            shapes.table(("route", *COLUMNS), [_cells(route) for route in ROUTES]),
        ]
    )


def _cells(route: Route) -> tuple[object, ...]:
    """A row: the status of each refusal, `yes` where there is none."""
    cells = []
    for names in COLUMNS.values():
        (cell,) = {demanded(route, PRINCIPALS[name]) for name in names}  # they are alike
        cells.append(cell or "yes")
    return (f"`{route.method} {ways_in.path(route)}`", *cells)
