"""Which files of the project a source may name: never the platform's own."""

import pytest

from domain.source_types.table import OptionInvalid, options

OWN = (
    ".dango",
    "./.dango",
    "data/../.dango",
    ".dango/logs",
    "data/.git",
    "warehouse",
    "WAREHOUSE/data",
    "scripts",
    "Notebooks/mine",
    "backups/shop-1",
    "./warehouse/data/raw_orders",
    ".",
    "",
    "/etc",
    "../other",
    "data\0",
)


@pytest.mark.parametrize("folder", OWN)
@pytest.mark.parametrize(
    ("kind", "key", "file"),
    [
        ("csv", "directory", ""),
        ("local_files", "directory", ""),
        ("sqlite", "path", "/events.db"),
        ("duckdb", "path", "/x.duckdb"),
    ],
)
def test_no_source_reads_what_is_the_platform_s(kind, key, file, folder):
    if (folder, file) in {(".", file), ("", file)} and file:
        folder = ".dango"
    with pytest.raises(OptionInvalid) as refused:
        options(kind, {key: f"{folder}{file}"})
    assert (f".{key}", True) == (refused.value.path, "inside the project" in refused.value.reason)


@pytest.mark.parametrize("folder", ["data", "./data/orders", "data/warehouse", "my.data", "data/"])
def test_a_source_reads_what_is_people_s(folder):
    assert folder == options("csv", {"directory": folder}).directory
    assert options("sqlite", {"path": f"{folder}/shop.db"})
