"""What dbt-duckdb asks of us when it opens a connection; it finds this module by its name.

The engine is this process's own, with the warehouse attached already: so no profile holds a secret,
and nothing is loaded or attached twice.
"""

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from infra.warehouse.attach import LAKE

options: dict[str, str] = {}  # of the engine; set once, when the worker starts


class Plugin(BasePlugin):
    """One for each environment that dbt makes."""

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        """An engine is shared by those who want it with the same options alone."""
        del creds
        config.update(options)

    def configure_cursor(self, cursor: DuckDBPyConnection) -> None:
        """Models may name tables without the catalogue, as `raw_orders.orders`."""
        cursor.execute(f"USE {LAKE}")
