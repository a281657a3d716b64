"""Statements that read much: how far they have come, and in what order they give the rows."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from commands import ports
from infra.workers.desk import Desk

INTERVAL_S = 0.25
# Rows of larger inputs come in any order, if nothing hangs on it: to keep it, the engine holds back
# what was read too early, about 0.5 GiB of it.
ORDERED_BYTES_MAX = 256 * 1024**2


@contextmanager
def reading(
    connection: duckdb.DuckDBPyConnection,
    desk: Desk,
    total_bytes: int,
    *,
    ordered: bool,
) -> Iterator[None]:
    """Report the share of the bytes that the running statement has read.

    `ordered`: the order of the rows in their files counts.
    """
    done = threading.Event()

    def watch() -> None:
        while not done.wait(INTERVAL_S):
            share = max(connection.query_progress(), 0.0) / 100
            read = int(share * total_bytes)
            desk.progress(
                ports.Progress(phase="reading", done=read, total=total_bytes, unit="bytes"),
            )

    connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    ordered = ordered or total_bytes <= ORDERED_BYTES_MAX
    connection.execute(f"SET preserve_insertion_order = {str(ordered).lower()}")
    desk.progress(ports.Progress(phase="reading", total=total_bytes, unit="bytes"))
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        connection.execute("SET preserve_insertion_order = true")
