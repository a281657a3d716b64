"""Tables of the warehouse: what there is, and replacing one's content by staged files."""

import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import msgspec

from commands import ports
from domain.datasets import Column, Table
from infra import durable
from infra.warehouse.attach import LAKE
from infra.warehouse.quoting import PLAIN_NAME, identifier, literal
from infra.warehouse.settings import OWN, S3, Settings


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """A table's full name; only plain ones, because folders are called after them."""

    schema: str
    table: str

    def __post_init__(self) -> None:
        """Refuse names that DuckLake would not use as folder names."""
        for part in (self.schema, self.table):
            if not PLAIN_NAME.fullmatch(part):
                reason = f"'{part}' cannot name a schema or table: use letters, digits, _ and -."
                raise ports.WorkRefused(reason)

    @property
    def sql(self) -> str:
        """The quoted name, in the lake."""
        return f"{LAKE}.{identifier(self.schema)}.{identifier(self.table)}"


def staged_path(settings: Settings, name: Name) -> str:
    """Give a new path for a file that is to become part of the table.

    It lies in the table's own folder, so that the catalogue keeps it relative to that, and so that
    maintenance finds it as an orphan when the load dies before its commit.
    """
    folder = f"{settings.data.rstrip('/')}/{name.schema}/{name.table}"
    if not settings.data.startswith(S3):
        Path(folder).mkdir(parents=True, exist_ok=True)
    return f"{folder}/ducklake-{uuid.uuid4()}.parquet"


def sync(settings: Settings, paths: Sequence[str]) -> None:
    """Bring staged files to the disk, and the names by which they are found.

    Call it before the commit that refers to them: the catalogue syncs its own file, and after a
    power loss must not know of files that are not there. Raises WorkFailed.
    """
    if settings.data.startswith(S3):
        return
    data, made = Path(settings.data), {Path(path) for path in paths}
    # The folders may be new too, up to the one that all tables share.
    above = {folder for path in made for folder in path.parents if folder.is_relative_to(data)}
    for each in (*made, *above):
        try:
            durable.sync(each)
        except OSError as error:
            reason = f"What was loaded could not be brought to the disk: {error.strerror}."
            raise ports.WorkFailed(reason) from error


def sync_fresh(settings: Settings, schemas: Collection[str], since: float) -> None:
    """Bring to the disk what the engine itself has written into the tables' folders by now.

    Rows that a statement inserts, and lists of rows that it deletes, become files before the commit
    that refers to them, and the engine syncs none. `since` is in seconds of the clock of files;
    a folder that is older has no new file. Only of the schemas that the commit is about: in others
    loads may be at work, on files that nobody is to wait for. Raises WorkFailed.
    """
    if settings.data.startswith(S3):
        return
    data = Path(settings.data)
    folders = [each for schema in schemas for each in (data / schema).glob("*/")]
    files = [file for each in folders if _fresh(each, since) for file in each.iterdir()]
    sync(settings, [str(file) for file in files if _fresh(file, since)])


def _fresh(path: Path, since: float) -> bool:
    return path.stat().st_mtime >= since


@contextmanager
def one_state(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Read all within of one commit; the catalogue is then read once, not for each statement."""
    connection.begin()
    try:
        yield
    finally:
        connection.rollback()


def columns(connection: duckdb.DuckDBPyConnection, name: Name) -> tuple[Column, ...]:
    """Give the table's columns in their order, none when there is no such table."""
    return described(connection, name.sql)


def described(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Column, ...]:
    """Give the columns of a table by its quoted name; none when there is no such table.

    The engine's lists of all tables and columns (`duckdb_columns()`) look into each table that
    there is; this looks at one.
    """
    try:
        rows = connection.execute(f"DESCRIBE {sql}").fetchall()
    except duckdb.CatalogException:
        return ()
    return tuple(Column(name=row[0], type=row[1]) for row in rows)


def names(connection: duckdb.DuckDBPyConnection, schema: str) -> tuple[str, ...]:
    """List the tables of a schema, but for those that hold no input: their names begin with _."""
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name = ?"
        " AND NOT starts_with(table_name, '_') ORDER BY table_name",
        [LAKE, schema],
    ).fetchall()
    return tuple(name for (name,) in rows)


def row_count(connection: duckdb.DuckDBPyConnection, name: Name) -> int:
    """Count the rows; 0 when there is no such table."""
    if not columns(connection, name):
        return 0
    row = connection.execute(f"SELECT count(*) FROM {name.sql}").fetchone()  # noqa: S608 - quoted
    return 0 if row is None else int(row[0])


def replace(
    connection: duckdb.DuckDBPyConnection,
    name: Name,
    wanted: Sequence[Column],
    paths: Sequence[str],
) -> None:
    """Make the staged files the table's whole content; call it inside of `commit`.

    A table of the same columns is kept, so that its row-level history goes on; otherwise it is made
    anew under the same name.
    """
    if columns(connection, name) == tuple(wanted):
        connection.execute(f"DELETE FROM {name.sql}")  # noqa: S608 - quoted
    else:
        create(connection, name, wanted)
    add(connection, name, paths)


def create(connection: duckdb.DuckDBPyConnection, name: Name, wanted: Sequence[Column]) -> None:
    """Make an empty table, in the place of any of this name; call it inside of `commit`."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {LAKE}.{identifier(name.schema)}")
    listed = ", ".join(f"{identifier(column.name)} {column.type}" for column in wanted)
    connection.execute(f"CREATE OR REPLACE TABLE {name.sql} ({listed})")


def add(connection: duckdb.DuckDBPyConnection, name: Name, paths: Sequence[str]) -> None:
    """Add staged files, which may lack columns; call it inside of `commit`."""
    for path in paths:
        connection.execute(
            f"CALL ducklake_add_data_files({literal(LAKE)}, {literal(name.table)}, "
            f"{literal(path)}, schema => {literal(name.schema)}, allow_missing => true)",
        )


def every(connection: duckdb.DuckDBPyConnection) -> tuple[Table, ...]:
    """List all tables with columns and numbers of rows, but for the program's own."""
    rows = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables()"
        " WHERE database_name = ? AND schema_name <> ? ORDER BY ALL",
        [LAKE, OWN],
    ).fetchall()
    return tuple(table(connection, schema, name) for schema, name in rows)


def table(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str, *, snapshot: int | None = None
) -> Table:
    """Describe one table, as of a snapshot when given.

    Unlike `Name`, of whatever spelling: models may have other names.
    """
    sql = f"{LAKE}.{identifier(schema)}.{identifier(name)}"
    if snapshot is not None:
        sql += f" AT (VERSION => {int(snapshot)})"
    lines = connection.execute(f"DESCRIBE SELECT * FROM {sql}").fetchall()  # noqa: S608 - quoted
    row = connection.execute(f"SELECT count(*) FROM {sql}").fetchone()  # noqa: S608 - quoted
    return Table(
        schema=schema,
        name=name,
        row_count=0 if row is None else int(row[0]),
        columns=tuple(Column(name=line[0], type=line[1]) for line in lines),
    )
