"""Where a statement is wrong: the lines around the place, with what stands there set apart."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

LINES_AROUND: Final = 3  # above and below the wrong one
LINE_CHARS_MAX: Final = 240
BEFORE_CHARS: Final = 80  # that are left of a long line before the place
_WORD: Final = re.compile(r"\w+|.", re.DOTALL)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the statement; of the wrong one `wrong` is the word at the place."""

    number: int
    before: str
    wrong: str | None = None
    after: str = ""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """The place, from 1, and what stands around it."""

    line: int
    column: int
    lines: tuple[Line, ...]


def find(sql: str, facts: Mapping[str, Any]) -> Fault | None:
    """What the facts of a refusal say of a statement; None where they name no place of it."""
    line, column = facts.get("line"), facts.get("column")
    lines = [each.removesuffix("\r") for each in sql.split("\n")]
    if not isinstance(line, int) or not isinstance(column, int) or not 1 <= line <= len(lines):
        return None
    column = min(max(column, 1), len(lines[line - 1]) + 1)
    first = max(1, line - LINES_AROUND)
    around = enumerate(lines[first - 1 : line + LINES_AROUND], first)
    shown = tuple(
        _wrong(number, text, column) if number == line else Line(number=number, before=_cut(text))
        for number, text in around
    )
    return Fault(line=line, column=column, lines=shown)


def _wrong(number: int, text: str, column: int) -> Line:
    at = column - 1
    found = _WORD.match(text, at)
    end = at if found is None else found.end()
    start = at - BEFORE_CHARS if len(text) > LINE_CHARS_MAX and at > BEFORE_CHARS else 0
    before = f"…{text[start:at]}" if start else text[:at]
    return Line(number=number, before=before, wrong=_cut(text[at:end]), after=_cut(text[end:]))


def _cut(text: str) -> str:
    return text if len(text) <= LINE_CHARS_MAX else f"{text[:LINE_CHARS_MAX]}…"
