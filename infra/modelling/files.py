"""What the files of the project say, without dbt: what reads a table, what defines a model.

What was laid out for tables that are gone is removed, unless something in the project reads it.

A reference to nothing makes the whole project unreadable to dbt. So what is read stays, and fails
by itself when it is built.
"""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import yaml

from infra.modelling import generated

FILES_MAX: Final = 20_000  # of a project; in a larger one everything counts as read
KINDS: Final = frozenset({".sql", ".yml", ".yaml", ".py", ".md", ".csv"})
MADE: Final = frozenset({"target", "logs", "dbt_packages"})  # by dbt


def remove(folder: Path, staging: Path, beginning: str, kept: Collection[str]) -> None:
    """Remove the generated models whose last line begins so, but for those of these names."""
    found = {
        path: body
        for path in sorted(staging.glob("stg_*.sql"))
        if path.stem not in kept and (body := generated.read(path)) is not None
    }
    gone = [path for path, body in found.items() if _last(body).startswith(beginning)]
    if not gone:
        return
    texts = _texts(folder)
    for path in gone:
        name = re.compile(rf"\b{re.escape(path.stem)}\b")
        if texts is not None and not _read(texts, name, but=path):
            path.unlink()


def tables(
    folder: Path, definition: Path, source: str, there: Collection[str]
) -> list[dict[str, Any]]:
    """The entries of a generated definition for tables that are gone, and are read still."""
    body = generated.read(definition)
    sources = (yaml.safe_load(body) or {}).get("sources") if body else None
    before = sources[0].get("tables") or [] if sources else []
    gone = [entry for entry in before if entry["name"] not in there]
    if not gone:
        return []
    texts = _texts(folder)
    return [
        entry
        for entry in gone
        if texts is None or _read(texts, _reference(source, entry["name"]), but=definition)
    ]


def names(folder: Path, model: str) -> bool:
    """Whether a file may define such a model, by its own name or by a line."""
    base = re.escape(model.partition(".v")[0])  # without a version
    line = re.compile(rf"(?:\bname:\s*['\"]?|\bsnapshot\s+){base}\b")
    texts = _texts(folder)
    return (
        texts is None
        or any(re.fullmatch(rf"{base}(?:_v\w+)?", path.stem) for path in texts)
        or any(line.search(text) for text in texts.values())
    )


def _reference(source: str, table: str) -> re.Pattern[str]:
    return re.compile(
        rf"source\(\s*['\"]{re.escape(source)}['\"]\s*,\s*['\"]{re.escape(table)}['\"]"
    )


def _last(body: str) -> str:
    return body.rstrip("\n").rpartition("\n")[2]


def _read(texts: dict[Path, str], wanted: re.Pattern[str], *, but: Path) -> bool:
    return any(wanted.search(text) for path, text in texts.items() if path != but and path.exists())


def _texts(folder: Path) -> dict[Path, str] | None:
    """What people wrote into the project, and what was generated; None when it is too much."""
    found: dict[Path, str] = {}
    for path in folder.rglob("*"):
        if path.suffix not in KINDS or MADE & set(path.relative_to(folder).parts[:-1]):
            continue
        if len(found) == FILES_MAX:
            return None
        if path.is_file():
            data = path.suffix == ".csv"  # a seed: its name is what counts
            found[path] = "" if data else path.read_text(encoding="utf-8", errors="replace")
    return found
