"""Counting through a table: one pass, within a bound of what the engine's own summary takes."""

import time
from pathlib import Path

import msgspec
import pytest

from commands import ports
from commands.profiling import Profile
from infra.inspecting import worker
from infra.inspecting.settings import Settings
from infra.querying import sandbox
from infra.querying.settings import Settings as Sandbox
from infra.warehouse import attach
from infra.warehouse.keeper import Keeper
from infra.warehouse.settings import Settings as Warehouse

ROWS = 10_000
MADE = """CREATE TABLE lake.raw_shop.{} AS SELECT range AS id, 'user' || (range % 500) AS "na""me",
    CASE WHEN range % 4 = 0 THEN NULL ELSE 'c' || (range % 3) END AS kind,
    (range % 100) + 0.5 AS amount, DATE '2026-01-01' + (range % 10)::INTEGER AS day,
    range % 2 = 0 AS even, [range] AS list, NULL::INTEGER AS empty,
    TIMESTAMP '2026-01-01' + INTERVAL (range) SECOND AS at, 'x' || range AS _dango_file
    FROM range({})"""
SUMMARIES_MAX = 2  # how much longer than SUMMARIZE a profile may take


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("warehouse")
    (folder / "data").mkdir()
    warehouse = Warehouse(
        catalog=str(folder / "catalog.sqlite"),
        data=str(folder / "data"),
        temp_directory=str(folder / "temp"),
    )
    with attach.connect(warehouse) as writer:
        writer.execute("CREATE SCHEMA lake.raw_shop")
        writer.execute(MADE.format("orders", ROWS))
        writer.execute(MADE.format("nothing", 0))
        writer.execute(MADE.format("many", 300_000))
        with Keeper(Path(warehouse.catalog)):
            yield Settings(warehouse=warehouse)


def profiled(settings, table):
    run = worker.start(msgspec.Raw(msgspec.json.encode(settings)))
    task = Profile(schema="raw_shop", table=table)
    return run(msgspec.Raw(msgspec.json.encode(task)), None)


def test_a_profile_counts_what_each_column_holds(settings):
    found = profiled(settings, "orders")
    columns = {column.name: column for column in found.columns}
    kind, amount, day = columns["kind"], columns["amount"], columns["day"]

    assert ROWS == found.row_count
    assert found.snapshot > 0
    assert (2500, 3, "c0", "c2") == (kind.null_count, kind.distinct_count, kind.min, kind.max)
    assert (2, 2, {"c0", "c1", "c2"}) == (kind.min_length, kind.max_length, set(kind.top))
    assert ("0.5", "99.5", 50.0) == (amount.min, amount.max, amount.mean)
    assert [25, 50, 75] == pytest.approx([float(each) for each in amount.quantiles], abs=2)
    assert ("2026-01-01", "2026-01-10") == (day.min, day.max)
    assert 450 < columns['na"me'].distinct_count < 550


def test_a_histogram_shares_out_all_values(settings):
    found = {column.name: column for column in profiled(settings, "orders").columns}
    buckets = found["amount"].histogram

    assert 10 == len(buckets)
    assert 1 == pytest.approx(sum(bucket.share for bucket in buckets), abs=0.001)
    assert [0.1] * 10 == pytest.approx([bucket.share for bucket in buckets], abs=0.03)
    assert (0.5, 99.5) == (buckets[0].low, buckets[-1].high)


def test_columns_without_order_values_or_meaning_are_counted_alone(settings):
    found = {column.name: column for column in profiled(settings, "orders").columns}

    assert (None, (), 0) == (found["list"].min, found["list"].top, found["list"].null_count)
    assert (ROWS, 0, None) == tuple(
        getattr(found["empty"], name) for name in ("null_count", "distinct_count", "mean")
    )
    assert "_dango_file" not in found


def test_an_empty_table_has_an_empty_profile(settings):
    found = profiled(settings, "nothing")

    assert (0, {0}) == (found.row_count, {column.distinct_count for column in found.columns})


def test_a_table_that_is_not_there_is_refused(settings):
    with pytest.raises(ports.WorkRefused, match=r"no table raw_shop\.gone"):
        profiled(settings, "gone")


def test_a_profile_takes_no_longer_than_two_summaries(settings):
    bounds = Sandbox(warehouse=settings.warehouse, threads=1)
    with sandbox.open_reader(bounds) as connection:
        summary = min(_took(lambda: connection.execute(SUMMARY).fetchall()) for _ in "ab")
    run = worker.start(msgspec.Raw(msgspec.json.encode(settings)))
    task = msgspec.Raw(msgspec.json.encode(Profile(schema="raw_shop", table="many")))
    whole = min(_took(lambda: run(task, None)) for _ in "ab")

    assert whole <= SUMMARIES_MAX * summary


SUMMARY = "SUMMARIZE SELECT * EXCLUDE (_dango_file) FROM lake.raw_shop.many"


def _took(work):
    """In time of the processor: one thread does all of it, and others may want it too."""
    begin = time.process_time()
    work()
    return time.process_time() - begin
