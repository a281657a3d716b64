"""A connection that can read the warehouse and nothing else.

What it refuses by itself: every file outside the data folder, ATTACH of such, INSTALL, LOAD,
settings, writing to the warehouse. What it does not refuse, and why the gate and the worker's
limits exist: `read_parquet` and `glob` on the data folder and the virtual column `filename`;
`COPY … TO` a file inside it; the catalogue's own tables, `sqlite_scan` on it, and attaching it once
more (RLIMIT_FSIZE 0 stops each write); the engine's settings and memory tables, profiling,
temporary tables, and functions that cannot be interrupted. A test keeps this list true.
"""

import duckdb
import msgspec

from infra.querying import messages
from infra.querying.relations import Published, Relation
from infra.querying.settings import Settings
from infra.warehouse import attach
from infra.warehouse.quoting import literal
from infra.warehouse.settings import OWN

CATALOG = attach.LAKE
# What the warehouse is called where views stand before its tables; no statement may say it.
BEHIND_MASKS = "lake_behind_masks"
NO_SCHEMAS_OF_USERS = ("information_schema", "pg_catalog", OWN)
LATE_THREADS = 1  # once the worker is warm, RLIMIT_NPROC 0 forbids it to start threads


def open_reader(
    settings: Settings,
    *,
    snapshot: int | None = None,
    threads: int | None = None,
    masked: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Attach the warehouse as of now, or as of a commit, and lock everything else away.

    `masked`: under its name there is an empty database in memory, for `masks` to fill.
    """
    bounded = msgspec.structs.replace(
        settings.warehouse,
        memory_bytes_max=settings.memory_bytes_max,
        threads=threads or settings.threads,
    )
    messages.hide_places(bounded.places())
    name = BEHIND_MASKS if masked else CATALOG
    con = attach.connect(bounded, read_only=True, snapshot=snapshot, name=name)
    if masked:
        con.execute(f"ATTACH ':memory:' AS {CATALOG}")
    con.execute(f"USE {CATALOG}")
    con.execute("SET temp_directory = ''")  # nothing spills: the worker may not write files
    con.execute(f"SET allowed_directories = [{literal(bounded.data)}]")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def current_snapshot(con: duckdb.DuckDBPyConnection, source: str = CATALOG) -> int:
    """Give the commit that this transaction sees."""
    row = con.execute(f"FROM ducklake_current_snapshot('{source}')").fetchone()
    return int(row[0]) if row else 0


def published(con: duckdb.DuckDBPyConnection, source: str = CATALOG) -> Published:
    """List all tables and views of users, as this transaction sees them."""
    rows = con.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ?",
        [source],
    ).fetchall()
    relations = (Relation(*row) for row in rows if row[0] not in NO_SCHEMAS_OF_USERS)
    return Published(CATALOG, relations, source=source)
