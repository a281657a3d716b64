"""The intents around dashboards."""

from collections.abc import Sequence
from typing import Any, Final, assert_never

from commands.kernel import Command, Forget, Keep
from domain import dashboards
from domain.kernel import Boundary, Decider, Event
from domain.users import UserId

PASSWORD: Final = "dashboard_password"  # noqa: S105 - the vault's kind of it


class OpenDashboardAccount(Command, frozen=True, kw_only=True):
    """A user has an account from now on; its password goes to the vault."""

    user_id: UserId
    account: int
    password: str

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Keep(PASSWORD, self.user_id, self.password.encode(), owner=self.user_id),)


class CloseDashboardAccount(Command, frozen=True, kw_only=True):
    """A user has no account any more."""

    user_id: UserId

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Forget(PASSWORD, self.user_id),)


class ConnectDashboards(Command, frozen=True, kw_only=True):
    """Metabase knows our warehouse."""

    database: int


DashboardCommand = OpenDashboardAccount | CloseDashboardAccount | ConnectDashboards


def boundary(command: DashboardCommand) -> Boundary:
    """What counts."""
    if isinstance(command, ConnectDashboards):
        return dashboards.whole()
    return dashboards.of_user(command.user_id)


def decide(state: dashboards.Dashboards, command: DashboardCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case OpenDashboardAccount():
            return dashboards.open_account(state, command.user_id, command.account)
        case CloseDashboardAccount():
            return dashboards.close_account(state, command.user_id)
        case ConnectDashboards():
            return dashboards.connect(state, command.database)
        case _:
            assert_never(command)


_DECIDER: Final = Decider(
    initial=dashboards.Dashboards(),
    boundary=boundary,
    evolve=dashboards.evolve,
    decide=decide,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    OpenDashboardAccount: _DECIDER,
    CloseDashboardAccount: _DECIDER,
    ConnectDashboards: _DECIDER,
}
