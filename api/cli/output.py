"""How answers become text: tables on a terminal, tab-separated lines or JSON for programs.

What comes from data can hold escape sequences; on the way to a terminal or a line of text every
control character is spelled out.
"""

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, TextIO

MINUTE_S: Final = 60
HOUR_S: Final = 3_600
DAY_S: Final = 86_400
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})  # Unicode categories


class Output:
    """Standard output for what was asked for, standard error for everything beside it."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.out, self.err = out or sys.stdout, err or sys.stderr

    @property
    def fancy(self) -> bool:
        """Whether a person looks at the output."""
        return self.out.isatty()

    @property
    def lively(self) -> bool:
        """Whether a person looks at the progress."""
        return self.err.isatty()

    def line(self, text: str = "") -> None:
        """A line of output."""
        print(safe(text), file=self.out, flush=True)

    def note(self, text: str) -> None:
        """A line beside the output."""
        print(safe(text), file=self.err, flush=True)

    def problem(self, text: str) -> None:
        """What went wrong, in one line."""
        self.note(f"dango: {' '.join(text.split())}")

    def json(self, value: Any) -> None:
        """A value for programs; the only thing on standard output."""
        print(json.dumps(value, ensure_ascii=False, indent=2), file=self.out, flush=True)

    def message(self, answer: dict[str, Any], *, as_json: bool) -> int:
        """What the server says of a thing done; the exit code of success."""
        if as_json:
            self.json(answer)
        else:
            self.line(answer["message"])
        return 0

    def json_line(self, value: Any) -> None:
        """One of several values for programs, in a line of its own."""
        print(json.dumps(value, ensure_ascii=False), file=self.out, flush=True)

    def row(self, cells: Iterable[Any]) -> None:
        """A row whose table has no end yet."""
        between = "  " if self.fancy else "\t"
        print(between.join(safe(text(cell)) for cell in cells), file=self.out, flush=True)

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Iterable[str] = ()
    ) -> None:
        """Rows below their names; the columns of `right` hold numbers."""
        if not self.fancy:
            print("\t".join(safe(name) for name in columns), file=self.out)
            for row in rows:
                print("\t".join(safe(text(value)) for value in row), file=self.out)
            self.out.flush()
            return
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        numbers = frozenset(right)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name in columns:
            table.add_column(
                Text(safe(name)), justify="right" if name in numbers else "left", overflow="fold"
            )
        for row in rows:
            table.add_row(*(Text(safe(text(value))) for value in row))
        Console(file=self.out, highlight=False).print(table)


def safe(value: str) -> str:
    """Text without anything that a terminal could take for an order."""
    if value.isascii() and value.isprintable():
        return value
    return "".join(_spelled(char) for char in value)


def text(value: Any) -> str:
    """A cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def number(value: int | None) -> str:
    """A count with its thousands apart."""
    return "" if value is None else f"{value:,}"


def moment(stamp: str | None) -> str:
    """A time of the API in the zone of this machine, to the second."""
    if stamp is None:
        return ""
    return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def age(hours: float | None) -> str:
    """How long ago, in one unit."""
    if hours is None:
        return ""
    seconds = round(hours * HOUR_S)
    for unit_s, unit in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= unit_s:
            return f"{seconds // unit_s} {unit} ago"
    return "just now"


def _spelled(char: str) -> str:
    if unicodedata.category(char) not in _UNSAFE:
        return char
    return char.encode("unicode_escape").decode()
