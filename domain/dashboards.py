"""Dashboards live in Metabase, a server of its own; what of it is ours is told here.

Invariants: a user has one account there, which we made and whose password nobody knows but the
vault; one database there is our warehouse. Metabase knows no masks: who may not see everything here
asks nothing there.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec

from domain import permissions, users
from domain.kernel import Boundary, Clause, Event, Recorded, about
from domain.permissions import Role
from domain.users import UserId

STREAM: Final = "dashboards"
ASKS: Final = ("query.execute", "pii.view")  # what it takes to ask the warehouse there


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class DashboardAccountOpened(Event, frozen=True, kw_only=True, tag="dashboard_account_opened"):
    """A user got an account in Metabase."""

    permission: ClassVar[str] = "audit.view"
    user_id: UserId
    account: int  # Metabase's id of it

    def stream(self) -> str:
        return users.tag(self.user_id)


class DashboardAccountClosed(Event, frozen=True, kw_only=True, tag="dashboard_account_closed"):
    """A user's account in Metabase was deactivated."""

    permission: ClassVar[str] = "audit.view"
    user_id: UserId
    account: int

    def stream(self) -> str:
        return users.tag(self.user_id)


class DashboardsConnected(Event, frozen=True, kw_only=True, tag="dashboards_connected"):
    """Metabase knows our warehouse as one of its databases."""

    permission: ClassVar[str] = "dashboard.view"
    database: int  # Metabase's id of it

    def stream(self) -> str:
        return STREAM


ACCOUNTS: Final = (DashboardAccountOpened, DashboardAccountClosed)
EVENTS: Final[tuple[type[Event], ...]] = (*ACCOUNTS, DashboardsConnected)


class Dashboards(msgspec.Struct, frozen=True):
    """Whose account is which, and which database is ours."""

    accounts: Mapping[UserId, int] = {}
    database: int | None = None


def evolve(state: Dashboards, recorded: Recorded) -> Dashboards:
    """Fold one event."""
    match recorded.event:
        case DashboardAccountOpened(user_id=user, account=account):
            return Dashboards({**state.accounts, user: account}, state.database)
        case DashboardAccountClosed(user_id=user):
            left = {name: value for name, value in state.accounts.items() if name != user}
            return Dashboards(left, state.database)
        case DashboardsConnected(database=database):
            return Dashboards(state.accounts, database)
        case _:
            return state


def may_ask(role: Role) -> bool:
    """Whether a role asks the warehouse in Metabase; all others see what was saved there."""
    return all(permissions.may(role, name) for name in ASKS)


def of_user(user_id: UserId) -> Boundary:
    """A user's account."""
    return (Clause(ACCOUNTS, (users.tag(user_id),)),)


def whole() -> Boundary:
    """What is about all."""
    return about(STREAM)


def open_account(state: Dashboards, user_id: UserId, account: int) -> list[Event]:
    """Note whose account it is; a newer one stands for an older one."""
    if state.accounts.get(user_id) == account:
        return []
    return [DashboardAccountOpened(user_id=user_id, account=account)]


def close_account(state: Dashboards, user_id: UserId) -> list[Event]:
    """Note that a user has none any more."""
    account = state.accounts.get(user_id)
    return [] if account is None else [DashboardAccountClosed(user_id=user_id, account=account)]


def connect(state: Dashboards, database: int) -> list[Event]:
    """Note which database is ours."""
    return [] if state.database == database else [DashboardsConnected(database=database)]
