"""The log of a project moves to PostgreSQL and back: a setting, a command, and all is there."""

import shutil

import httpx
import pytest

from infra.log.places import archive, open_log
from infra.log.verify import verify
from tests.api.cli.conftest import Terminal, program, run, serving

STORAGE = "\nstorage:\n  events: {url}\n  events_schema: {schema}\n"


@pytest.fixture
def schema(tmp_path):
    return f"moved_{abs(hash(tmp_path))}"


@pytest.fixture
def place(postgres, schema):
    return f"{postgres}#{schema}"


@pytest.fixture(scope="module")
def lived(project, tmp_path_factory):
    """A project in which something has happened."""
    root = tmp_path_factory.mktemp("lived") / "shop"
    shutil.copytree(project, root)
    user = ("users", "create", "ada@example.org", "--role", "editor")
    for words in (("sync",), ("query", "select 41 + 1"), user):
        assert 0 == run(*words, "--project", str(root)).code
    return root


@pytest.fixture
def shop(lived, tmp_path, postgres, schema):
    """Commands on a copy of it; `points` writes the setting."""
    root = tmp_path / "shop"
    shutil.copytree(lived, root)

    def command(*words):
        return run(*words, "--project", str(root))

    def points(url=postgres):
        path = root / ".dango" / "project.yml"
        path.write_text(path.read_text() + STORAGE.format(url=url, schema=schema))

    command.root, command.points, command.file = root, points, root / ".dango" / "events.db"
    return command


def told(shop):
    """What a person sees of the log: its proof, its accounts, its sources as they were, its SQL."""
    events = shop("events", "list", "--limit", "1000", "--json").json["events"]
    synced = next(event["position"] for event in events if event["type"] == "sync_completed")
    return (
        shop("events", "verify", "--json").json,
        events,
        shop("users", "list", "--json").json,
        shop("events", "at", str(synced), "source", "orders", "--json").json["name"],
        [shop("events", "at", str(at), "sources", "--json").json for at in (synced - 1, synced)],
    )


def test_a_log_moves_by_a_setting_and_a_command_and_all_is_there(shop, place):
    before = told(shop)
    shop.points()

    moved = shop("events", "move", "--json")

    head, digest = before[0]["head"], before[0]["hash"]
    assert (0, head, head, digest) == (
        moved.code,
        moved.json["events"],
        moved.json["head"],
        moved.json["hash"],
    )
    assert not shop.file.exists()
    assert before == told(shop)
    old = shop.file.with_name(f"events.db.moved-{head}")
    assert str(old) == moved.json["aside"]
    assert digest == verify(old).hash
    with serving("serve", "--project", shop.root, "--port", "0") as (_, url, _):
        assert 200 == httpx.get(f"{url}/api/health/ready").status_code
        assert before[1] == shop("events", "list", "--limit", "1000", "--json").json["events"]
        assert 0 == shop("sync", "orders").code
        refused = program("events", "move", "--project", shop.root)
        assert 1 == refused.code
        assert "in use by another Dango server" in refused.err
    assert head < shop("events", "verify", "--json").json["head"]
    assert 0 == shop("projections", "check").code


def test_it_moves_back_and_nothing_is_deleted(shop, place):
    shop.points()
    before = verify(shop.file)
    assert 0 == shop("events", "move").code

    moved = shop("events", "move", "--back", "--json")

    found = (moved.code, moved.json["events"], moved.json["hash"])
    assert (0, before.head, before.hash) == found
    assert not archive(place).exists(place)
    assert before == verify(f"{place}_moved_{before.head}") == verify(shop.file)
    assert 0 == shop("events", "move").code
    assert shop.file.with_name(f"events.db.moved-{before.head}_2").exists()
    assert before == verify(place)
    assert "Take storage.events out" in shop("events", "move", "--back").err


def test_moving_twice_is_moving_once(shop):
    shop.points()
    first, again = shop("events", "move", "--json").json, shop("events", "move", "--json").json

    assert {**first, "events": 0, "aside": None} == again
    assert shop("events", "move").out.startswith("The log was moved before: schema moved_")


def test_a_move_that_was_broken_off_is_finished(shop, place):
    shop.points()
    open_log(place).close()  # tables without events: what a kill during the copy leaves
    assert 0 == shop("events", "move").code
    old = next(shop.file.parent.glob("events.db.moved-*"))
    old.rename(shop.file)  # copied, and not yet put away

    assert (0, 0) == ((again := shop("events", "move", "--json")).code, again.json["events"])
    assert not shop.file.exists()


def test_a_person_sees_how_far_it_is(shop):
    shop.points()
    head = verify(shop.file).head

    ran = run("events", "move", "--project", str(shop.root), kind=Terminal)

    assert f"{head}/{head}" in ran.err
    assert ran.out.startswith("The log has moved to schema moved_")


def refused(ran):
    assert (1, "", 1) == (ran.code, ran.out, len(ran.err.splitlines())), ran.err
    return ran.err


def test_without_the_setting_there_is_nowhere_to_move(shop):
    assert "storage.events" in refused(shop("events", "move"))
    assert shop.file.exists()


def test_a_server_that_cannot_be_reached_is_named_without_its_password(shop):
    shop.points("postgresql://anna:hunter2@127.0.0.1:1/shop")

    said = refused(shop("events", "move"))

    assert "on 127.0.0.1 cannot be used" in said
    assert "hunter2" not in said
    assert shop.file.exists()


def test_another_log_at_the_target_is_left_alone(shop, project, tmp_path, place):
    shop.points()
    assert 0 == shop("events", "move").code
    before = verify(place)
    shutil.copy(project / ".dango" / "events.db", shop.file)

    assert "another log, or a longer one" in refused(shop("events", "move"))
    assert before == verify(place)
    assert shop.file.exists()


def test_a_log_that_a_server_elsewhere_holds_does_not_move_back(shop, place):
    shop.points()
    assert 0 == shop("events", "move").code
    log = open_log(place)
    try:
        assert "in use by another Dango server" in refused(shop("events", "move", "--back"))
    finally:
        log.close()
    assert 0 == shop("events", "move", "--back").code


def test_a_sealed_value_that_does_not_open_stays_where_it_is(shop, place):
    shop.points()
    log = open_log(shop.file)
    log.connection.execute("UPDATE vault SET id = id || 'x' WHERE kind = 'email'")
    log.close()

    assert "vault entry email of" in refused(shop("events", "move"))
    assert not archive(place).exists(place)


def test_a_damaged_event_stops_the_move_and_is_named(shop):
    shop.points()
    log = open_log(shop.file)
    log.connection.execute("UPDATE events SET data = X'00' WHERE position = 3")
    log.close()

    assert "is damaged at 3" in refused(shop("events", "move"))
