"""Sources of the type dlt_native: what a user has installed, or put into custom_sources."""

import pytest

from commands import ports
from tests.infra.loading.connecting import Source

SECRET = "planted-Secret-77"
SHOP = """
import datetime
import dlt

@dlt.source
def shop(count, key="", since=dlt.sources.incremental):
    @dlt.resource(primary_key="id", write_disposition="merge")
    def orders(cursor=dlt.sources.incremental("at")):
        start = cursor.last_value.day if cursor.last_value else 0
        for day in range(start + 1, count + 1):
            at = datetime.datetime(2026, 1, day, tzinfo=datetime.UTC)
            yield {"id": day, "at": at, "tags": ["a", "b"]}

    @dlt.resource(write_disposition="replace")
    def things():
        if key == "wrong":
            raise RuntimeError("no entry with " + key)
        yield {"name": "x"}

    return orders, things

def plain():
    return [1]

@dlt.source
def broken(key):
    @dlt.resource
    def rows():
        raise RuntimeError("no entry with " + key)
        yield

    return rows
"""


@pytest.fixture
def shop(trial):
    folder = trial.directory.parent / "custom_sources"
    folder.mkdir()
    (folder / "shop_source.py").write_text(SHOP)

    def made(function="shop", **kwargs):
        block = {"source_module": "shop_source", "source_function": function}
        return Source(trial, "dlt_native", {**block, "function_kwargs": kwargs}, KEY=SECRET)

    return made


def test_every_resource_becomes_a_table_and_cursors_go_on(shop):
    source = shop(count=3)
    assert 3 + 6 + 1 == source.load().rows
    source.block["function_kwargs"]["count"] = 4
    source.load()
    assert [(1,), (2,), (3,), (4,)] == source.rows("id", "orders")
    assert [(8,)] == source.rows("count(*)", "orders__tags")
    assert [("x",)] == source.rows("name", "things")


def test_a_source_that_is_edited_is_read_anew(shop, trial):
    source = shop(count=1)
    source.load()
    file = trial.directory.parent / "custom_sources" / "shop_source.py"
    file.write_text(SHOP.replace('"name": "x"', '"name": "edited"'))
    source.load()
    assert [("edited",)] == source.rows("name", "things")


def test_a_sample_writes_nothing(shop):
    source = shop(count=3)
    assert 3 == len(source.sample().rows)
    assert set() == source.tables()


@pytest.mark.parametrize(
    ("module", "function", "words"),
    [
        ("shop_source", "plain", "is no dlt source or resource"),
        ("shop_source", "absent", "is no dlt source or resource"),
        ("os", "system", "is no dlt source or resource"),
        ("not_installed_here", "x", "is not installed"),
        ("dlt.sources.filesystem", "filesystem", "Use the type 'filesystem'"),
    ],
)
def test_what_is_no_source_is_refused(shop, trial, module, function, words):
    source = shop(count=1)
    source.block |= {"source_module": module, "source_function": function}
    with pytest.raises(ports.WorkRefused, match=words):
        source.load()


def test_an_error_of_the_source_is_told_without_its_secret(shop):
    with pytest.raises(ports.WorkFailed) as failed:
        shop("broken", key="${KEY}").load()
    assert "RuntimeError: no entry with ****" in failed.value.reason


def test_a_secret_that_is_not_set_is_named(shop):
    source = shop("broken", key="${OTHER}")
    with pytest.raises(ports.WorkRefused, match="Secret 'OTHER' is not set"):
        source.load()
