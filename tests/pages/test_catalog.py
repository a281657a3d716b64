"""The catalogue's pages: what is found, what a table holds, and to whom its values are shown."""

import pytest

from commands.pii import EndPiiScan, RequestPiiScan
from commands.ports import WorkRefused
from commands.profiling import Bucket, ColumnProfile, TableProfile
from domain.pii import Finding, PiiScanned
from infra.profiles import ProfilesFile
from tests.modelled import CODE, model
from tests.pages.site import HOSTILE, Site, look
from tests.pages.test_sources import actions, tell

TABLE = "/catalog/orders/orders"
VALUE = "ada@example.org"


class Counting:
    """Counts through as it is told to."""

    def __init__(self):
        self.fails = None

    async def profile(self, task):
        if self.fails is not None:
            raise self.fails
        buckets = (Bucket(low=1, high=5, share=0.75), Bucket(low=5, high=9, share=0.25))
        numbers = ColumnProfile(
            name="id", type="BIGINT", null_count=0, distinct_count=3, min="1", max="9",
            quantiles=("1", "2", "9"), histogram=buckets,
        )  # fmt: skip
        texts = ColumnProfile(
            name="email", type="VARCHAR", null_count=1, distinct_count=2, min=VALUE, max=VALUE,
            top=(VALUE, HOSTILE),
        )  # fmt: skip
        return TableProfile(
            schema=task.schema, table=task.table, snapshot=1, row_count=4, columns=(numbers, texts)
        )


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path, profiler=Counting(), profiles=ProfilesFile(tmp_path / "profiles.db"))
    yield made
    made.platform.profiles.close()


async def shop(site):
    await site.configure("orders", "items")
    await site.succeed("orders", rows=4, columns=("id", "email"))
    asked = await site.tell(RequestPiiScan(source="orders", at=site.clock(), wanted=True))
    finding = Finding(
        schema="raw_orders", table="orders", column="email", kind="EMAIL_ADDRESS", confidence=0.9,
        samples=3,
    )  # fmt: skip
    ending = PiiScanned(source="orders", job=asked.position, findings=(finding,), tables=())
    await site.tell(EndPiiScan(ending=ending))
    told = model("daily", depends_on=("source.shop.orders.orders",), description="Sales by day")
    await site.define(told, model("top", depends_on=(CODE.format("daily"),)))
    await site.build(daily=("success", "pass"))


@tell
async def test_the_catalogue_lists_all_and_finds_what_is_spelled_wrong(site, people):
    await shop(site)
    page = await look(people["viewer"], "/catalog")
    assert page.has("a", href=TABLE)
    assert page.has("a", href="/catalog/marts/daily")
    assert page.has("a", href="/models/top")  # no table of it is there yet
    for word, there in (("ordres", "orders"), ("emial", "orders"), ("sales", "daily")):
        page = await look(people["viewer"], f"/catalog?q={word}")
        assert there in page.text, word
        assert page.has("input", name="q", value=word)
    assert "by email" in (await look(people["viewer"], "/catalog?q=email")).text
    assert "Nothing fits" in (await look(people["viewer"], "/catalog?q=zzzzzzzz")).text
    refused = await look(people["viewer"], "/catalog?q=x")
    assert (422, True) == (refused.status, "from 2 to 100 characters" in refused.text)


@tell
async def test_a_table_tells_what_its_columns_hold_once_it_is_counted_through(site, people):
    await shop(site)
    before = await look(people["editor"], TABLE)
    assert "is known once it is counted through" in before.text
    assert f"{TABLE}/profile" in actions(before)
    done = await people["editor"].post(f"{TABLE}/profile")
    assert (303, TABLE) == (done.status_code, done.headers["location"])
    page = await look(people["editor"], TABLE)
    assert [] == page.wrong
    for words in ("1 to 9", "25 %", "75.0 %", "Quarters: 1, 2, 9", VALUE, "alert(1)", "BIGINT"):
        assert words in page.text, words
    labels = [values.get("aria-label", "") for tag, values in page.tags if tag == "svg"]
    assert any("Histogram of id, 2 parts from 1.0 to 9.0" in label for label in labels)
    assert page.has("a", href="/models/daily")  # what is made of it


@tell
async def test_personal_values_are_marked_and_shown_to_who_may_see_them_alone(site, people):
    await shop(site)
    await people["editor"].post(f"{TABLE}/profile")
    seen = await look(people["editor"], TABLE)
    assert "Personal: email address, masked for others" in seen.text
    page = await look(people["viewer"], TABLE)
    assert "Personal: email address, masked" in page.text
    assert VALUE not in page.answer.text
    assert "alert(1)" not in page.answer.text
    assert "1 to 9" in page.text


@tell
async def test_a_table_leads_to_its_first_rows_for_who_may_ask(site, people):
    await shop(site)
    page = await look(people["editor"], TABLE)
    (where,) = [v["href"] for tag, v in page.tags if tag == "a" and v.get("id") == "ask"]
    asked = await look(people["editor"], where)
    assert 'from "raw_orders"."orders" limit 100' in asked.text
    assert not (await look(people["viewer"], TABLE)).has("a", id="ask")


@tell
async def test_how_its_columns_changed_is_told_with_the_event(site, people):
    await shop(site)
    before = site.log.head()
    await site.succeed("orders", columns=("id", "more"))
    page = await look(people["admin"], TABLE)
    for words in ("Column removed", "Column added", "more"):
        assert words in page.text
    assert any(values.get("href", "").startswith("/events/") for _, values in page.tags)
    past = await look(people["admin"], f"{TABLE}?as_of={before}")
    assert (200, False) == (past.status, "Column removed" in past.text)
    assert set() == actions(past) - {"/logout"}


@tell
async def test_the_table_of_a_model_has_a_page_too(site, people):
    await shop(site)
    page = await look(people["viewer"], "/catalog/marts/daily")
    for words in ("Sales by day", "DATE", "Model daily"):
        assert words in page.text
    for path in ("/catalog/orders/none", "/catalog/none/none"):
        assert 404 == (await look(people["viewer"], path)).status


@tell
async def test_what_cannot_be_counted_through_is_said_on_the_page(site, people):
    await shop(site)
    site.platform.profiler.fails = WorkRefused("The warehouse has no table.")
    refused = await people["viewer"].post(f"{TABLE}/profile")
    assert (400, True) == (refused.status_code, "The warehouse has no table." in refused.text)


@tell
async def test_a_table_says_how_a_model_names_it(site, people):
    await shop(site)
    assert "{{ source('raw_orders', 'orders') }}" in (await look(people["viewer"], TABLE)).text
    model_page = await look(people["viewer"], "/catalog/marts/daily")
    assert "{{ ref('daily') }}" in model_page.text
    assert model_page.has("button", **{"data-copy": "{{ ref('daily') }}"})
