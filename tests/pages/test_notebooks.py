"""The page of notebooks: who edits what, and who may open, release, end, copy and delete."""

from datetime import timedelta

import pytest

from commands.notebook_ports import Place
from domain.notebooks import LOCK_LIFE
from tests.pages.site import Site, look
from tests.pages.test_sources import actions, tell


class Editors:
    """Editors that are there at once."""

    def place(self, lock):
        return Place("http://127.0.0.1:9", lock)

    def used(self, lock):
        del lock


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, notebook_sessions=Editors())


async def made(client, name="a"):
    answer = await client.post("/notebooks", data={"name": name, "template": "explore"})
    assert (303, f"/notebooks#notebook-{name}") == (answer.status_code, answer.headers["location"])


def offered(page, name="a"):
    base = f"/notebook/{name}/"
    return {path.removeprefix(base) for path in actions(page) if path.startswith(base)}


@tell
async def test_a_notebook_is_made_from_a_template_and_told_of(site, people):
    for caller in ("viewer", "editor"):
        page = await look(people[caller], "/notebooks")
        assert "No notebooks yet" in page.text
        assert (caller == "editor") == ("/notebooks" in actions(page))
    await made(people["editor"])
    page = await look(people["viewer"], "/notebooks")
    for words in ("1 notebook", "Created from explore template by editor@example.org", "Free"):
        assert words in page.text
    assert {"open", "copy", "delete"} == offered(await look(people["editor"], "/notebooks"))
    assert {"open", "copy", "delete"} == offered(await look(people["admin"], "/notebooks"))
    assert set() == offered(page)


@tell
async def test_who_opens_one_is_led_to_its_editor_and_others_see_who_it_is(site, people):
    editor, admin = people["editor"], people["admin"]
    await made(editor)
    for _ in range(2):  # the second time, it is one's own lock
        opened = await editor.post("/notebook/a/open")
        assert (303, "/notebooks/marimo/a/") == (opened.status_code, opened.headers["location"])
    site.clock.forward(minutes=5)
    await editor.post("/api/notebooks/a/heartbeat")
    site.clock.forward(minutes=2)
    mine = await look(editor, "/notebooks")
    for words in ("You edit it", "heard of 2 minutes ago", "ends in 13 minutes"):
        assert words in mine.text
    assert {"open", "release", "copy", "delete"} == offered(mine)
    others = await look(admin, "/notebooks")
    assert "Locked editor@example.org" in others.text
    assert {"force", "copy"} == offered(others)
    refused = await admin.post("/notebook/a/open")
    assert (409, True) == (refused.status_code, "locked by editor@example.org" in refused.text)


@tell
async def test_a_lock_ends_by_its_holder_by_an_admin_or_by_its_time(site, people):
    editor, admin = people["editor"], people["admin"]
    await made(editor)
    await editor.post("/notebook/a/open")
    assert 403 == (await editor.post("/notebook/a/force")).status_code
    assert 409 == (await admin.post("/notebook/a/release")).status_code
    assert 303 == (await editor.post("/notebook/a/release")).status_code
    assert "notebook_lock_released" == site.types()[-1]
    await editor.post("/notebook/a/open")
    assert 303 == (await admin.post("/notebook/a/force")).status_code
    assert "notebook_lock_forced" == site.types()[-1]
    await editor.post("/notebook/a/open")
    site.clock.forward(seconds=(LOCK_LIFE + timedelta(seconds=1)).total_seconds())
    page = await look(admin, "/notebooks")
    assert "Lock ran out" in page.text
    assert "open" in offered(page)


@tell
async def test_one_is_copied_and_deleted_by_who_may(site, people):
    editor, admin = people["editor"], people["admin"]
    await made(editor)
    await made(admin, "b")
    assert 303 == (await admin.post("/notebook/a/copy")).status_code
    page = await look(editor, "/notebooks")
    assert "Copy of a" in page.text
    assert {"open", "copy"} == offered(page, "b")
    assert 403 == (await editor.post("/notebook/b/delete")).status_code
    assert 303 == (await editor.post("/notebook/a/delete")).status_code
    assert 404 == (await editor.post("/notebook/a/delete")).status_code
    assert set() == offered(await look(editor, "/notebooks"))
    assert 403 == (await people["viewer"].post("/notebook/b/copy")).status_code


@tell
async def test_what_is_wrong_with_a_name_is_said_beside_it(site, people):
    for body in ({"name": "a b"}, {"name": "a", "template": "evil"}, {}, {"other": "x"}):
        refused = await people["editor"].post("/notebooks", data=body)
        assert (422, True) == (refused.status_code, "data-problem" in refused.text), body
    refused = await people["editor"].post("/notebooks", data={"name": "my notes"})
    assert 'value="my notes"' in refused.text


@tell
async def test_a_page_of_the_past_tells_who_edited_it_then(site, people):
    editor = people["editor"]
    await made(editor)
    before = site.log.head()
    await editor.post("/notebook/a/open")
    locked = site.log.head()
    await editor.post("/notebook/a/release")
    past = await look(editor, f"/notebooks?as_of={locked}")
    assert "since just now" in past.text
    assert "heard of" not in past.text
    assert set() == offered(past)
    assert "nobody" in (await look(editor, f"/notebooks?as_of={before}")).text


@tell
async def test_a_notebook_may_have_the_name_of_a_part_of_an_address(site, people):
    for name in ("marimo", "open", "status"):
        await made(people["editor"], name)
        assert 303 == (await people["editor"].post(f"/notebook/{name}/open")).status_code


@tell
async def test_who_edited_what_is_told_of_all_and_of_one(site, people):
    editor, viewer = people["editor"], people["viewer"]
    assert "Nobody yet." in (await look(viewer, "/notebooks")).text
    for name in ("a", "b"):
        await made(editor, name)
        await editor.post(f"/notebook/{name}/open")
    await editor.post("/notebook/a/release")
    await people["admin"].post("/notebook/b/force")
    text = (await look(editor, "/notebooks")).text
    for words in ("a you ended to edit", "a you began to edit", "ended somebody's lock"):
        assert words in text
    one = (await look(editor, "/notebooks?of=a")).text
    assert "Who edited a" in one
    assert "ended somebody's lock" not in one
    before = site.log.head() - 1
    assert "ended somebody's lock" not in (await look(viewer, f"/notebooks?as_of={before}")).text
