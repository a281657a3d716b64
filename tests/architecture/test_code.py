"""How the product's code is laid out: sizes, docstrings, fakes instead of mocks.

Each rule is one test, which names the files that break it.
"""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAYERS = ("domain", "commands", "projections", "api", "infra")
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
MOCKS = {"unittest.mock", "mock", "pytest_mock"}

PRODUCT = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(tree(path)))


def functions(path: Path):
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return [node for node in nodes(path) if isinstance(node, kinds)]


def breaking(paths: list[Path], found) -> dict[str, object]:
    """What is found in these files, by their names; those without are left out."""
    return {path.relative_to(ROOT).as_posix(): what for path in paths if (what := found(path))}


def test_no_file_is_longer_than_the_ceiling():
    def lines(path):
        count = len(path.read_text(encoding="utf-8").splitlines())
        return count if count > FILE_LINES_MAX else 0

    assert {} == breaking(PRODUCT, lines)


def test_no_function_is_longer_than_the_ceiling():
    def long(path):
        return {
            node.name: lines
            for node in functions(path)
            if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
        }

    assert {} == breaking(PRODUCT, long)


def test_every_module_says_what_it_is():
    def silent(path):
        return bool(tree(path).body) and not ast.get_docstring(tree(path))

    assert {} == breaking([*PRODUCT, *TESTS], silent)


def test_nothing_is_mocked():
    def mocked(path):
        imported = {
            name
            for node in nodes(path)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in [getattr(node, "module", None), *(alias.name for alias in node.names)]
        }
        fixtures = {arg.arg for node in functions(path) for arg in node.args.args}
        return imported & MOCKS | fixtures & {"mocker"}

    assert {} == breaking(TESTS, mocked)


def test_the_rules_find_what_breaks_them(tmp_path):
    path = tmp_path / "odd.py"
    path.write_text("from unittest.mock import Mock\ndef f(mocker):\n    return Mock\n")

    assert ["f"] == [node.name for node in functions(path)]
    assert ast.get_docstring(tree(path)) is None
