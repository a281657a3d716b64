"""project.yml: half of it is nothing to start a server on."""

import pytest

from infra.configuration.documents import Unreadable
from infra.configuration.project import Settings, read

SMTP = "notifications:\n  smtp:\n    host: mail\n    from: a@b.io"

OAUTH = "auth:\n  oauth:\n    google:\n      client_id: a\n      client_secret: b"


@pytest.fixture
def given(tmp_path):
    def write(text, name="project.yml"):
        (tmp_path / name).write_text(text)
        return tmp_path

    return write


def test_a_missing_file_is_all_defaults(tmp_path):
    assert Settings() == read(tmp_path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("platform:\n  port: many\n", 2),
        ("platform:\n  port: 65536\n", 2),
        ("platform:\n  port: -1\n", 2),
        ("platform:\n  port: 1\n  port: 2\n", 3),
        ("auth:\n  anonymous_reads: sometimes\n", 2),
        ("auth:\n  session_max_days: 0\n", 2),
        ("auth:\n  idle_timeout_minutes: 0\n", 2),
        ("auth:\n  idle_timeout_minutes: 525601\n", 2),
        ("auth:\n  session_max_days: 366\n", 2),
        ("auth:\n  failed_logins_max: 10001\n", 2),
        ("auth:\n  failed_logins_per_network_max: 10001\n", 2),
        ("storage:\n  warehouse: {retention_days: 36501}\n", 2),
        ("storage:\n  warehouse: {retention_days: .inf}\n", 2),
        ("api:\n  query_max_rows: 0\n", 2),
        ("api:\n  query_timeout_seconds: 0\n", 2),
        ("api:\n  query_timeout_seconds: .nan\n", 2),
        ("api:\n  requests_max: 0\n", 2),
        ("auth:\n  failed_logins_max: 0\n", 2),
        ("platform:\n  trusted_proxies: [10.0.0.1, 10.0.0.0/33]\n", 2),
        ("platform:\n  trusted_proxies:\n    - 10.0.0.1\n    - proxy.example\n", 4),
        ("platform:\n  allowed_hosts: ['https://dango.example.org']\n", 2),
        ("platform:\n  allowed_origins: [app.example.org]\n", 2),
        ("platform:\n  allowed_origins: ['https://app.example.org/']\n", 2),
        ("platform:\n  allowed_origins: ['*']\n", 2),
        ("storage:\n  warehouse: here\n", 2),
        ("storage:\n  events: mysql://db/dango\n", 2),
        ('storage:\n  events: "postgresql://db/dango#other"\n', 2),
        ("storage:\n  events_schema: Dango\n", 2),
        ("storage:\n  events_schema: 'a\"; DROP'\n", 2),
        ("platform: [", 1),
        ("notifications:\n  smtp:\n    host: mail\n", 3),
        ("notifications:\n  smtp: {host: mail, from: nobody}\n", 2),
        ("notifications:\n  smtp: {host: mail, from: a@b.io, port: 0}\n", 2),
        ("notifications:\n  smtp: {host: mail, from: a@b.io, username: a}\n", 2),
        ("notifications:\n  smtp: {host: mail, from: a@b.io, tls: true}\n", 2),
        ("auth:\n  oauth:\n    google: {client_id: a}\n", 3),
        ("auth:\n  oauth:\n    google: {client_id: a, client_secret: ''}\n", 3),
        ("auth:\n  oauth:\n    github: {client_id: a, client_secret: '${NO_SUCH_NAME}'}\n", 3),
        (f"{OAUTH}\n      base_url: https://accounts.example\n", 6),
        (f"{OAUTH}\n      base_url: http://127.0.0.1:80@evil.example\n", 6),
        (f"{OAUTH}\n      token_url: https://accounts.example\n", 6),
        (f"{SMTP}\n    security: none\n    username: a\n    password: b\n", 5),
        ("notifications:\n  smtp: {host: mail, from: a@b.io, password: '${NO_SUCH_NAME}'}\n", 2),
    ],
)
def test_what_is_wrong_is_told_with_its_line(given, text, line):
    with pytest.raises(Unreadable) as caught:
        read(given(text))

    assert ("project.yml", line) == (caught.value.file, caught.value.line)


@pytest.mark.parametrize(
    ("value", "said"), [("true", "true"), ("False", "false"), ("auto", "auto"), ("no", "false")]
)
def test_anonymous_reads_are_yes_no_or_auto(given, value, said):
    settings = read(given(f"auth:\n  anonymous_reads: {value}\n"))

    assert said == str(settings.auth.anonymous_reads).lower()


def test_keys_of_the_existing_product_pass(given):
    text = "project: {name: shop, purpose: all of it}\nplatform: {port: 1, duckdb_path: x}\n"

    assert ("shop", 1) == ((s := read(given(text))).project.name, s.platform.port)


def test_authentication_is_switched_off_by_either_file_and_on_by_none(given):
    assert not read(given("auth: {enabled: false}\n")).auth.enabled
    assert not read(given("enabled: true\n", "auth.yml")).auth.enabled
    given("auth: {enabled: true}\n")

    assert not read(given("enabled: false\n", "auth.yml")).auth.enabled


@pytest.mark.parametrize("text", ["enabled: perhaps\n", "\t", "- a\n"])
def test_a_broken_auth_file_does_not_switch_it_off(given, text):
    with pytest.raises(Unreadable):
        read(given(text, "auth.yml"))


def test_a_password_may_come_from_the_environment(given, monkeypatch):
    monkeypatch.setenv("MAIL_PASSWORD", "marked")
    text = "{host: mail, from: a@b.io, username: dango, password: '${MAIL_PASSWORD}'}"

    smtp = read(given(f"notifications:\n  smtp: {text}\n")).notifications.smtp

    assert ("marked", 587, "starttls") == (smtp.password, smtp.port, smtp.security)


def test_a_client_secret_may_come_from_the_environment(given, monkeypatch):
    monkeypatch.setenv("GOOGLE_SECRET", "marked")

    oauth = read(given(OAUTH.replace(": b", ": ${GOOGLE_SECRET}") + "\n")).auth.oauth

    assert (None, "a", "marked") == (
        oauth.github,
        oauth.google.client_id,
        oauth.google.client_secret,
    )
