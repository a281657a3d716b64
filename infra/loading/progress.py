"""How far the engine has come in a statement, asked from a thread beside it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from commands import ports
from infra.workers.desk import Desk

INTERVAL_S = 0.25


@contextmanager
def reading(
    connection: duckdb.DuckDBPyConnection,
    desk: Desk,
    total_bytes: int,
) -> Iterator[None]:
    """Report the share of the bytes that the running statement has read."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(INTERVAL_S):
            share = max(connection.query_progress(), 0.0) / 100
            read = int(share * total_bytes)
            desk.progress(
                ports.Progress(phase="reading", done=read, total=total_bytes, unit="bytes"),
            )

    connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    desk.progress(ports.Progress(phase="reading", total=total_bytes, unit="bytes"))
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
