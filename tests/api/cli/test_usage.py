"""The table of commands: its help, wrong usage, and the page about it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli.table import COMMANDS
from tests.api.cli.conftest import environment, program, run

PAGE = Path(__file__).parents[3] / "docs/reference/command-line.md"
NAMES = [command.name for command in COMMANDS]


def sections():
    parts = re.split(r"^## `dango ([a-z -]+)`$", PAGE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_every_command_explains_itself_with_an_example(command):
    ran = run(*command.name.split(), "--help")

    assert 0 == ran.code
    assert f"usage: dango {command.name} " in ran.out
    assert f"example:\n  {command.example}" in ran.out


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_every_command_is_on_the_page_with_all_that_it_takes(command):
    section = sections()[command.name]
    words = [name for argument in command.arguments for name in argument.names]
    named = [
        argument.more.get("metavar", word)
        for argument, word in zip(command.arguments, words, strict=True)
    ]

    assert [] == [
        word
        for word, shown in zip(words, named, strict=True)
        if (word if word.startswith("-") else shown) not in section
    ]
    assert command.example in section


def test_the_page_has_no_command_that_is_not_there():
    assert set(NAMES) == set(sections())


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("fly",),
        ("users",),
        ("users", "fly"),
        ("serve", "--port", "65536"),
        ("serve", "--port", "eight"),
        ("sync", "--since", "yesterday"),
        ("sync", "--full"),
        ("query",),
        ("events", "show", "-1"),
        ("events", "list", "--since", "soon"),
        ("users", "create", "ada@example.org"),
        ("users", "create", "ada@example.org", "--role", "queen"),
        ("query", "select 1\0"),
        ("query", "select '\udcff'"),
    ],
)
def test_wrong_usage_ends_with_2_and_tells_how_to(arguments):
    ran = run(*arguments)

    assert 2 == ran.code
    assert "" == ran.out
    assert ran.err.startswith("usage: dango")
    assert "Traceback" not in ran.err


def test_help_loads_nothing_heavy():
    source = (
        "import sys; from infra.main import main; main(['--help']);"
        "sys.exit(' '.join({'litestar', 'httpx', 'rich', 'uvicorn', 'duckdb', 'cryptography',"
        " 'mcp', 'mcp_types', 'pydantic'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", source], env=environment(), capture_output=True, check=False
    )

    assert b"" == done.stderr.strip()


def test_without_a_project_it_says_how_to_make_one():
    ran = run("status")

    assert 1 == ran.code
    assert "dango: There is no Dango project here or above; make one: dango init DIR\n" == ran.err


def test_a_program_ends_with_the_code_of_its_command(tmp_path):
    ran = program("status", "--project", tmp_path / "nowhere")

    assert 1 == ran.code
    assert 1 == len(ran.err.splitlines())
