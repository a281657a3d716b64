"""A browser, and a real server for it."""

import pytest

from tests.server import template as templates
from tests.server.harness import copied


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    root = tmp_path_factory.mktemp("template") / "project"
    return root, templates.make(root)


@pytest.fixture(scope="module")
def server(template, tmp_path_factory):
    """A running server that the tests of one module share."""
    with copied(template, tmp_path_factory.mktemp("server") / "project") as found:
        found.start()
        yield found
