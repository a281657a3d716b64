"""A project whose log lies in PostgreSQL, from its making to its moving."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from infra import creation, doctor, event_log
from infra.configuration import project as configuration
from infra.log.move import copy
from infra.log.places import archive, open_log
from infra.project import Project, ProjectExists, ProjectInUse
from infra.runtime import Runtime

ROOT = Path(__file__).parents[2]
STORAGE = "storage:\n  events: {url}\n  events_schema: {schema}\n"


@pytest.fixture
def schema(tmp_path):
    return f"shop_{abs(hash(tmp_path))}"


def point(folder, url, schema):
    """project.yml as somebody wrote it before the project was made, or as it moved."""
    (folder / ".dango").mkdir(mode=0o700, exist_ok=True)
    (folder / ".dango" / "project.yml").write_text(STORAGE.format(url=url, schema=schema))


@pytest.fixture
def project(tmp_path, postgres, schema):
    point(tmp_path, postgres, schema)
    asyncio.run(creation.create(tmp_path))
    return Project(tmp_path)


def opened(project):
    return Runtime(project, configuration.read(project.folder))


def lived(project, part):
    async def live():
        runtime = opened(project)
        try:
            await runtime.start()
            return await part(runtime)
        finally:
            await runtime.stop()

    return asyncio.run(live())


async def proven(runtime):
    """What the workers say, each of which opens the log by itself."""
    assert [] == await runtime.upkeep.check()
    await runtime.upkeep.rebuild()
    proof = await runtime.history.verify()
    assert (True, runtime.log.head()) == (proof.ok, proof.head)
    return proof.hash


def test_a_project_is_made_served_and_verified(project, postgres, schema):
    assert not project.events.exists()
    place = event_log.place(project, configuration.read(project.folder))
    assert f"{postgres}#{schema}" == place
    assert not archive(place).exists(f"{place}_new")

    lived(project, proven)


def test_a_project_is_not_made_over_a_log(project, tmp_path, postgres, schema):
    other = tmp_path / "other"
    other.mkdir()
    point(other, postgres, schema)

    with pytest.raises(ProjectExists, match=schema):
        asyncio.run(creation.create(other))


def test_a_second_server_on_the_same_log_is_refused(project):
    async def second(_):
        with pytest.raises(ProjectInUse, match="another Dango server"):
            opened(project)

    lived(project, second)


def test_the_doctor_says_where_the_log_lies(project, schema):
    (found,) = [each for each in doctor.inspect(project) if each.name == "events.db"]

    assert "ok" == found.level
    assert schema in found.detail


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://anna:hunter2@127.0.0.1:1/shop", "cannot be read"),
        ("postgresql://anna:hunter2@host:port/shop", "cannot be read"),
    ],
)
def test_a_database_that_cannot_be_reached_is_told_without_its_password(project, url, told, schema):
    point(project.root, url, schema)

    with pytest.raises(event_log.LogUnusable, match=told) as caught:
        opened(project)
    assert "hunter2" not in str(caught.value)


def test_a_schema_without_a_log_is_told(project, postgres):
    point(project.root, postgres, "nothing_here")

    with pytest.raises(event_log.LogUnusable, match=r"schema nothing_here .* is missing"):
        opened(project)


def test_a_project_moves_from_its_file_and_is_the_same(tmp_path, postgres, schema):
    asyncio.run(creation.create(tmp_path))
    project = Project(tmp_path)
    before = lived(project, proven)

    copy(project.events, f"{postgres}#{schema}")
    point(tmp_path, postgres, schema)

    assert before == lived(project, proven)
    lived(project, proven)


def test_without_it_the_driver_is_not_even_loaded():
    program = "import sys, infra.main, infra.server, infra.creation, infra.doctor, infra.log.worker"
    shown = "print(sorted(name for name in sys.modules if name.startswith('psycopg')))"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{shown}"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )

    assert "[]\n" == done.stdout


def test_a_log_that_was_half_made_is_made_again(tmp_path, postgres, schema):
    point(tmp_path, postgres, schema)
    place = f"{postgres}#{schema}"
    open_log(f"{place}_new").close()

    asyncio.run(creation.create(tmp_path))

    assert archive(place).exists(place)
