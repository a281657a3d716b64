"""A project with one source, made once."""

import asyncio
import shutil

import pytest

from infra import creation
from tests.infra.backups.shops import SOURCES


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("made") / "shop"
    asyncio.run(creation.create(root))
    folder = root / "data" / "uploads" / "orders"
    folder.mkdir()
    (folder / "a.csv").write_text("id,n\n" + "".join(f"{n},{n}\n" for n in range(500)))
    (root / ".dango" / "sources.yml").write_text(SOURCES)
    return root


@pytest.fixture
def shop(made, tmp_path):
    root = tmp_path / "shop"
    shutil.copytree(made, root)
    return root
