"""How the product's code is laid out: sizes, docstrings, fakes instead of mocks."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = ("domain", "commands", "projections", "api", "infra")
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50

PRODUCT = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path):
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return [node for node in ast.walk(tree(path)) if isinstance(node, kinds)]


@pytest.mark.parametrize("path", PRODUCT, ids=relative)
def test_no_file_is_longer_than_the_ceiling(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())

    assert lines <= FILE_LINES_MAX


@pytest.mark.parametrize("path", PRODUCT, ids=relative)
def test_no_function_is_longer_than_the_ceiling(path):
    long = {
        node.name: lines
        for node in functions(path)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    }

    assert {} == long


@pytest.mark.parametrize("path", [*PRODUCT, *TESTS], ids=relative)
def test_every_module_says_what_it_is(path):
    module = tree(path)

    assert not module.body or ast.get_docstring(module)


@pytest.mark.parametrize("path", TESTS, ids=relative)
def test_nothing_is_mocked(path):
    imported = {
        name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None), *(alias.name for alias in node.names)]
    }
    fixtures = {arg.arg for node in functions(path) for arg in node.args.args}

    assert set() == imported & {"unittest.mock", "mock", "pytest_mock"}
    assert set() == fixtures & {"mocker"}
