"""Every event can be told in words, and none of them tells more than the event."""

import pytest

from api import words
from domain import api_keys, sessions, totp, users
from domain.registry import EVENTS
from projections import sayings
from tests.accounts import created, failed, key, started
from tests.api.access import ADMIN, Server
from tests.api.stories import invited, story

ABOUT_PEOPLE = (*users.EVENTS, *sessions.EVENTS, *api_keys.EVENTS, *totp.EVENTS)


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type_name())
def test_every_event_has_words_or_is_silent_by_name(event):
    tables = (words.IDENTITY, words.WORK, sayings.WORDS, words.SILENT)
    places = [event in table for table in tables]

    assert 1 == sum(places)


@pytest.mark.parametrize("event", ABOUT_PEOPLE, ids=lambda event: event.type_name())
def test_every_event_about_people_has_words_of_its_own(event):
    assert event in words.IDENTITY


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (created(role="editor"), "The account was made, as editor"),
        (failed(), "A login failed: wrong password"),
        (failed(unheard=3), "A login failed: wrong password; 3 more by anybody were not heard"),
        (started(method=sessions.Method.TOTP), "Logged in with password and code"),
        (key(), "The API key dango_ak_abc… was made"),
    ],
)
def test_an_event_is_a_sentence(event, said):
    assert said == words.said(event)


@story
async def test_an_auditor_reads_what_a_user_did_and_what_was_done_to_them(server):
    admin = await server.logged_in()
    user, token = await invited(admin, role="editor")
    chosen = {"token": token, "password": "an owl over the river"}
    assert 200 == (await server.client().post("/api/auth/accept-invite", json=chosen)).status_code
    for password in ("wrong", chosen["password"]):
        body = {"email": user["email"], "password": password}
        ben = server.client()
        await ben.post("/api/auth/login", json=body)
    await ben.post("/api/auth/api-keys", json={"name": "mine", "permissions": ["source.view"]})
    await admin.put(f"/api/admin/users/{user['id']}/role", json={"role": "viewer"})
    await admin.post(f"/api/admin/users/{user['id']}/deactivate")

    page = (await admin.get("/api/events", params={"user": user["id"], "after": 0})).json()

    told = [event["words"].partition(";")[0].partition(" dango_ak_")[0] for event in page["events"]]
    assert [
        "Was invited as editor",
        "The invitation was accepted and a password chosen",
        "A login failed: wrong password",
        "Logged in with the password",
        "The API key",
        "The role became viewer, and was editor",
        "The account was deactivated",
    ] == told
    assert "for source.view alone" in page["events"][4]["words"]
    others = (await admin.get("/api/events", params={"user": "nobody"})).json()
    assert [] == others["events"]
    ada = await server.logged_in(ADMIN["email"])
    assert 200 == (await ada.get("/api/events", params={"user": "a'; --"})).status_code
