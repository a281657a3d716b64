"""Open the warehouse in a child process: extensions from their wheels, nothing downloaded."""

import errno
import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from commands import ports
from infra.warehouse import temporary
from infra.warehouse.quoting import literal
from infra.warehouse.settings import POSTGRES, S3, S3Access, Settings
from infra.workers import secrecy

LAKE = "lake"
MEMORY = ":memory:"
RETRIES_MAX = 50  # DuckLake's own, on conflicts in a PostgreSQL catalogue
SIGNED_ONLY = "SET GLOBAL allow_unsigned_extensions = false"
UNOPENED = "The warehouse could not be opened; the server's log says why."
FULL = "The disk is full."
FULL_WORDS = ("no space left on device", "database or disk is full")  # the system's, SQLite's

log = logging.getLogger("infra.warehouse")


def engine(settings: Settings, database: str = MEMORY) -> duckdb.DuckDBPyConnection:
    """Give an engine with all extensions loaded, and no others to be loaded but signed ones.

    Under a name of its own (`:memory:<name>`), the same process can open it a second time.
    """
    secrecy.hide(settings.secrets())
    connection = duckdb.connect(database, config={**options(settings)})
    for name in extensions(settings):
        connection.execute(f"LOAD {literal(str(extension_file(name)))}")
    connection.execute(SIGNED_ONLY)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute(f"SET GLOBAL ducklake_max_retry_count = {RETRIES_MAX}")
    if settings.s3 is not None:
        connection.execute(_secret(settings.s3))
    return connection


def options(settings: Settings) -> dict[str, str]:
    """Give the engine's own settings: nothing is downloaded, nothing read by accident."""
    folder = str(temporary.own_folder(settings))
    return {
        "autoload_known_extensions": "false",
        "autoinstall_known_extensions": "false",
        "allow_community_extensions": "false",
        # Until ours are loaded: the lock file pins their hashes, and to check the signatures of 70
        # MB again would cost every worker 0.4 s.
        "allow_unsigned_extensions": "true",
        # The PostgreSQL extension fails when there is no store for secrets; it is given an empty
        # one.
        "allow_persistent_secrets": str(not settings.embedded).lower(),
        "secret_directory": f"{folder}/secrets",
        "python_enable_replacements": "false",
        "home_directory": folder,
        "temp_directory": folder,
        "max_temp_directory_size": f"{settings.temp_bytes_max}B",
        "memory_limit": f"{settings.memory_bytes_max}B",
        "threads": str(settings.threads),
    }


@contextmanager
def attached(
    base: duckdb.DuckDBPyConnection,
    settings: Settings,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection of its own with the warehouse attached for writing, for one task."""
    with base.cursor() as connection:
        _attach(connection, settings)
        try:
            yield connection
        finally:
            connection.close()  # ends a transaction that an error left open
            base.execute(f"DETACH {LAKE}")


def connect(
    settings: Settings,
    *,
    read_only: bool = False,
    snapshot: int | None = None,
    name: str = LAKE,
) -> duckdb.DuckDBPyConnection:
    """Give an engine with the warehouse attached as `name`, as of `snapshot` when given."""
    connection = engine(settings)
    _attach(connection, settings, read_only=read_only, snapshot=snapshot, name=name)
    return connection


def extensions(settings: Settings) -> list[str]:
    """Name the extensions in the order in which they must be loaded."""
    catalog = "sqlite_scanner" if settings.embedded else "postgres_scanner"
    data = ["httpfs"] if settings.data.startswith(S3) else []
    return [catalog, *data, "ducklake"]


def extension_file(name: str) -> Path:
    """Find the extension of this engine's version in its wheel."""
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    for folder in (spec and spec.submodule_search_locations) or ():
        version = f"v{duckdb.__version__}"
        path = Path(folder) / "extensions" / version / f"{name}.duckdb_extension"
        if path.is_file():
            return path
    wheel = f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
    raise ports.WorkFailed(f"Install {wheel}: the warehouse settings need it.")


def attach_sql(
    settings: Settings,
    *,
    read_only: bool = False,
    snapshot: int | None = None,
    name: str = LAKE,
) -> str:
    """Give the statement that attaches the warehouse as `name`."""
    options = [
        f"DATA_PATH {literal(settings.data)}",
        # The project may have been moved; the catalogue remembers where it was made.
        "OVERRIDE_DATA_PATH true",
        "DATA_INLINING_ROW_LIMIT 0",
    ]
    if settings.embedded:
        source = f"ducklake:sqlite:{settings.catalog}"
        options += ["META_JOURNAL_MODE 'WAL'", f"META_BUSY_TIMEOUT {settings.busy_timeout_ms}"]
    else:
        source = f"ducklake:postgres:{settings.catalog.removeprefix(POSTGRES)}"
    if read_only:
        options.append("READ_ONLY")
    if snapshot is not None:
        options.append(f"SNAPSHOT_VERSION {int(snapshot)}")
    return f"ATTACH {literal(source)} AS {name} ({', '.join(options)})"


def _attach(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    *,
    read_only: bool = False,
    snapshot: int | None = None,
    name: str = LAKE,
) -> None:
    """Attach the warehouse. Raises WorkFailed; WorkRefused when there is no such snapshot.

    The engine's complaint repeats the whole connection string, so it goes to the log alone.
    """
    try:
        statement = attach_sql(settings, read_only=read_only, snapshot=snapshot, name=name)
        connection.execute(statement)
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.InvalidInputException, duckdb.BinderException) as error:
        if snapshot is None:
            raise _unopened(error) from None
        reason = f"The warehouse has no snapshot {snapshot} any more."
        raise ports.WorkRefused(reason, snapshot=snapshot) from None
    except duckdb.Error as error:
        raise _unopened(error) from None


def is_full(error: Exception) -> bool:
    """Tell whether there was no room for what was to be written."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOSPC
    return any(words in str(error).lower() for words in FULL_WORDS)


def _unopened(error: duckdb.Error) -> ports.WorkFailed:
    log.warning("the warehouse could not be opened: %s", secrecy.hidden(str(error)))
    return ports.WorkFailed(FULL if is_full(error) else UNOPENED)


def _secret(access: S3Access) -> str:
    fields = {
        "KEY_ID": literal(access.key),
        "SECRET": literal(access.secret),
        "REGION": literal(access.region),
        "URL_STYLE": literal(access.url_style),
        "USE_SSL": str(access.use_ssl).lower(),
    }
    if access.endpoint:
        fields["ENDPOINT"] = literal(access.endpoint)
    listed = ", ".join(f"{name} {value}" for name, value in fields.items())
    return f"CREATE SECRET warehouse (TYPE s3, {listed})"
