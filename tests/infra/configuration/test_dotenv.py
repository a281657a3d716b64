"""The `.env` of an existing project: what is read of it, and that it is taken over once."""

import asyncio

from infra.configuration import dotenv
from infra.secret_values import VaultValues
from tests.core import Core

TEXT = r"""
# a comment
PLAIN=one
export EXPORTED = two words # and a comment
SINGLE='th#ree $x'
DOUBLE="fo\"ur\nlines" # comment
EMPTY=
BAD NAME=x
1BAD=x
noequals
PLAIN=last
HASH=a#b
"""


def test_lines_are_read_as_the_tools_write_them(tmp_path):
    (tmp_path / ".env").write_text(TEXT)

    assert {
        "PLAIN": b"last",
        "EXPORTED": b"two words",
        "SINGLE": b"th#ree $x",
        "DOUBLE": b'fo"ur\nlines',
        "HASH": b"a#b",
    } == dotenv.read(tmp_path / ".env")


def test_what_is_no_file_has_no_values(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "bytes").write_bytes(b"A=\xff\x00\nB=\r\n")
    (tmp_path / "large").write_bytes(b"A=1\n" * 1_000_000)

    assert {} == dotenv.read(tmp_path / "none") == dotenv.read(tmp_path / "folder")
    assert {} == dotenv.read(tmp_path / "large")
    assert ["A"] == [*dotenv.read(tmp_path / "bytes")]


def test_a_file_is_taken_over_once_and_never_over_what_is_there(tmp_path):
    path = tmp_path / ".env"

    async def story():
        async with Core(tmp_path) as core:
            values = VaultValues(core.vault)
            path.write_text("TOKEN=first\nOTHER=x\nTHERE=y\n")
            assert ("OTHER", "TOKEN") == await dotenv.take_over(path, core.writer, {"THERE"})
            path.write_text("TOKEN=second\nMORE=y\n")
            assert () == await dotenv.take_over(path, core.writer, {"OTHER"})
            assert ["first", "x", None, None] == [
                values.get(name) for name in ("TOKEN", "OTHER", "MORE", "THERE")
            ]

    asyncio.run(story())
