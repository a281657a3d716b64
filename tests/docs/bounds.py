"""The page about limits: every bound that the code names."""

import ast
import importlib
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from infra.loading.settings import LoadSettings
from infra.querying.sandbox import Settings as SandboxSettings
from infra.warehouse.settings import Settings as WarehouseSettings
from infra.workers.kinds import KINDS, Kind
from tests.docs import shapes

ROOT: Final = Path(__file__).parents[2]
LAYERS: Final = ("domain", "commands", "projections", "api", "infra")
# How the name of a bound ends: what it bounds, or in which unit it is told.
BOUND: Final = re.compile(
    r"(?!MINUTE_S|HOUR_S|DAY_S|SECONDS_)[A-Z][A-Z0-9_]*_(MAX|MIN|S|MS|KIB|ROWS|EVENTS|CACHED|LIFE|KEPT|FREE|SHOWN)"
)


class Bound(NamedTuple):
    """A constant of the code that bounds something."""

    name: str
    value: Any
    module: str
    note: str


def limits() -> str:
    """docs/reference/limits.md."""
    return "\n\n".join(
        [
            "# Limits",
            (
                "Every queue, body, wait, retry and result has a bound with a name. The unit is"
                " the end of the name: `_S` seconds, `_MS` milliseconds, `_KIB` kibibytes;"
                " before `_MAX` stands what is counted, as in `_BYTES_MAX`. What a user may want to"
                " change is a [setting](configuration.md); the rest is in the code."
            ),
            "## In the code",
            shapes.table(
                ("name", "value", "where", "note"),
                [
                    (f"`{b.name}`", _value(b.value), f"`{b.module}`", b.note)
                    for b in sorted(named(), key=lambda b: (b.module, b.name))
                ],
            ),
            "## Workers",
            "Each kind of child process. Empty: the system's own limit.",
            shapes.table(
                ("limit", *(kind.name for kind in KINDS), "note"),
                [
                    (f"`{name}`", *(_value(getattr(kind, name)) for kind in KINDS), note)
                    for name, note in _kind_fields()
                ],
            ),
            *(
                text
                for title, struct in (
                    ("Loading", LoadSettings),
                    ("Warehouse", WarehouseSettings),
                    ("Queries", SandboxSettings),
                )
                for text in (
                    f"## {title}",
                    shapes.table(("bound", "value", "note"), _defaults(struct)),
                )
            ),
        ]
    )


def named() -> Iterator[Bound]:
    """Every bound that a module names."""
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*.py")):
            yield from _bounds(path)


def _bounds(path: Path) -> Iterator[Bound]:
    text = path.read_text(encoding="utf-8")
    lines, where = text.splitlines(), path.relative_to(ROOT).as_posix()
    module = where.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for node in ast.parse(text).body:
        match node:
            case (
                ast.AnnAssign(target=ast.Name(id=name), value=ast.expr())
                | ast.Assign(targets=[ast.Name(id=name)])
            ) if BOUND.fullmatch(name):
                value = getattr(importlib.import_module(module), name)
                if isinstance(value, int | float | timedelta):
                    line = lines[(node.end_lineno or node.lineno) - 1]
                    yield Bound(name, value, where, _note(line))
            case _:
                pass


def _note(line: str) -> str:
    comment = line.partition("  # ")[2]
    return re.sub(r"^noqa: \S+( - )?", "", comment)


def _kind_fields() -> list[tuple[str, str]]:
    said = shapes.comments(Kind)
    return [
        (name, said.get(name, ""))
        for name in Kind.__struct_fields__
        if name not in ("name", "handler")
    ]


def _defaults(struct: type[msgspec.Struct]) -> list[tuple[str, str, str]]:
    said = shapes.comments(struct)
    return [
        (f"`{field.name}`", _value(field.default), said.get(field.name, ""))
        for field in msgspec.structs.fields(struct)
        if isinstance(field.default, int | float)
    ]


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return f"{value.total_seconds():,.0f} s"
    return f"{value:,}"
