"""Accounts and secrets by plain forms: what is shown once, what is confirmed, who may."""

import re

import pytest

from commands.vault import EndVaultRotation
from domain.vault import VaultRotationFailed
from tests.pages.site import PASSWORD, Site, look
from tests.pages.test_sources import actions, tell

BEN = {"email": "ben@example.org", "display_name": "Ben", "role": "editor"}


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def once(answer):
    """What a page shows that is shown once."""
    return re.findall(r'class="once">([^<]+)<', answer.text)


async def id_of(client, email):
    users = (await client.get("/api/admin/users")).json()
    return next(user["id"] for user in users if user["email"] == email)


@tell
async def test_somebody_is_invited_with_a_link_that_is_shown_once(site, people):
    admin = people["admin"]
    answer = await admin.post("/users", data=BEN)
    assert (200, 1) == (answer.status_code, len(once(answer))), answer.text
    assert "invite" in once(answer)[0]
    page = await look(admin, "/users")
    assert "ben@example.org" in page.text
    assert "Invited" in page.text
    again = await admin.post("/users", data=BEN)
    assert (409, True) == (again.status_code, 'value="ben@example.org"' in again.text)
    bad = await admin.post("/users", data={**BEN, "role": "king"})
    assert (422, True) == (bad.status_code, "data-problem" in bad.text)
    user = f"/users/{await id_of(admin, BEN['email'])}"
    assert 1 == len(once(await admin.post(f"{user}/reinvite")))
    temporary = {"email": "cy@example.org", "generate_password": "on"}
    (password,) = once(await admin.post("/users", data=temporary))
    assert (
        200
        == (
            await site.client().post(
                "/api/auth/login", json={"email": "cy@example.org", "password": password}
            )
        ).status_code
    )
    assert 403 == (await people["editor"].post("/users", data=BEN)).status_code


@tell
async def test_an_account_is_changed_reset_switched_off_and_deleted_with_forms(site, people):
    admin = people["admin"]
    user_id = await site.add(BEN["email"], PASSWORD)
    ben, user = await site.logged_in(BEN["email"], PASSWORD), f"/users/{user_id}"
    page = await look(admin, user)
    steps = ("role", "reset-password", "revoke-sessions", "deactivate", "delete")
    assert {f"{user}/{step}" for step in steps} == actions(page) - {"/logout"}
    assert 303 == (await admin.post(f"{user}/role", data={"role": "editor"})).status_code
    assert 200 == (await ben.get("/add/source")).status_code
    assert 303 == (await admin.post(f"{user}/revoke-sessions")).status_code
    assert 302 == (await ben.get("/account")).status_code
    assert 303 == (await admin.post(f"{user}/unlock")).status_code
    assert "reset" in once(await admin.post(f"{user}/reset-password"))[0]
    assert 303 == (await admin.post(f"{user}/deactivate")).status_code
    page = await look(admin, user)
    assert "Deactivated" in page.text
    assert f"{user}/reactivate" in actions(page)
    assert 303 == (await admin.post(f"{user}/reactivate")).status_code
    for body in ({}, {"confirm_email": ""}, {"confirm_email": "other@example.org"}):
        refused = await admin.post(f"{user}/delete", data=body)
        assert (422, True) == (refused.status_code, "data-problem" in refused.text), body
    answer = await admin.post(f"{user}/delete", data={"confirm_email": BEN["email"]})
    assert (303, "/users") == (answer.status_code, answer.headers["location"])
    assert BEN["email"] not in (await look(admin, "/users")).text


@tell
async def test_the_last_admin_is_told_why_not(site, people):
    admin = people["admin"]
    for email in ("admin@localhost", "admin@example.org"):
        user = f"/users/{await id_of(admin, email)}"
        answer = await admin.post(f"{user}/role", data={"role": "viewer"})
        if email == "admin@localhost":
            assert 303 == answer.status_code
    assert (409, True) == (answer.status_code, "data-problem" in answer.text)


@tell
async def test_a_secret_is_set_shown_masked_and_removed(site, people):
    admin, value = people["admin"], "a value that nobody sees 1234"
    options = {"directory": "data/orders", "notes": "${SHOP_TOKEN}"}
    await site.configure("orders", options=options)
    assert "Named, but not set" in (await look(admin, "/secrets")).text
    linked = await look(admin, "/secrets?key=SHOP_TOKEN")
    assert linked.has("input", name="key", value="SHOP_TOKEN")
    answer = await admin.post("/secrets", data={"key": "SHOP_TOKEN", "value": value})
    assert (303, "/secrets") == (answer.status_code, answer.headers["location"])
    page = await look(admin, "/secrets")
    assert value not in page.text
    for words in ("SHOP_TOKEN", "****1234", "orders"):
        assert words in page.text
    assert "Named, but not set" not in page.text
    bad = await admin.post("/secrets", data={"key": "no name", "value": value})
    assert (422, False) == (bad.status_code, value in bad.text)
    assert 303 == (await admin.post("/secrets/SHOP_TOKEN/remove")).status_code
    gone = await admin.post("/secrets/SHOP_TOKEN/remove")
    assert gone.status_code in (303, 404)
    assert 403 == (await people["editor"].post("/secrets", data={"key": "A"})).status_code


@tell
async def test_keys_of_the_vault_are_rotated_by_a_plain_form_after_a_question(site, people):
    admin = people["admin"]
    page = await look(admin, "/secrets")
    assert "/secrets/rotate" in actions(page)
    assert site.vault.ring.current in page.text
    answer = await admin.post("/secrets/rotate")
    assert (303, "/secrets") == (answer.status_code, answer.headers["location"])
    page = await look(admin, "/secrets")
    assert "They are being sealed anew." in page.text
    assert "/secrets/rotate" not in actions(page)
    refused = await admin.post("/secrets/rotate")
    assert (409, True) == (refused.status_code, "data-problem" in refused.text)
    assert 403 == (await people["editor"].post("/secrets/rotate")).status_code
    ending = VaultRotationFailed(job=site.log.head(), reason="The disk is full.")
    await site.tell(EndVaultRotation(ending=ending))
    page = await look(admin, "/secrets")
    assert "failed: The disk is full." in page.text
    assert "/secrets/rotate" in actions(page)
