"""One template for the run, and what the machine must have for these tests."""

import pytest

from tests.faults import tracing
from tests.server import template as templates


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    root = tmp_path_factory.mktemp("template") / "project"
    return root, templates.make(root)


@pytest.fixture(scope="session")
def strace():
    """Only where strace may trace; skipped without it, but for CI, where it must be there."""
    tracing.require()
