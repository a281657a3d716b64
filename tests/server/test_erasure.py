"""Who is deleted is forgotten: in every byte of the project's folder, of an export, of the log."""

import contextlib
import sqlite3
from urllib.parse import quote

import pyotp
import pytest

from infra.tidying import ERASE_S
from tests.server.harness import until
from tests.server.template import PASSWORD
from tests.server.traces import found, spellings

EMAIL = "marked.person@marked-domain.example"
NAME = "Marked Människa O'Person"
ADDRESS = "203.0.113.77"
AGENT = "marked-agent/77"
KEY_NAME = "marked-name-of-a-key"
MARKS = (EMAIL, NAME, ADDRESS, AGENT, KEY_NAME)
OTHERS = 40  # accounts around it, so that the vault's pages are full and get moved
NEW = "an owl over the river"


def sealed(server, user):
    """What the vault holds of a user, as it lies on the disk."""
    log = f"file:{server.root}/.dango/events.db?mode=ro"
    with contextlib.closing(sqlite3.connect(log, uri=True)) as database:
        rows = database.execute(
            "SELECT sealed FROM vault WHERE id = ? OR owner = ?", (user, user)
        ).fetchall()
    return [row[0] for row in rows]


def lived(server, admin):
    """Somebody who does whatever people do; answers who it was."""
    body = {"email": EMAIL, "role": "editor", "display_name": NAME}
    made = admin.post("/api/admin/users", json=body).json()
    token = made["invite_url"].rpartition("/")[2]
    headers = {"x-forwarded-for": ADDRESS, "user-agent": AGENT}
    client = server.client(**headers)
    chosen = {"token": token, "password": PASSWORD, "display_name": NAME}
    assert 200 == client.post("/api/auth/accept-invite", json=chosen).status_code
    login = {"email": EMAIL, "password": PASSWORD}
    for body in ({**login, "password": "wrong"}, login):
        client.post("/api/auth/login", json=body)
    assert ADDRESS == client.get("/api/auth/sessions").json()[0]["ip_address"]
    assert 200 == client.post("/api/auth/api-keys", json={"name": KEY_NAME}).status_code
    changed = {"current_password": PASSWORD, "new_password": NEW}
    assert 200 == client.post("/api/auth/change-password", json=changed).status_code
    secret = client.post("/api/auth/2fa/setup", json={"password": NEW}).json()["secret"]
    code = {"code": pyotp.TOTP(secret).now()}
    assert 200 == client.post("/api/auth/2fa/verify-setup", json=code).status_code
    assert 200 == client.post("/api/query", json={"sql": f"select '{EMAIL}'"}).status_code
    for path in (f"/api/events?actor={quote(NAME)}", f"/nothing/{EMAIL}", f"/?x={ADDRESS}"):
        client.get(path)
    admin.put(f"/api/admin/users/{made['user']['id']}/role", json={"role": "viewer"})
    admin.post("/api/admin/users", json={"email": EMAIL})  # taken
    return made["user"]["id"]


@pytest.fixture
def served(own):
    settings = own.root / ".dango/project.yml"
    trusting = "platform:\n  trusted_proxies: [127.0.0.1]\n"
    settings.write_text(settings.read_text().replace("platform:\n", trusting))
    own.start()
    return own


def test_nothing_of_a_deleted_user_is_left_anywhere(served):
    admin = served.client(session="admin")
    for number in range(OTHERS // 2):
        admin.post("/api/admin/users", json={"email": f"before{number}@example.org"})
    user = lived(served, admin)
    for number in range(OTHERS // 2):
        admin.post("/api/admin/users", json={"email": f"after{number}@example.org"})
    before = sealed(served, user)
    assert len(before) >= 6
    assert [] != found(served, before)  # the search finds what is there
    exported = admin.get("/api/events/export").content

    assert 200 == admin.delete(f"/api/admin/users/{user}").status_code

    marks = [spelled for mark in MARKS for spelled in spellings(mark)]
    assert [] == sealed(served, user)
    until(lambda: not found(served, before), ERASE_S + 10)
    assert [] == found(served, marks)
    for text in (exported, admin.get("/api/events/export").content):
        assert [] == [mark for mark in (*marks, *before) if mark in text]
    assert admin.get("/api/events/verify").json()["ok"]
    assert NAME not in admin.get("/api/admin/users").text

    served.kill()  # what a crash leaves behind
    assert [] == found(served, [*marks, *before])
    served.start()
    again = served.client(session="admin")
    assert again.get("/api/events/verify").json()["ok"]
    assert [] == found(served, [*marks, *before])
