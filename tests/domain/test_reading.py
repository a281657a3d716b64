"""How a source is read: by what its block says."""

import pytest

from domain.source_types.reading import WHOLE, Reading, reading
from domain.source_types.table import TYPES

NEW = Reading(incremental=True, dated=True, write="merge")
FOLDER = {"directory": "data/orders"}
TABLE = {"name": "orders", "cursor": "changed_at"}
ENDPOINT = {"path": "orders", "incremental": {"cursor_path": "changed_at"}}


@pytest.mark.parametrize(
    ("more", "write"),
    [
        ({}, "replace"),
        ({"write": "append"}, "append"),
        ({"primary_key": ["id"]}, "merge"),
        ({"primary_key": ["id"], "write": "replace"}, "replace"),
        ({"primary_key": ["id"], "deduplication": "append_only"}, "append"),
        ({"primary_key": ["id"], "deduplication": "scd_type2"}, "scd2"),
    ],
)
def test_of_files_those_that_changed_are_read_and_no_days(more, write):
    assert Reading(incremental=True, write=write) == reading("csv", {**FOLDER, **more})


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ([], WHOLE),
        (["orders"], WHOLE),
        ([{"name": "orders"}], WHOLE),
        ([TABLE], NEW),
        ([{**TABLE, "write_disposition": "append"}], Reading(incremental=True, dated=True,
                                                             write="append")),
        (["users", TABLE], NEW),
    ],
)  # fmt: skip
def test_of_databases_what_is_new_is_read_where_a_cursor_tells_it(tables, expected):
    assert expected == reading("postgres", {"credentials": "****", "tables": tables})


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ({"path": "orders"}, WHOLE),
        ({"path": "orders", "primary_key": "id"}, Reading(write="merge")),
        (ENDPOINT, Reading(incremental=True, dated=True, write="append")),
        ({**ENDPOINT, "primary_key": "id"}, NEW),
        ({**ENDPOINT, "primary_key": "id", "paginator": "none", "headers": "****"}, NEW),
    ],
)
def test_of_apis_each_endpoint_says_it(endpoint, expected):
    assert expected == reading("rest_api", {"base_url": "https://x.test", "endpoints": [endpoint]})


def test_a_database_file_is_read_whole_and_what_has_no_row_too():
    assert WHOLE == reading("duckdb", {"path": "a.duckdb"})
    assert WHOLE == reading("kafka", {"brokers": "****"})


def test_every_type_is_read_in_some_way_without_any_option():
    assert {"append", "merge", "replace"} == {reading(name, {}).write for name in TYPES}
