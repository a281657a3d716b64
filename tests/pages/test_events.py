"""The log on pages: the filter language, causes and effects, what an event changed, the proof."""

from datetime import UTC, datetime, timedelta

import pytest

from api.pages import filters, words
from api.pages.lines import PERMISSIONS
from domain.registry import EVENTS
from projections.audit import Filter
from tests.pages.site import Site, look

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
TYPES = tuple(PERMISSIONS)


def parse(text):
    return filters.parse(text, NOW, TYPES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Filter()),
        ("sync_failed", Filter(types=("sync_failed",))),
        ("type:sync_failed type:sync_started", Filter(types=("sync_failed", "sync_started"))),
        ("stream:source:orders", Filter(stream="source:orders")),
        ("source:orders", Filter(stream="source:orders")),
        ("actor:user:7 corr:abc", Filter(actor="user:7", correlation="abc")),
        ("after:100 before:200", Filter(after=100, before=200)),
        ("since:2d", Filter(since=NOW - timedelta(days=2))),
        ("since:2026-01-01", Filter(since=datetime(2026, 1, 1, tzinfo=UTC))),
        ("until:2026-01-01T09:00:00Z", Filter(until=datetime(2026, 1, 1, 9, tzinfo=UTC))),
    ],
)
def test_a_filter_reads_as_it_is_written(text, expected):
    assert expected == parse(text)


def test_a_star_stands_for_every_type_that_it_fits():
    wanted = {name for name in TYPES if name.startswith("sync_")}

    assert wanted == set(parse("type:sync_*").types)


@pytest.mark.parametrize(
    "text",
    [
        *("colour:red", "type:", "nonsense", "type:nonsense_*", "after:x", "after:-1", "after:1e3"),
        *("since:yesterday", "since:999999w", "actor:a actor:b", "before:" + "9" * 30, "x" * 3_000),
        *("since:0001-01-01x", ":", "::", "after:\u0661"),
    ],
)
def test_what_is_no_filter_is_explained(text):
    with pytest.raises(filters.Misread) as misread:
        parse(text)

    assert str(misread.value).endswith(".")


def test_every_event_names_who_may_see_it_on_a_page():
    assert {event.type_name() for event in EVENTS} == set(PERMISSIONS)


def test_the_list_can_be_walked_down_to_the_first_event_and_up_again(tmp_path):
    site = Site(tmp_path)

    async def story():
        admin = (await site.people())["admin"]
        for number in range(60):
            await site.configure(*(f"s{n}" for n in range(number)))
        head = site.log.head()
        seen, path = [], "/events"
        while path is not None:
            page = await look(admin, path)
            seen += [
                int(values["id"].removeprefix("event-"))
                for tag, values in page.tags
                if tag == "tr" and "id" in values
            ]
            path = next((v["href"] for t, v in page.tags if v.get("rel") == "next"), None)
        assert list(range(head, 0, -1)) == seen

        page = await look(admin, "/events?q=after:0+type:source_registered")
        first = [v["id"] for t, v in page.tags if t == "tr" and "id" in v]
        assert first == sorted(first, key=lambda name: int(name.partition("-")[2]))
        assert page.has("a", rel="next")

    site.run(story)


def test_an_event_shows_its_cause_its_effects_and_what_it_changed(tmp_path):
    site = Site(tmp_path)

    async def story():
        admin = (await site.people())["admin"]
        await site.configure("orders")
        done = await site.succeed("orders", rows=77)
        asked, started = done.position - 2, done.position - 1

        for position in (asked, started, done.position):
            page = await look(admin, f"/events/{position}")
            tree = [v["id"] for _, v in page.tags if v.get("id", "").startswith("node-")]
            assert [f"node-{asked}", f"node-{started}", f"node-{done.position}"] == tree
        assert page.has("tr", **{"class": "changed"})
        assert "syncing synced" in page.text  # before, after
        assert "77" in page.text

        user = await look(admin, "/events?q=type:user_created")
        links = [v["href"] for t, v in user.tags if v.get("href", "").startswith("/events/")]
        page = await look(admin, links[0])
        assert "email_digest" not in page.text.partition("Data")[0]
        assert "viewer" in page.text or "admin" in page.text

    site.run(story)


def test_the_proof_holds_until_somebody_changes_the_log(tmp_path):
    site = Site(tmp_path)

    async def story():
        admin = (await site.people())["admin"]
        assert "The chain holds." in (await look(admin, "/events/1?verify=1")).text

        def tamper():
            site.log.connection.execute("UPDATE events SET data = X'00' WHERE position = 2")

        await site.writer.call(tamper)
        assert "The chain is broken at #2." in (await look(admin, "/events/1?verify=1")).text
        site.rebuilt_differently = list  # the log is spoilt: there is nothing to compare with

    site.run(story)


def test_who_acts_is_spelled_for_people(tmp_path):
    site = Site(tmp_path)

    async def story():
        admin = (await site.people())["admin"]
        await site.configure("orders")
        assert "test, command line" in (await look(admin, "/events?q=source_registered")).text

    site.run(story)


def test_an_id_is_shortened_and_a_name_is_not():
    assert "query:01a204b6…" == words.brief("query:01a204b6f8ef7dbc88cd6e682b76f562")
    assert "source:orders" == words.brief("source:orders")
