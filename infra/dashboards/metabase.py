"""Metabase's published interface, as far as we need it.

https://www.metabase.com/docs/latest/api/session (POST, DELETE /api/session),
https://www.metabase.com/docs/latest/api/user (POST /api/user, PUT /api/user/:id/password and
/reactivate, DELETE /api/user/:id), https://www.metabase.com/docs/latest/api/database (GET, POST),
https://www.metabase.com/docs/latest/api/setting (PUT), https://www.metabase.com/docs/latest/api/setup
(POST /api/setup, with the token of GET /api/session/properties); rights: rights.py. The database is
what the DuckDB driver takes: https://github.com/motherduckdb/metabase_duckdb_driver. It was not run
against Metabase.
"""

import asyncio
import time
from typing import Any, Final

from commands.ports import UpstreamFailed
from infra.configuration.metabase import AdminBlock
from infra.dashboards import rights
from infra.dashboards.client import DOWN, WRONG, Client, number
from infra.warehouse.quoting import literal
from infra.warehouse.settings import Settings

HEALTH_S: Final = 1.0
HEALTH_KEPT_S: Final = 15.0  # so long an answer about its health counts
NAME: Final = "Dango"  # of the database there
SUFFIX: Final = "-aA1"  # whatever Metabase wants of a password, it is in there
REMOTE: Final = (
    "Only a warehouse that lies in the project can be connected by itself: connect it in Metabase,"
    " and name it in metabase.yml (database: {id: …})."
)


class Metabase:
    """Implements `Dashboards` of commands."""

    def __init__(
        self,
        url: str,
        admin: AdminBlock | None,
        warehouse: Settings,
        database: int | None = None,
    ) -> None:
        """`database` is our warehouse there, when metabase.yml names it."""
        self._client, self._warehouse, self._named = Client(url, admin), warehouse, database
        self._health: tuple[float, bool] | None = None

    @property
    def url(self) -> str:
        """As the port says."""
        return self._client.url

    @property
    def bridged(self) -> bool:
        """As the port says."""
        return self._client.admin is not None

    async def healthy(self) -> bool:
        """As the port says."""
        now = time.monotonic()
        if self._health is None or now - self._health[0] > HEALTH_KEPT_S:
            try:
                async with asyncio.timeout(HEALTH_S):
                    status, _ = await self._client.call("GET", "/api/health")
            except (UpstreamFailed, TimeoutError):
                status = 0
            self._health = time.monotonic(), status == 200  # noqa: PLR2004
        return self._health[1]

    async def open(self, email: str, password: str) -> int:
        """As the port says."""
        body = {"email": email, "first_name": NAME, "last_name": email.partition("@")[0][-8:]}
        status, made = await self._client.ask("POST", "/api/user", body, taken=(WRONG,))
        if status == WRONG:  # ours of before: nobody else has such an address
            made = await self._found(email)
        account = number(made)
        if isinstance(made, dict) and made.get("is_active") is False:
            await self._client.ask("PUT", f"/api/user/{account}/reactivate", {})
        given = {"password": password + SUFFIX}
        await self._client.ask("PUT", f"/api/user/{account}/password", given)
        return account

    async def admit(self, account: int, *, asks: bool) -> None:
        """As the port says."""
        await rights.admit(self._client, account, asks=asks)

    async def close(self, account: int) -> None:
        """As the port says."""
        await self._client.ask("DELETE", f"/api/user/{int(account)}", None, taken=(404,))

    async def log_in(self, email: str, password: str) -> str:
        """As the port says."""
        return await self._client.log_in(email, password + SUFFIX)

    async def log_out(self, session: str) -> None:
        """As the port says."""
        named = {"metabase-session-id": session}
        await self._client.call("DELETE", "/api/session", named, session)

    async def connect(self, site_url: str) -> int:
        """As the port says."""
        await self._client.set_up()
        await self._client.ask("PUT", "/api/setting/site-url", {"value": site_url})
        database = await self._database()
        await rights.close(self._client, database)
        return database

    async def _found(self, email: str) -> Any:
        rows = await self._client.rows(f"/api/user?status=all&query={email}")
        row = next((each for each in rows if each.get("email") == email), None)
        if row is None:
            raise UpstreamFailed(DOWN)
        return row

    async def _database(self) -> int:
        """Our warehouse as one of its databases: the one that is named, or ours of before."""
        known = await self._client.rows("/api/database")
        if self._named is not None:
            if self._named not in (each.get("id") for each in known):
                raise UpstreamFailed(f"Metabase has no database {self._named} (metabase.yml).")
            return self._named
        if self._warehouse.remote:
            raise UpstreamFailed(REMOTE)
        for each in known:
            if each.get("name") == NAME and each.get("engine") == "duckdb":
                return number(each)
        body = {"name": NAME, "engine": "duckdb", "details": _details(self._warehouse)}
        _, made = await self._client.ask("POST", "/api/database", body)
        return number(made)


def _details(settings: Settings) -> dict[str, Any]:
    """What the driver opens: an empty database in memory, with our warehouse beside it."""
    source = literal(f"ducklake:sqlite:{settings.catalog}")
    attach = f"ATTACH {source} AS lake (READ_ONLY, DATA_PATH {literal(settings.data)})"
    return {
        "database_file": ":memory:",
        "read_only": False,
        "init_sql": f"INSTALL sqlite; INSTALL ducklake; {attach}; USE lake;",
    }
