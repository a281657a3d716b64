"""Plain values as types, and where they do not fit: a path and a reason, never the value."""

import re
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

_AT: Final = re.compile(r" - at `(?:key in )?\$?([^`]*)`$")
_UNKNOWN: Final = re.compile(r"contains unknown field `([^`]*)`$")


class ShapeWrong(Exception):
    """A value that is not of its type; `path` is where, like `.sources[0].name`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason


def typed(value: Any, kind: type[T]) -> T:
    """A plain value as a type; numbers may be spelled as text. Raises ShapeWrong."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        text = str(error)
        found = _AT.search(text)
        path = found[1] if found else ""
        reason = text[: found.start()] if found else text
        if (unknown := _UNKNOWN.search(reason)) is not None:
            path += f".{unknown[1]}"
        raise ShapeWrong(path, reason) from None
