"""The recorder keeps the promises of the library's port, by the library's own suite."""

from pathlib import Path

import pytest
from eventsourcing.dcb.tests import DCBRecorderTestCase

from infra.log.sqlite import SQLiteLog


class Suite(DCBRecorderTestCase):
    """The library's suite, given our recorder."""

    def runTest(self) -> None:  # noqa: N802 - unittest's name
        """Nothing of its own: the tests below call the suite's parts."""


@pytest.fixture
def log(tmp_path: Path):
    log = SQLiteLog(tmp_path / "events.db")
    yield log
    log.close()


def test_append_and_read_conform(log: SQLiteLog) -> None:
    Suite()._test_append_read(log)


def test_append_and_subscribe_conform(log: SQLiteLog) -> None:
    Suite()._test_append_subscribe(log)
