"""The recorders keep the promises of the library's port, by the library's own suite."""

import contextlib

import pytest
from eventsourcing.dcb.tests import DCBRecorderTestCase


class Suite(DCBRecorderTestCase):
    """The library's suite, given our recorder."""

    def runTest(self) -> None:  # noqa: N802 - unittest's name
        """Nothing of its own: the tests below call the suite's parts."""


@pytest.fixture
def log(tmp_path, engine):
    with contextlib.closing(engine.recorder(tmp_path / "events.db")) as log:
        yield log


def test_append_and_read_conform(log):
    Suite()._test_append_read(log)


def test_append_and_subscribe_conform(log):
    Suite()._test_append_subscribe(log)
