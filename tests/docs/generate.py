"""The reference pages that come from the code. `python -m tests.docs.generate` writes them."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.docs import bounds, happenings, permissions, settings, ways_in

FOLDER: Final = Path(__file__).parents[2] / "docs" / "reference"
COMMAND: Final = "python -m tests.docs.generate"
NOTICE: Final = f"<!-- Written by `{COMMAND}` from the code; changes here are lost. -->"

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "commands.md": happenings.commands,
    "configuration.md": settings.configuration,
    "endpoints.md": ways_in.endpoints,
    "errors.md": ways_in.failures,
    "events.md": happenings.events,
    "limits.md": bounds.limits,
    "permissions.md": permissions.permissions,
}


def page(name: str) -> str:
    """One page as the code would have it."""
    title, _, body = PAGES[name]().partition("\n\n")
    return f"{title}\n\n{NOTICE}\n\n{body}\n"


def write(folder: Path = FOLDER) -> list[str]:
    """Write all pages; answers the names of those that were not so before."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for name in PAGES:
        text, path = page(name), folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


if __name__ == "__main__":
    sys.stdout.write("".join(f"written: docs/reference/{name}\n" for name in write()))
