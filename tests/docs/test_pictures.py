"""Pictures that the documents show: there, PNG, light; none lies about that no document shows."""

import re
import struct
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
DOCUMENTS = (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
BYTES_MAX = 120 * 1024
ALL_BYTES_MAX = 1200 * 1024
WIDTH_MAX, HEIGHT_MAX = 1280, 900
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def shown():
    """Every picture that a document shows, and what it says in its place."""
    for document in DOCUMENTS:
        for said, where in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", document.read_text()):
            yield (document.parent / where).resolve(), said


@pytest.mark.parametrize("picture", sorted({path for path, _ in shown()}), ids=lambda p: p.name)
def test_a_picture_is_a_small_png(picture):
    head = picture.read_bytes()[:24]
    assert head.startswith(SIGNATURE)
    width, height = struct.unpack(">II", head[16:24])
    assert width <= WIDTH_MAX
    assert height <= HEIGHT_MAX
    assert picture.stat().st_size <= BYTES_MAX


def test_every_picture_is_shown_and_says_what_it_shows():
    assert {path.resolve() for path in PICTURES.iterdir()} == {path for path, _ in shown()}
    assert all(said for _, said in shown())
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) <= ALL_BYTES_MAX
