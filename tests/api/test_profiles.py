"""Profiles over HTTP: made once for each publication, shown to each as they may see them."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from commands.pii import EndPiiScan, RequestPiiScan
from commands.ports import WorkRefused
from commands.profiling import Bucket, ColumnProfile, TableProfile
from domain.pii import Finding, PiiScanned
from domain.profiles import TableProfiled
from infra.profiles import PROFILES_MAX, SNAPSHOTS_MAX, ProfilesFile
from tests.api.test_governance import COLUMNS, ORIGIN, Shop

TABLE = "/api/catalog/orders/orders"
VALUE = "ada@example.org"


class Counting:
    """Counts through what it is told, and how often it was asked."""

    def __init__(self):
        self.asked = []
        self.snapshot = 1

    async def profile(self, task):
        self.asked.append((task.schema, task.table))
        if task.table == "gone":
            raise WorkRefused("The warehouse has no table.")
        return counted(task.schema, task.table, self.snapshot)


def counted(schema="raw_orders", table="orders", snapshot=1):
    numbers = ColumnProfile(
        name="id", type="BIGINT", null_count=0, distinct_count=3, min="1", max="3", mean=2.0,
        quantiles=("1", "2", "3"), histogram=(Bucket(low=1, high=3, share=1.0),), top=("1", "2"),
    )  # fmt: skip
    texts = ColumnProfile(
        name="email", type="VARCHAR", null_count=1, distinct_count=2, min=VALUE, max=VALUE,
        min_length=15, max_length=15, top=(VALUE,),
    )  # fmt: skip
    return TableProfile(
        schema=schema, table=table, snapshot=snapshot, row_count=3, columns=(numbers, texts)
    )


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path, profiler=Counting(), profiles=ProfilesFile(tmp_path / "profiles.db"))
    yield made
    made.platform.profiles.close()


async def published(shop):
    await shop.known("orders")
    await shop.publish(COLUMNS)
    return await shop.logged_in()


async def found_personal(shop, column="email"):
    asked = await shop.writer.send(
        RequestPiiScan(source="orders", at=shop.clock(), wanted=True), ORIGIN
    )
    finding = Finding(
        schema="raw_orders", table="orders", column=column, kind="EMAIL_ADDRESS", confidence=0.9,
        samples=3,
    )  # fmt: skip
    ending = PiiScanned(source="orders", job=asked.position, findings=(finding,), tables=())
    await shop.writer.send(EndPiiScan(ending=ending), ORIGIN)


def test_columns_are_shown_before_and_after_the_first_profile(shop):
    async def story():
        admin = await published(shop)
        before = (await admin.get(f"{TABLE}/columns")).json()
        assert (3, None) == (before["row_count"], before["profiled_at"])
        assert [("id", {}), ("email", {})] == [(c["name"], c["stats"]) for c in before["columns"]]
        answer = await admin.post(f"{TABLE}/profile")
        assert 200 == answer.status_code, answer.text
        numbers, texts = answer.json()["columns"]
        assert ("0", "3", "2.0") == tuple(
            numbers["stats"][key] for key in ("null_count", "max", "mean")
        )
        assert [VALUE] == json.loads(texts["stats"]["sample_values"])
        assert "33.33" == texts["stats"]["null_pct"]
        assert {"low": 1.0, "high": 3.0, "share": 1.0} == json.loads(numbers["stats"]["histogram"])[
            0
        ]
        assert answer.json() == (await admin.get(f"{TABLE}/columns")).json()

    shop.run(story)


def test_values_are_in_no_event(shop):
    async def story():
        admin = await published(shop)
        await admin.post(f"{TABLE}/profile")
        assert isinstance(shop.recorded[-1].event, TableProfiled)
        assert all(
            VALUE.encode() not in data for *_, data in shop.log.fetch(None, after=0, limit=1_000)
        )

    shop.run(story)


def test_a_table_is_counted_again_only_after_something_was_published(shop):
    async def story():
        admin = await published(shop)
        for _ in "ab":
            await admin.post(f"{TABLE}/profile")
        assert 1 == len(shop.platform.profiler.asked)
        shop.clock.forward(minutes=1)
        await shop.publish(COLUMNS)
        assert (await admin.get(f"{TABLE}/columns")).json()["stale"]
        shop.platform.profiler.snapshot = 2
        answer = (await admin.post(f"{TABLE}/profile")).json()
        assert (2, 2, False) == (
            len(shop.platform.profiler.asked),
            answer["snapshot"],
            answer["stale"],
        )

    shop.run(story)


def test_values_of_masked_columns_are_shown_to_those_alone_who_may_see_them(shop):
    async def story():
        admin = await published(shop)
        await admin.post(f"{TABLE}/profile")
        viewer = await shop.viewer()
        before = shop.log.head()
        assert VALUE in (await viewer.get(f"{TABLE}/columns")).text
        await found_personal(shop)
        for query in ({}, {"as_of": before}):
            answer = await viewer.get(f"{TABLE}/columns", params=query)
            assert VALUE not in answer.text
            assert "15" not in answer.text  # lengths tell too
            email = answer.json()["columns"][1]
            assert (True, {"null_count", "null_pct", "distinct_count"}) == (
                email["masked"],
                set(email["stats"]),
            )
        assert VALUE not in (await viewer.post(f"{TABLE}/profile")).text
        assert VALUE in (await admin.get(f"{TABLE}/columns")).text

    shop.run(story)


def test_the_past_shows_the_profile_of_its_time(shop):
    async def story():
        admin = await published(shop)
        at = shop.log.head()
        await admin.post(f"{TABLE}/profile")
        answer = (await admin.get(f"{TABLE}/columns", params={"as_of": at})).json()
        assert (None, {}) == (answer["profiled_at"], answer["columns"][0]["stats"])

    shop.run(story)


def test_what_is_not_there_is_told(shop):
    async def story():
        admin = await published(shop)
        for path, detail in (
            ("orders/nope", "Table 'nope' not found in source 'orders'."),
            ("nope/nope", "Source 'nope' has no data. Run a sync first."),
        ):
            for answer in (
                await admin.get(f"/api/catalog/{path}/columns"),
                await admin.post(f"/api/catalog/{path}/profile"),
            ):
                assert (404, detail) == (answer.status_code, answer.json()["detail"])

    shop.run(story)


def test_profiles_that_are_kept_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("infra.profiles.PROFILES_MAX", 4)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    file = ProfilesFile(tmp_path / "profiles.db")
    for snapshot in range(1, SNAPSHOTS_MAX + 3):
        file.keep(counted(snapshot=snapshot), at + timedelta(minutes=snapshot))
    assert None is file.find("raw_orders", "orders", 2)
    assert counted(snapshot=3) == file.find("raw_orders", "orders", 3)
    for number in range(4):
        file.keep(counted(table=f"t{number}"), at + timedelta(hours=1, minutes=number))
    assert None is file.find("raw_orders", "orders", 5)
    file.close()
    assert PROFILES_MAX > 4


def test_a_file_that_cannot_be_read_is_begun_anew(tmp_path):
    path = tmp_path / "profiles.db"
    path.write_bytes(b"no database" * 1_000)
    file = ProfilesFile(path)
    assert None is file.find("raw_orders", "orders", 1)
    file.close()
    with sqlite3.connect(path) as database:
        assert [(0,)] == database.execute("SELECT count(*) FROM profiles").fetchall()
    database.close()
