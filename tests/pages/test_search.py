"""The search over everything: what fits, the best first, and nothing that the caller may not."""

import pytest

from domain.notebooks import TEMPLATES
from tests.modelled import model
from tests.pages.site import HOSTILE, Site, look
from tests.pages.test_sources import actions, tell


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


async def shop(site, people):
    await site.configure("orders", "items")
    await site.succeed("orders", columns=("id", "discount"))
    await site.define(model("daily"))
    await site.build(daily=("success",))
    await site.schedule("nightly")
    editor = people["editor"]
    await editor.post("/api/notebooks", json={"name": "returns", "template": TEMPLATES[0]})
    await editor.post("/api/queries", json={"name": "Sales by day", "sql": "select 1"})


async def found(client, words):
    page = await look(client, "/search", params={"q": words})
    assert [] == page.wrong
    places = [v["href"] for tag, v in page.tags if tag == "a" and "href" in v]
    menu = places.index("/search")  # the palette's own link stands before what was found
    return places[menu + 1 :] + sorted(actions(page) - {"/logout"})


@tell
async def test_pages_things_and_actions_are_found_for_who_may(site, people):
    await shop(site, people)
    editor, viewer, nobody = (people[name] for name in ("editor", "viewer", "anonymous"))
    assert ["/sources/orders", "/catalog/orders/orders", "/sources/orders/sync"] == await found(
        editor, "orders"
    )
    assert ["/sources/orders", "/catalog/orders/orders"] == await found(viewer, "orders")
    assert ["/sources/orders"] == await found(nobody, "orders")
    for words, path in (
        ("day sal", "/query?saved="), ("returns", "/notebooks#notebook-returns"),
        ("nightly", "/schedules/nightly"), ("run daily", "/models/daily/run"),
        ("add source", "/add/source"), ("sync items", "/sources/items/sync"),
    ):  # fmt: skip
        assert any(each.startswith(path) for each in await found(editor, words)), words
        if path not in ("/notebooks#notebook-returns", "/schedules/nightly"):
            assert [] == await found(viewer, words), words
    assert "/users" in await found(people["admin"], "users")
    assert [] == await found(editor, "users")


@tell
async def test_columns_and_wrong_spellings_lead_to_their_table(site, people):
    await shop(site, people)
    for words in ("discount", "dicsount"):
        page = await look(people["viewer"], f"/search?q={words}")
        assert "Table, by discount" in page.text
        assert page.has("a", href="/catalog/orders/orders")


@tell
async def test_what_begins_with_the_word_stands_first(site, people):
    await site.configure("big_orders", "orders")
    where = await found(people["anonymous"], "ord")
    assert ["/sources/orders", "/sources/big_orders"] == where


@tell
async def test_without_words_it_shows_where_one_can_go(site, people):
    where = await found(people["viewer"], "")
    assert {"/", "/sources", "/catalog", "/account"} <= set(where)
    assert "/users" not in where
    assert "Nothing fits" in (await look(people["viewer"], "/search?q=zzzzzz")).text


@tell
async def test_what_is_looked_for_is_escaped_and_cut(site, people):
    page = await look(people["admin"], "/search", params={"q": HOSTILE * 20})
    assert (200, []) == (page.status, page.wrong)


@tell
async def test_of_the_past_nothing_can_be_done(site, people):
    await shop(site, people)
    page = await look(people["admin"], f"/search?q=orders&as_of={site.log.head()}")
    assert set() == actions(page) - {"/logout"}
    assert page.has("a", href=f"/sources/orders?as_of={site.log.head()}")


@tell
async def test_every_page_opens_it_but_its_own(site, people):
    for path in ("/", "/sources", "/account"):
        page = await look(people["viewer"], path)
        assert page.has("dialog", id="palette")
        assert page.has("a", id="find")
    assert not (await look(people["viewer"], "/search")).has("dialog", id="palette")
