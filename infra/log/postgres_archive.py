"""Logs in PostgreSQL for who only reads them: a connection of its own for each call.

A place is a libpq URL, `#`, and the name of a schema, which holds the tables of one log.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from infra.log.port import Beside, Link, Place, Row
from infra.log.recorder import all_beside, counted

CONNECT_TIMEOUT_S: Final = 5
READ_TIMEOUT_S: Final = 60  # of one statement on the event loop's behalf
WALK_TIMEOUT_S: Final = 600  # of one statement of a worker; verification reads all tags in one
PAGE_ROWS: Final = 2_000  # how many rows a streaming read holds at once
SCHEMA: Final = "dango"
ERRORS: Final[tuple[type[Exception], ...]] = (psycopg.Error,)

# After so long without an answer a peer counts as gone, and what it held is free again.
_ALIVE: Final[dict[str, Any]] = {
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}
_UNTAGGED: Final = """
SELECT min(e.position) FROM events e,
  jsonb_array_elements_text(convert_from(e.tags, 'UTF8')::jsonb) named(value)
WHERE NOT EXISTS (
  SELECT 1 FROM event_tags t WHERE t.tag = named.value AND t.type = e.type
  AND t.position = e.position)
"""
_STRAY: Final = """
SELECT min(t.position) FROM event_tags t WHERE NOT EXISTS (
  SELECT 1 FROM events e,
    jsonb_array_elements_text(convert_from(e.tags, 'UTF8')::jsonb) named(value)
  WHERE e.position = t.position AND e.type = t.type AND named.value = t.tag)
"""

Connection = psycopg.Connection[tuple[Any, ...]]


def split(place: Place) -> tuple[str, str]:
    """The URL and the name of the schema."""
    url, _, schema = str(place).rpartition("#")
    return (url, schema) if url else (schema, SCHEMA)


def key(schema: str) -> int:
    """The number of the advisory lock of a log."""
    digest = hashlib.sha256(f"dango log {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def connect(place: Place, *, timeout_s: int, settings: dict[str, str] | None = None) -> Connection:
    """A connection on which every statement ends by itself."""
    url, schema = split(place)
    connection = psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_S,
        client_encoding="utf8",
        application_name="dango",
        **_ALIVE,
    )
    session = {
        "search_path": f'"{schema}"',
        "statement_timeout": f"{timeout_s}s",
        "client_min_messages": "warning",
        "tcp_keepalives_idle": str(_ALIVE["keepalives_idle"]),
        "tcp_keepalives_interval": str(_ALIVE["keepalives_interval"]),
        "tcp_keepalives_count": str(_ALIVE["keepalives_count"]),
        "default_transaction_isolation": "read committed",
        "default_transaction_read_only": "on",
        **(settings or {}),
    }
    try:
        calls = sql.SQL(", ").join([sql.SQL("set_config(%s, %s, false)")] * len(session))
        values = [text for pair in session.items() for text in pair]
        connection.execute(sql.SQL("SELECT {}").format(calls), values)
    except BaseException:
        connection.close()
        raise
    return connection


def ask(connection: Connection, text: str, values: Any = ()) -> list[tuple[Any, ...]]:
    """The rows of a statement in which `?` stands for a value."""
    return connection.execute(text.replace("?", "%s").encode(), values, binary=True).fetchall()


def shown(place: Place) -> str:
    """As the port says; so are those that follow."""
    url, schema = split(place)
    try:
        found = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "the PostgreSQL of storage.events"  # its text may hold a password
    where = found.get("host", "localhost")
    return f"schema {schema} of the database {found.get('dbname', '')} on {where}"


def exists(place: Place) -> bool:
    with _walk(place) as connection:
        return bool(ask(connection, "SELECT to_regclass('events') IS NOT NULL")[0][0])


def discard(place: Place) -> None:
    if exists(place):  # never a schema in which there is something else
        _alter(place, "DROP SCHEMA {} CASCADE")


def rename(place: Place, new: Place) -> None:
    _alter(place, "ALTER SCHEMA {} RENAME TO {}", split(new)[1])


def stream(
    place: Place, after: int = 0, *, upto: int | None = None, types: Sequence[str] | None = None
) -> Iterator[Row]:
    for row in _pages(place, "position, type, tags, data", after, upto, types):
        yield (row[0], row[1], row[2], row[3])


def links(place: Place, after: int = 0) -> Iterator[Link]:
    columns = "position, convert_to(type, 'UTF8'), tags, data, hash"
    yield from _pages(place, columns, after, None)


def beside(place: Place) -> Beside:
    return standing(place)[1]


def standing(place: Place) -> tuple[int, Beside]:
    """The last position, and all rows that are no events, of one moment."""
    with _walk(place) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        upto = ask(connection, "SELECT max(position) FROM events")[0][0]
        return int(upto or 0), all_beside(lambda text: ask(connection, text))


def counts(place: Place) -> dict[str, int]:
    with _walk(place) as connection:
        return counted(lambda text: ask(connection, text))


def misplaced_tag(place: Place, unwanted: Callable[[], bool] = bool) -> int | None:
    with _walk(place) as connection:
        for text in (_UNTAGGED, _STRAY):
            if unwanted():
                break
            position = ask(connection, text)[0][0]
            if position is not None:
                return int(position)
    return None


def _walk(place: Place) -> contextlib.closing[Connection]:
    return contextlib.closing(connect(place, timeout_s=WALK_TIMEOUT_S))


def _pages(
    place: Place,
    columns: str,
    after: int,
    upto: int | None,
    types: Sequence[str] | None = None,
) -> Iterator[tuple[Any, ...]]:
    of_type, values = ("", ()) if types is None else (" AND type = ANY(?)", (list(types),))
    text = (
        f"SELECT {columns} FROM events WHERE position > ? AND position <= ?{of_type}"  # noqa: S608
        f" ORDER BY position LIMIT {PAGE_ROWS}"
    )
    with _walk(place) as connection:
        last = upto if upto is not None else 1 << 62
        # Rows are never changed and never come in between, so pages need no transaction.
        while page := ask(connection, text, (after, last, *values)):
            yield from page
            after = page[-1][0]


def _alter(place: Place, statement: str, *names: str) -> None:
    schemas = [sql.Identifier(name) for name in (split(place)[1], *names)]
    settings = {"default_transaction_read_only": "off"}
    with contextlib.closing(
        connect(place, timeout_s=WALK_TIMEOUT_S, settings=settings)
    ) as connection:
        connection.execute(sql.SQL(statement).format(*schemas))
