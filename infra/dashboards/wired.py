"""Metabase, wired: where it is, and the policy over the sessions in it."""

from typing import TypeVar

import msgspec

from commands.kernel import Bus, Secrets
from commands.policies.dashboards import DashboardPolicy
from domain import dashboards as rules
from infra.configuration import metabase as configuration
from infra.configuration.project import Settings
from infra.dashboards.metabase import Metabase
from infra.ids import new_token
from infra.project import Project
from infra.views.views import Views
from infra.warehouse.settings import Settings as WarehouseSettings
from projections import dashboards, users

T = TypeVar("T", bound=msgspec.Struct)  # the settings of HTTP, which only the root may name


def metabase(project: Project, settings: Settings, warehouse: WarehouseSettings) -> Metabase | None:
    """What metabase.yml says; None without it. Raises Unreadable."""
    found = configuration.read(project.folder)
    if found is None:
        return None
    url = found.metabase_url or f"http://localhost:{settings.platform.metabase_port}"
    return Metabase(url, found.admin, warehouse, found.database.id)


def told(http: T, project: Project, found: Metabase | None) -> T:
    """The settings of HTTP, with where Metabase is and which of its databases the file names."""
    named = configuration.read(project.folder)
    if found is None or named is None:
        return http
    return msgspec.structs.replace(
        http, metabase_url=found.url, metabase_database=named.database.id
    )


def policy(bus: Bus, found: Metabase | None, secrets: Secrets, views: Views) -> DashboardPolicy:
    """What begins and ends sessions in it."""

    def asks(user_id: str) -> bool:
        found = users.one(views.current, user_id)
        return found is not None and found.active and rules.may_ask(found.role)

    return DashboardPolicy(
        bus,
        found,
        secrets,
        new_token=new_token,
        account=lambda user: dashboards.account(views.current, user),
        asks=asks,
    )
