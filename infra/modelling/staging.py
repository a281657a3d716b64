"""What dbt must know of a source: its definition, and a staging model for each of its tables.

A file of the same name that lies elsewhere in the project is somebody's, and none is made beside
it. What was made for a table that is gone goes too, unless something reads it.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from commands import ports
from domain.datasets import Table
from infra.modelling import files, generated, project

LINEAGE: Final = frozenset({"_dango_file", "_dango_run"})  # columns; of no use in models
PLAIN: Final = re.compile(r"[a-z_][a-z0-9_]*")
YAML_FILES_MAX: Final = 5_000  # that are searched for a source of the same name
# duckdb_keywords() of category `reserved`.
_RESERVED: Final = (
    "all analyse analyze and any array as asc asymmetric both case cast check collate column "
    "constraint create default deferrable desc describe distinct do else end except false "
    "fetch for foreign from group having in initially intersect into lambda lateral leading "
    "limit not null offset on only or order pivot pivot_longer pivot_wider placing primary "
    "qualify references returning select show some summarize symmetric table then to trailing "
    "true union unique unpivot using variadic when where window with "
)
RESERVED: Final = frozenset(_RESERVED.split())


def lay_out(folder: Path, source: str, description: str, tables: Iterable[Table]) -> None:
    """Write a source's definition and staging models. Raises WorkRefused, OSError."""
    told = [table for table in tables if any(_columns(table))]
    if not told:
        return
    folders = _folders(folder)
    staging = folders[0] / "staging"
    names = {table.name: model_name(source, table.name) for table in told}
    files.remove(folder, staging, _from(source), names.values())
    definition = _definition_file(staging, source)
    if source not in _defined(folders, folder, but=definition):
        old = files.tables(folder, definition, source, names)
        generated.write(definition, _definition(source, description, told, old), "#")
    there = {path.stem for each in folders for path in each.rglob("*.sql")}
    for table in told:
        path = staging / f"{names[table.name]}.sql"
        if path.exists() or path.stem not in there:
            generated.write(path, _staging(source, table), "--")


def take_out(folder: Path, source: str) -> None:
    """Remove what was made for a source that is no more. Raises WorkRefused, OSError."""
    if not (folder / project.FILE).exists():
        return
    staging = _folders(folder)[0] / "staging"
    files.remove(folder, staging, _from(source), ())
    definition = _definition_file(staging, source)
    body = generated.read(definition)
    if body is not None and not files.tables(folder, definition, source, ()):
        definition.unlink()


def _folders(folder: Path) -> list[Path]:
    folders = project.model_folders(folder)
    if not folders:
        raise ports.WorkRefused("dbt_project.yml names no folder of models inside the project.")
    return folders


def _definition_file(staging: Path, source: str) -> Path:
    return staging / f"sources_{source}.yml"


def model_name(source: str, table: str) -> str:
    """Such as stg_orders__orders."""
    return f"stg_{source}__{re.sub(r'[^A-Za-z0-9_]', '_', table)}"


def _defined(folders: list[Path], root: Path, *, but: Path) -> set[str]:
    """Sources that other files of the project define: dbt takes each name once."""
    found: set[str] = set()
    files = [p for each in folders for end in ("*.yml", "*.yaml") for p in sorted(each.rglob(end))]
    for path in files[:YAML_FILES_MAX]:
        if path != but:
            listed = project.read_yaml(path, str(path.relative_to(root))).get("sources")
            entries = listed if isinstance(listed, list) else []
            found |= {str(entry.get("name")) for entry in entries if isinstance(entry, dict)}
    return found


def _definition(
    source: str, description: str, tables: list[Table], old: list[dict[str, Any]]
) -> str:
    entry = {
        "name": source,
        "description": _verbatim(description or f"What the source {source} brings in."),
        "schema": tables[0].schema,
        "tables": [*map(_entry, tables), *old],
    }
    text: str = yaml.safe_dump(
        {"version": 2, "sources": [entry]}, sort_keys=False, allow_unicode=True, width=100
    )
    return text


def _entry(table: Table) -> dict[str, Any]:
    columns = [
        {"name": column, "data_type": kind}
        for column, kind in _columns(table)
        if "{" not in column  # dbt would take it for a template
    ]
    return {"name": table.name, "columns": columns}


def _verbatim(text: str) -> str:
    """Words of people are no templates."""
    return re.sub(r"([{}])(?=[{}%#])", r"\1 ", text)


def _staging(source: str, table: Table) -> str:
    columns = ",\n".join(f"    {_quoted(name)}" for name, _ in _columns(table))
    return f"select\n{columns}\n{_from(source)}{_literal(table.name)}) }}}}\n"


def _from(source: str) -> str:
    """How the last line of each of a source's staging models begins."""
    return f"from {{{{ source({_literal(source)}, "


def _columns(table: Table) -> Iterator[tuple[str, str]]:
    for column in table.columns:
        if column.name not in LINEAGE:
            yield column.name, column.type


def _quoted(name: str) -> str:
    if PLAIN.fullmatch(name) and name not in RESERVED:
        return name
    quoted = '"' + name.replace('"', '""') + '"'
    # What Jinja would take for its own is told to it as a text.
    return f"{{{{ {_literal(quoted)} }}}}" if "{" in name else quoted


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
