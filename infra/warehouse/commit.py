"""One commit to the warehouse: under the write lease, signed, tried again on a conflict.

SQLite cannot turn a read snapshot into a write when another process has committed in between, so a
transaction that reads, works for long and then commits fails with "database is locked". All long
work is therefore done before, into staged files; what runs in here takes milliseconds.
"""

import json
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

import duckdb
import msgspec

from commands import ports
from infra.warehouse import tables
from infra.warehouse.attach import LAKE
from infra.warehouse.quoting import literal
from infra.warehouse.settings import Settings

CLOCK_COARSE_S = 1.0  # the clock of files may be so much behind; a file synced twice does no harm
CONFLICTS = ("database is locked", "conflict", "could not serialize", "deadlock", "retry limit")

Lease = Callable[[], AbstractContextManager[None]]


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """What a commit says of itself; `job` is the log position of the request for it."""

    author: str
    message: str
    job: int
    source: str | None = None  # whose load it is


def extra_info(job: int, source: str | None) -> str:
    """Give the text by which a commit is found again."""
    told: dict[str, int | str] = {"job": job, "position": job}
    return json.dumps(told if source is None else {**told, "source": source})


def commit(
    connection: duckdb.DuckDBPyConnection,
    lease: Lease,
    settings: Settings,
    *,
    signature: Signature,
    schemas: Collection[str],
    change: Callable[[], None],
) -> int:
    """Run `change` in a transaction of its own; the id of the snapshot that it made.

    `change` must be fit to run again, and write to tables of the named schemas alone. When it
    changes nothing, the id is the newest one's. An error of another kind than WorkFailed does not
    tell whether the change was made.
    """
    mine = f"SELECT id FROM {LAKE}.last_committed_snapshot()"  # noqa: S608 - quoted
    before = _number(connection, mine)

    def once() -> None:
        _once(connection, settings, signature, schemas, change)

    _until_made(lease, settings, once)
    after = _number(connection, mine)
    # This connection's last commit is an older one when there was nothing to change.
    if after is None or after == before:
        return newest_snapshot(connection)
    return after


def _until_made(lease: Lease, settings: Settings, once: Callable[[], None]) -> None:
    # Only an attempt that surely changed nothing is followed by another one: a second commit would
    # drop, as replaced, the very files that it adds.
    pause_s = settings.commit_retry_s
    for attempt in range(1, settings.commit_attempts_max + 1):
        try:
            with lease():
                once()
            return
        except duckdb.Error as error:
            if not is_conflict(error):
                raise
            if attempt == settings.commit_attempts_max:
                reason = f"The warehouse was busy: {attempt} attempts to commit met a conflict."
                raise ports.WorkFailed(reason, attempts=attempt) from error
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, settings.commit_retry_s_max)
    raise ports.WorkFailed("No attempt to commit was allowed.")


def is_conflict(error: duckdb.Error) -> bool:
    """Tell whether the same change may well succeed a moment later."""
    text = str(error).lower()
    return any(words in text for words in CONFLICTS)


def newest_snapshot(connection: duckdb.DuckDBPyConnection) -> int:
    """Give the id of the newest snapshot, whoever made it."""
    return _number(connection, f"SELECT id FROM {LAKE}.current_snapshot()") or 0  # noqa: S608 - quoted


def oldest_snapshot(connection: duckdb.DuckDBPyConnection) -> int:
    """Give the id of the oldest snapshot that has not expired."""
    return _number(connection, f"SELECT min(snapshot_id) FROM {LAKE}.snapshots()") or 0  # noqa: S608 - quoted


def _once(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    signature: Signature,
    schemas: Collection[str],
    change: Callable[[], None],
) -> None:
    extra = extra_info(signature.job, signature.source)
    begun = time.time() - CLOCK_COARSE_S
    connection.execute("BEGIN")
    try:
        change()
        tables.sync_fresh(settings, schemas, begun)
        connection.execute(
            f"CALL {LAKE}.set_commit_message({literal(signature.author)}, "
            f"{literal(signature.message)}, extra_info => {literal(extra)})",
        )
        connection.execute("COMMIT")
    except BaseException:
        _rollback(connection)
        raise


def _rollback(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.execute("ROLLBACK")
    except duckdb.TransactionException as error:
        # A failed COMMIT has ended the transaction already.
        if "no transaction is active" not in str(error):
            raise


def _number(connection: duckdb.DuckDBPyConnection, sql: str) -> int | None:
    row = connection.execute(sql).fetchone()
    return None if row is None or row[0] is None else int(row[0])
