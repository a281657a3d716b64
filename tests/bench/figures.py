"""A figure, its limit, and whether it is kept."""

import json
import platform
import sys

import msgspec


class Figure(msgspec.Struct, kw_only=True):
    """`limit` None: told, not demanded. `least` tells which side of the limit is the good one."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    least: bool = True
    note: str = ""

    @property
    def kept(self):
        if self.limit is None:
            return True
        return self.value >= self.limit if self.least else self.value <= self.limit


def show(figures, out=sys.stdout):
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        sign = "" if figure.limit is None else ("≥" if figure.least else "≤")
        limit = "" if figure.limit is None else f"{sign} {figure.limit:,g}"
        mark = "  " if figure.limit is None else ("ok" if figure.kept else "NO")
        print(
            f"{mark}  {figure.name:<{width}}  {figure.value:>12,.2f} {figure.unit:<9} {limit:<12}"
            f" {figure.note}",
            file=out,
        )


def as_json(figures):
    rows = [{**msgspec.to_builtins(figure), "kept": figure.kept} for figure in figures]
    return json.dumps({"python": platform.python_version(), "figures": rows}, indent=1)
