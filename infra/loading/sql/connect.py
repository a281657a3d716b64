"""Opening a source's database: which driver, for how long, and what its refusals mean."""

import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from sqlalchemy import exc

from commands import ports
from domain.source_types.databases import DatabaseBlock, SqliteBlock
from domain.source_types.files import OUTSIDE, of_people
from infra.loading import told
from infra.workers import secrecy

CONNECT_S = 15
BATCH_ROWS = 20_000  # read and converted at once
SAID_CHARS_MAX = 300
# The drivers that come along; others are used when the user has installed them.
DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
DIALECTS = {"postgres": ("postgresql",), "mysql": ("mysql", "mariadb")}
# What will not pass by itself, in the words of PostgreSQL and MariaDB.
HOPELESS = (
    "password authentication failed",
    "access denied",
    "does not exist",
    "unknown database",
    "no pg_hba.conf entry",
    "no password supplied",
    "permission denied",
    "command denied",
)


def block(load: ports.Load) -> DatabaseBlock | SqliteBlock:
    """Give the block of a load."""
    if load.type == "sqlite":
        return told.block(load, SqliteBlock)
    quote = urllib.parse.quote
    # A secret is a part of the URL, unless it is the URL.
    whole = load.options.get("credentials", "")
    spell = (lambda value: quote(value, safe="")) if "://" in str(whole) else str
    return told.block(load, DatabaseBlock, spell=spell)


@contextmanager
def opened(load: ports.Load) -> Iterator[sqlalchemy.Connection]:
    """Give a connection that reads. Raises WorkRefused, WorkFailed."""
    engine = sqlalchemy.create_engine(_url(load), poolclass=sqlalchemy.NullPool, **_options(load))
    try:
        with engine.connect() as connection:
            yield connection.execution_options(**_reading(engine.dialect.name))
    except exc.NoSuchTableError as error:
        raise ports.WorkRefused(f"There is no table '{error}'.") from None
    except exc.SQLAlchemyError as error:
        raise _failure(error) from None
    finally:
        engine.dispose()


def _url(load: ports.Load) -> sqlalchemy.URL:
    read = block(load)
    if isinstance(read, SqliteBlock):
        return _file(load, read.path)
    try:
        url = sqlalchemy.make_url(read.credentials)
    except exc.ArgumentError:
        raise ports.WorkRefused("credentials are no URL like postgresql://user@host/db.") from None
    secrecy.hide(one for one in (url.password, read.credentials) if one)
    dialect = url.get_backend_name()
    wanted = DIALECTS.get(load.type)
    if wanted is not None and dialect not in (*wanted, load.type):
        raise ports.WorkRefused(f"credentials must begin with {wanted[0]}://, not {dialect}://.")
    if dialect == "sqlite":
        return _file(load, url.database or "")
    url = url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
    try:
        url.get_dialect()
    except exc.NoSuchModuleError:
        raise ports.WorkRefused(f"No driver is installed for {dialect}:// databases.") from None
    return url


def _file(load: ports.Load, path: str) -> sqlalchemy.URL:
    """The database file, which lies in the project, whatever links lead to it."""
    root = Path(load.root).resolve()
    file = (root / path).resolve()
    if not file.is_relative_to(root) or not of_people(str(file.relative_to(root))):
        raise ports.WorkRefused(f"The database file {OUTSIDE}.")
    if not file.is_file():
        raise ports.WorkRefused(f"There is no file {path}.")
    # Read-only, so that looking makes no journal beside it.
    query = {"mode": "ro", "uri": "true"}
    quoted = urllib.parse.quote(str(file))
    return sqlalchemy.URL.create("sqlite", database=f"file:{quoted}", query=query)


def _options(load: ports.Load) -> dict[str, object]:
    if load.type == "sqlite" or _url(load).get_backend_name() not in (
        "postgresql",
        "mysql",
        "mariadb",
    ):
        return {}
    return {"connect_args": {"connect_timeout": CONNECT_S}}


def _reading(dialect: str) -> dict[str, object]:
    options: dict[str, object] = {"stream_results": True, "yield_per": BATCH_ROWS}
    if dialect == "postgresql":
        # One picture of all tables, and no chance to write.
        options |= {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
    return options


def _failure(error: exc.SQLAlchemyError) -> ports.WorkFailed:
    original = getattr(error, "orig", None)
    said = " ".join(secrecy.hidden(str(original or error)).split())[:SAID_CHARS_MAX]
    reason = f"The database says: {said.rstrip('.')}."
    may_pass = isinstance(error, exc.OperationalError | exc.InterfaceError | exc.TimeoutError)
    if may_pass and not any(words in said.lower() for words in HOPELESS):
        return ports.WorkFailed(reason, transient=True)
    return ports.WorkRefused(reason)
