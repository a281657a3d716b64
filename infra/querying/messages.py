"""The engine's errors as refusals: its own words, with line and column.

Neither server paths nor secrets are in them, but for those that the user wrote down themselves.
"""

import re
from collections.abc import Iterable

import duckdb

from commands import ports
from infra.querying import discreet, hints
from infra.workers import secrecy

# "…\n\nLINE 3: ...part of the line\n            ^" is how the engine shows a place.
PLACE = re.compile(r"\n*LINE (\d+): (.*)\n( *)\^", re.DOTALL)
EXCERPT_GAP = "..."
STACK_TRACE = "Stack Trace"  # the engine adds one to its internal errors
IN_PATH = r"[^\s'\"`,;:()\[\]{}]"
PATH = rf"(?<![\w./])(?:\w+:/)?(?:/{IN_PATH}+){{2,}}/?"
END_OF_INPUT = "syntax error at end of input"
MESSAGE_CHARS_MAX = 2000

Place = tuple[int, int]

_places: set[str] = set()  # where this process's warehouse lies


def refused(
    error: Exception, sql: str, columns: hints.Columns = tuple, *, values: bool = True
) -> ports.WorkRefused:
    """Give the engine's complaint about a statement as a refusal.

    Without `values` it repeats none of any row: it goes into the log, or to others than who asked.
    """
    message = str(error)
    place = None
    shown = PLACE.search(message)
    if shown:
        place = _place_in(sql, int(shown[1]), shown[2], len(shown[3]))
        message = message[: shown.start()]
    elif END_OF_INPUT in message:
        place = place_at(sql, len(sql.rstrip().encode()))
    message = " ".join(scrubbed(message, sql).split())[:MESSAGE_CHARS_MAX]
    message = message if values else discreet.told(message)
    if place is None and (column := hints.missing_column(message)) is not None:
        place = _place_of(column, sql)
    return with_place(hints.worded(message, columns), place)


def failed(error: duckdb.Error) -> ports.WorkFailed:
    """Give a failure that the statement is not to blame for: a missing file, a broken engine."""
    message = str(error).split(STACK_TRACE, 1)[0]
    message = " ".join(scrubbed(message, "").split())[:MESSAGE_CHARS_MAX]
    return ports.WorkFailed(f"The warehouse could not be read: {message}")


def with_place(reason: str, place: Place | None) -> ports.WorkRefused:
    """Refuse, with line and column both in the sentence and as facts where they are known."""
    if place is None:
        return ports.WorkRefused(reason)
    line, column = place
    return ports.WorkRefused(f"{reason} (line {line}, column {column})", line=line, column=column)


def place_at(sql: str, offset: int | None) -> Place | None:
    """Turn an offset in bytes into line and column, both from 1, columns in characters."""
    if offset is None:
        return None
    before = sql.encode()[:offset].decode(errors="ignore")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def hide_places(paths: Iterable[str]) -> None:
    """Name the paths to be known by their text: they may hold blanks, where PATH would end."""
    _places.update(path for path in paths if path.strip("/"))


def scrubbed(message: str, sql: str) -> str:
    """Take out the secrets of the settings, and each path that the user did not write."""
    known = [f"{re.escape(path)}{IN_PATH}*" for path in sorted(_places, key=len, reverse=True)]
    path = re.compile("|".join((*known, PATH)))
    message = secrecy.hidden(message, sql)
    return path.sub(lambda found: found[0] if found[0] in sql else "(a path)", message)


def _place_of(name: str, sql: str) -> Place | None:
    """Where a name stands, if it stands in one place alone."""
    found = list(re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.IGNORECASE))
    return place_at(sql, len(sql[: found[0].start()].encode())) if len(found) == 1 else None


def _place_in(sql: str, line: int, excerpt: str, indent: int) -> Place | None:
    lines = sql.split("\n")
    if line > len(lines):
        return None
    at = indent - len(f"LINE {line}: ")
    if excerpt in lines[line - 1] or not excerpt.startswith(EXCERPT_GAP):
        start = max(lines[line - 1].find(excerpt.removesuffix(EXCERPT_GAP)), 0)
        return line, start + at + 1
    part = excerpt.removeprefix(EXCERPT_GAP).removesuffix(EXCERPT_GAP)
    start = lines[line - 1].find(part)
    return (line, start + at - len(EXCERPT_GAP) + 1) if start >= 0 else None
