"""What was probably meant: the engine's candidates and ours, in one form of words."""

import difflib
import re
from collections.abc import Callable, Iterable

import duckdb

from infra.querying import functions
from infra.querying.relations import Relation, fold
from infra.warehouse.quoting import identifier

SUGGESTED_MAX = 3
RELATIONS_LOOKED_AT_MAX = 20
SIMILAR_MIN = 0.75  # of 1; less is a guess
NAME_CHARS_MAX = 200
# "…\nCandidate bindings: : "id", "x"": its own list, to the end of what it says.
CANDIDATES = re.compile(r"\s*(?:Candidate (?:bindings|tables|Entries): |Did you mean: ):? ?(.+)$")
MISSING = re.compile(r'[Cc]olumn (?:named )?"([^"]+)"')
UNSURE = re.compile(r"not found|does not (?:have|exist)")
# What the engine calls a relation in which some columns are constants.
VALUES_LIST = 'Values list "'

Columns = Callable[[], Iterable[str]]


def worded(message: str, columns: Columns) -> str:
    """The engine's complaint with what was probably meant; `columns` are asked for only then."""
    message = message.replace(VALUES_LIST, 'Table "')
    found = CANDIDATES.search(message)
    if found:
        names = found[1].split(", ")[:SUGGESTED_MAX]
        return f"{_sentence(message[: found.start()])} Did you mean {' or '.join(names)}?"
    missing = MISSING.search(message)
    if missing is None or not UNSURE.search(message):
        return message
    meant = close(missing[1], columns())
    return f'{_sentence(message)} Did you mean "{meant}"?' if meant else message


def missing_column(message: str) -> str | None:
    """The column that the engine did not find."""
    missing = MISSING.search(message)
    return missing[1] if missing and UNSURE.search(message) else None


def function(name: str, known: Iterable[str] = functions.SCALARS) -> str:
    """Say that a function is none of those that may be called."""
    shown = name[:NAME_CHARS_MAX]
    meant = close(fold(name), known)
    return f"The function {shown} is not allowed." + (f" Did you mean {meant}?" if meant else "")


def close(name: str, known: Iterable[str]) -> str | None:
    """The known name that is written most like it."""
    spelled = {fold(one): one for one in known}
    found = difflib.get_close_matches(fold(name[:NAME_CHARS_MAX]), spelled, 1, SIMILAR_MIN)
    return spelled[found[0]] if found else None


def columns_of(
    con: duckdb.DuckDBPyConnection, source: str, relations: Iterable[Relation]
) -> list[str]:
    """The columns of a few relations, as far as they can be read."""
    names: list[str] = []
    for schema, name in list(relations)[:RELATIONS_LOOKED_AT_MAX]:
        try:
            con.execute(f"FROM {source}.{identifier(schema)}.{identifier(name)} LIMIT 0")
        except duckdb.Error:
            return names  # there is a complaint already; this is only to make it clearer
        names += [str(column[0]) for column in con.description or []]
    return names


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
