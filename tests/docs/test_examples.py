"""Small examples on the pages: settings that are read, a proof that proves."""

import contextlib
import re
import sqlite3

import pytest

from infra.configuration import monitors, notifications, pii_overrides, project, schedules, sources
from infra.log.verify import verify
from tests.api.access import Server
from tests.docs import pages

SETTINGS = [
    pytest.param(body, id=f"{page.stem}-{number}")
    for page in pages.ALL
    for number, body in enumerate(pages.blocks(page, "yaml"), 1)
]


@pytest.mark.parametrize("body", SETTINGS)
def test_settings_on_a_page_are_read_and_are_not_the_defaults(body, tmp_path, monkeypatch):
    if body.startswith("sources:"):
        (tmp_path / "sources.yml").write_text(body)
        found = sources.read(tmp_path / "sources.yml", lambda _, value: value)
        assert found
        return
    if body.startswith("overrides:"):
        (tmp_path / "pii-overrides.yml").write_text(body)
        assert pii_overrides.read(tmp_path / "pii-overrides.yml")
        return
    if "monitors:" in body:
        (tmp_path / "monitors.yml").write_text(body)
        assert monitors.read(tmp_path / "monitors.yml").monitors
        return
    if body.startswith("schedules:") or "webhooks:" in body:
        (tmp_path / "schedules.yml").write_text(body)
        found = schedules.read(tmp_path / "schedules.yml")
        told = notifications.read(tmp_path / "schedules.yml")
        assert found or told.ways
        return
    for name in re.findall(r"\$\{(\w+)\}", body):
        monkeypatch.setenv(name, "from the environment")
    (tmp_path / "project.yml").write_text(body)

    assert project.Settings() != project.read(tmp_path)


@pytest.fixture
def proof(tmp_path, monkeypatch):
    """The script of "Prove the log", beside a log with an event or two."""
    server = Server(tmp_path)

    async def story():
        await server.add("ben@example.org", "a lion in the rain")

    server.run(story)
    monkeypatch.chdir(tmp_path)
    (script,) = pages.blocks(pages.DOCS / "how-to" / "prove-the-log.md", "python")
    return compile(script, "prove-the-log.md", "exec")


def test_the_script_of_the_page_agrees_with_our_own_check(proof, tmp_path, capsys):
    exec(proof, {})  # noqa: S102 - our own page

    found = verify(tmp_path / "events.db")
    assert f"{found.head} {found.hash}\n" == capsys.readouterr().out
    assert (True, 2) == (found.ok, found.events)


def test_the_script_of_the_page_notices_a_change(proof, tmp_path):
    tampering = "UPDATE events SET data = CAST(replace(data, 'admin', 'owner') AS BLOB)"
    with contextlib.closing(sqlite3.connect(tmp_path / "events.db")) as log, log:
        log.execute(f"{tampering} WHERE position = 1")

    with pytest.raises(SystemExit, match="event 1 does not fit"):
        exec(proof, {})  # noqa: S102 - our own page
