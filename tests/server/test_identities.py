"""A whole server, as it is configured: an invitation by mail, and a login with a provider."""

import email
import email.policy
from datetime import UTC, datetime

import httpx
import pytest

from tests.api.provider import CLIENT, SECRET, Double
from tests.infra.test_mailer import Inbox, served
from tests.server.harness import copied

SETTINGS = """
platform:
  public_url: {url}
auth:
  oauth:
    google:
      client_id: {client}
      client_secret: ${{TESTED_CLIENT_SECRET}}
      base_url: {base}
notifications:
  smtp:
    host: 127.0.0.1
    port: {port}
    security: none
    from: dango@example.org
    username: dango
    password: ${{TESTED_MAIL_PASSWORD}}
"""
MAIL_PASSWORD = "marked-smtp-password"


@pytest.fixture
def double():
    with Double(lambda: datetime.now(UTC)).served() as made:
        yield made


@pytest.fixture
def inbox():
    found = Inbox()
    with served(found, authenticator=found.authenticate, auth_require_tls=False) as found.port:
        yield found


@pytest.fixture
def server(template, tmp_path, double, inbox, monkeypatch):
    monkeypatch.setenv("TESTED_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("TESTED_MAIL_PASSWORD", MAIL_PASSWORD)
    with copied(template, tmp_path / "project") as made:
        text = SETTINGS.format(url=made.url, client=CLIENT, base=double.base, port=inbox.port)
        (made.root / ".dango" / "project.yml").write_text(text)
        made.start()
        yield made


def test_who_is_invited_by_mail_logs_in_with_the_address(server, double, inbox):
    admin = server.client(session="admin")
    made = admin.post("/api/admin/users", json={"email": "ben@a.io", "role": "editor"}).json()
    (envelope,) = inbox.envelopes
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    with httpx.Client(base_url=server.url, timeout=30) as ben:
        asked = ben.get("/api/auth/oauth/google/login")
        answer = ben.get(double.browse(asked.headers["location"]))
        me = ben.get("/api/auth/me").json()

    assert (True, ["ben@a.io"]) == (made["emailed"], envelope.rcpt_tos)
    assert made["invite_url"] in message.get_body(("plain",)).get_content()
    assert [(b"dango", MAIL_PASSWORD.encode())] == inbox.logins
    assert (302, "/") == (answer.status_code, answer.headers["location"])
    assert (made["user"]["id"], "editor", "google") == tuple(
        me[name] for name in ("id", "role", "oauth_provider")
    )
    told = server.log.read_text() + admin.get("/api/events?limit=200").text
    link = made["invite_url"].rpartition("/")[2]
    hidden = (SECRET, MAIL_PASSWORD, link, "ben@a.io", "access-1", double.asked["state"])
    assert [] == [word for word in hidden if word in told]
