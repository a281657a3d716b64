"""The pages that people read: what is in them that can be checked."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
ALL: Final = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)[^)]*\)")
_CODE: Final = re.compile(r"`([^`\n]+)`")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_MAKE: Final = re.compile(r"\bmake ([a-z][a-z0-9]*)\b")
_DANGO: Final = re.compile(r"dango ([a-z][a-z-]*)\b")
_PATH: Final = re.compile(r"(?:domain|commands|projections|api|infra|tests|docs)(?:/[\w.-]+)+/?")
_MODULE: Final = re.compile(r"(?:domain|commands|projections|api|infra|tests)(?:\.[a-z_]+)+")


def name(page: Path) -> str:
    """A page's path inside the repository."""
    return page.relative_to(ROOT).as_posix()


def text(page: Path) -> str:
    """All of a page."""
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return _FENCE.sub("", text(page))


def links(page: Path) -> list[str]:
    """Targets of links inside the repository, anchors along."""
    return [link for link in _LINK.findall(prose(page)) if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """What a link into the page may point at, spelled as GitHub spells it."""
    return {anchor(heading) for heading in _HEADING.findall(prose(page))}


def anchor(heading: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def blocks(page: Path, language: str) -> Iterator[str]:
    """The code blocks of a language."""
    yield from (body for kind, body in _FENCE.findall(text(page)) if kind == language)


def lines(page: Path) -> Iterator[str]:
    """The command lines of the `sh` blocks, joined where they go on in the next line."""
    for body in blocks(page, "sh"):
        for line in body.replace("\\\n", " ").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield line.strip()


def targets(page: Path) -> set[str]:
    """The make targets that a page names, in code."""
    code = [*_CODE.findall(prose(page)), *lines(page)]
    return {target for piece in code for target in _MAKE.findall(piece)}


def commands(page: Path) -> set[str]:
    """The first words of the commands of `dango` that a page names in code."""
    found = (_DANGO.match(piece) for piece in _CODE.findall(prose(page)))
    return {match[1] for match in found if match}


def paths(page: Path) -> set[str]:
    """The files and folders of the repository that a page names in code."""
    return {piece for piece in _CODE.findall(prose(page)) if _PATH.fullmatch(piece)}


def modules(page: Path) -> set[str]:
    """The modules, and names in modules, that a page names in code."""
    found = (piece.removesuffix("()") for piece in _CODE.findall(prose(page)))
    return {piece for piece in found if _MODULE.fullmatch(piece)}
