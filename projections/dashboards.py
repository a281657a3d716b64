"""Accounts in Metabase, and which of its databases is ours."""

from typing import Final

from domain import dashboards
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table

ACCOUNTS: Final = Table(
    name="dashboard_accounts",
    columns={"user_id": "TEXT NOT NULL", "account": "INTEGER NOT NULL"},
    key=("user_id",),
)
DATABASES: Final = Table(
    name="dashboard_databases",
    columns={"one": "INTEGER NOT NULL", "database": "INTEGER NOT NULL"},
    key=("one",),
)


def _opened(rows: Rows, e: dashboards.DashboardAccountOpened, _: Recorded) -> None:
    rows.put(ACCOUNTS, user_id=e.user_id, account=e.account)


def _closed(rows: Rows, e: dashboards.DashboardAccountClosed, _: Recorded) -> None:
    rows.remove(ACCOUNTS, user_id=e.user_id)


def _connected(rows: Rows, e: dashboards.DashboardsConnected, _: Recorded) -> None:
    rows.put(DATABASES, one=1, database=e.database)


PROJECTION: Final = Projection(
    name="dashboards",
    tables=(ACCOUNTS, DATABASES),
    on={
        dashboards.DashboardAccountOpened: _opened,
        dashboards.DashboardAccountClosed: _closed,
        dashboards.DashboardsConnected: _connected,
    },
)


def account(reader: Reader, user_id: str) -> int | None:
    """A user's account, or None."""
    row = reader.row("SELECT account FROM dashboard_accounts WHERE user_id = :id", id=user_id)
    return None if row is None else int(row[0])


def database(reader: Reader) -> int | None:
    """The database that is our warehouse, or None."""
    row = reader.row('SELECT "database" FROM dashboard_databases WHERE one = 1')
    return None if row is None else int(row[0])
