"""What lies in the repository: nothing unexpected at its top, no dead link, no forgotten target."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TOP_LEVEL = {
    *("domain", "commands", "projections", "api", "infra", "tests", "docs"),
    *(".ci", ".editorconfig", ".gitattributes", ".gitignore", ".dockerignore"),
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md"),
    *("Dockerfile", "Makefile", "pyproject.toml"),
    *("requirements.lock", "requirements-test.lock", "requirements-build.lock"),
    *("assets.lock", "data.lock"),
}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def links(page: Path) -> list[str]:
    """Targets of links to files, without code blocks, web addresses and bare anchors."""
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    targets = re.findall(r"\[[^\]]*\]\(([^)\s]+)[^)]*\)", text)
    return [target for target in targets if not re.match(r"[a-z]+:|#", target)]


def test_the_top_level_holds_only_what_belongs_there():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git work tree, so nobody can tell tracked files from others")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    top = {line.split("/")[0] for line in listed.stdout.splitlines()}

    assert set() == top - TOP_LEVEL


def test_every_link_between_pages_leads_somewhere():
    dead = [
        (relative(page), target)
        for page in PAGES
        for target in links(page)
        if not (page.parent / target.partition("#")[0]).exists()
    ]

    assert [] == dead


def test_the_documents_link_to_nothing_outside_docs():
    docs = ROOT / "docs"
    outside = [
        (relative(page), target)
        for page in PAGES
        if page.parent != ROOT
        for target in links(page)
        if not (page.parent / target.partition("#")[0]).resolve().is_relative_to(docs)
    ]

    assert [] == outside


def test_make_help_lists_every_target():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE)
    assert phony
    shown = subprocess.run(
        ["make", "help"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    listed = re.findall(r"^make (\S+) +\S", shown.stdout, flags=re.MULTILINE)

    assert phony[1].split() == listed
