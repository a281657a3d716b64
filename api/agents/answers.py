"""What a tool answers: JSON, cut to a size that a model can read, and saying so.

What is cut is the longest list, so that what is left is JSON still; an answer that is long
otherwise is cut as text.
"""

import json
from typing import Any, Final, NamedTuple

ANSWER_CHARS_MAX: Final = 40_000  # some 10,000 tokens; clients complain or cut above 25,000
ROOM_CHARS: Final = 1_000  # kept free for what is said about the cut


class Cut(NamedTuple):
    """An answer as text; `note` says what is missing."""

    text: str
    note: str | None


def told(answer: Any, chars_max: int = ANSWER_CHARS_MAX) -> Cut:
    """An answer as text, in at most so many characters together with its note."""
    whole = _json(answer)
    if len(whole) <= chars_max:
        return Cut(whole, None)
    room = chars_max - ROOM_CHARS
    return _shorter(answer, room) or Cut(
        whole[:room],
        f"This is the beginning of a long answer, cut as text: {room:,} of {len(whole):,}"
        " characters. Ask for less.",
    )


def _shorter(answer: Any, room: int) -> Cut | None:
    """The answer with as much of its longest list as there is room for; None: it does not help."""
    name, values = _longest(answer)
    if values is None:
        return None

    def kept(count: int) -> str:
        return _json(values[:count] if name is None else {**answer, name: values[:count]})

    low, high = 0, len(values) - 1
    if len(kept(low)) > room:
        return None
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(kept(middle)) <= room else (low, middle - 1)
    what = "the answer" if name is None else repr(name)
    return Cut(
        kept(low),
        f"This answer was too long: it holds the first {low:,} of {len(values):,} entries of"
        f" {what}. Ask for less, by a filter, a LIMIT or fewer columns.",
    )


def _longest(answer: Any) -> tuple[str | None, list[Any] | None]:
    """The longest list of an answer in characters, and its name; the answer itself has none."""
    if isinstance(answer, list):
        return None, answer
    if not isinstance(answer, dict):
        return None, None
    lists = {name: value for name, value in answer.items() if isinstance(value, list) and value}
    if not lists:
        return None, None
    name = max(lists, key=lambda each: len(_json(lists[each])))
    return name, lists[name]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
