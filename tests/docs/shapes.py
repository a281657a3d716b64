"""What pages need to know of structs: their fields in words, and samples with names for values."""

import inspect
import itertools
import re
import types
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated, Any, Final, NewType, Union, get_args, get_origin, get_type_hints

import msgspec

SAMPLES_MAX: Final = 256  # of one struct: enough for every tag to show
_NAMES: Final = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    bytes: "bytes",
    type(None): "null",
    Any: "anything",
    msgspec.Raw: "JSON",
}
_COMMENT: Final = re.compile(r"^ {4}(\w+): .*?\s# (.*)$", re.MULTILINE)


def cell(text: object) -> str:
    """Text that may stand in a table."""
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(head: tuple[str, ...], rows: Iterator[tuple[object, ...]] | list[Any]) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(cell(value) for value in row)} |" for row in rows]
    return "\n".join(lines)


def summary(thing: Any) -> str:
    """A docstring as one line."""
    return " ".join((inspect.getdoc(thing) or "").split())


def words(annotation: Any) -> str:
    """A type in the words of JSON."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in _NAMES:
        return _NAMES[annotation]
    if isinstance(annotation, NewType):
        return words(annotation.__supertype__)
    if origin is Annotated:
        return words(inner[0]) + _bounded(inner[1:])
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(words(each) for each in inner))
    if origin in (tuple, list, frozenset):
        return f"list of {words(inner[0])}"
    if origin is dict:
        return "object"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{each.value}`" for each in annotation)
    return {"datetime": "time"}.get(annotation.__name__, f"`{annotation.__name__}`")


def _bounded(marks: tuple[Any, ...]) -> str:
    longest = (m.max_length for m in marks if isinstance(m, msgspec.Meta) and m.max_length)
    return "".join(f", at most {length}" for length in longest)


def comments(struct: type[msgspec.Struct]) -> dict[str, str]:
    """What the code says beside each field, of the struct and those that it extends."""
    found: dict[str, str] = {}
    for each in reversed(struct.__mro__):
        if issubclass(each, msgspec.Struct) and each is not msgspec.Struct:
            found |= dict(_COMMENT.findall(inspect.getsource(each)))
    return found


def fields(struct: type[msgspec.Struct]) -> list[tuple[str, str, str, str]]:
    """Name, type, default and comment of each field."""
    hints, said = get_type_hints(struct, include_extras=True), comments(struct)
    return [
        (
            f"`{field.encode_name}`",
            words(hints[field.name]),
            default(field),
            said.get(field.name, ""),
        )
        for field in msgspec.structs.fields(struct)
    ]


def default(field: Any) -> str:
    """A field's default, empty when it has to be given."""
    if field.required:
        return ""
    value = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory()
    if isinstance(value, msgspec.Struct):
        return "its own defaults"
    return f"`{msgspec.json.encode(value).decode()}`"


def nested(structs: list[type[msgspec.Struct]]) -> list[type[msgspec.Struct]]:
    """The structs inside these, each once, in the order in which they are met."""
    found: dict[type[msgspec.Struct], None] = {}

    def look(annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
            if annotation not in structs and annotation not in found:
                found[annotation] = None
                for hint in get_type_hints(annotation).values():
                    look(hint)
            return
        for each in get_args(annotation):
            look(each)

    for struct in structs:
        for hint in get_type_hints(struct).values():
            look(hint)
    return list(found)


class Moment(str):
    """A time by its name, with which boundaries reckon days."""

    __slots__ = ()

    def __sub__(self, span: timedelta) -> "Moment":
        return Moment(f"{{{self[1:-1]} - {span.days} d}}")

    def date(self) -> "Moment":
        return self

    def isoformat(self) -> str:
        return self


def samples(struct: type[msgspec.Struct]) -> list[Any]:
    """Instances whose values are their own names in braces, one for each way to fill them."""
    hints = get_type_hints(struct)
    names = struct.__struct_fields__
    ways = [list(_values(name, hints[name])) for name in names]
    chosen = itertools.islice(itertools.product(*ways), SAMPLES_MAX)
    return [struct(**dict(zip(names, values, strict=True))) for values in chosen]


def _values(name: str, annotation: Any) -> Iterator[Any]:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        for each in inner:
            yield from _values(name, each)
    elif origin is tuple:
        yield from _several(name, inner[0])
    elif isinstance(annotation, type) and issubclass(annotation, Enum):
        yield from annotation
    else:
        yield _one(name, annotation)


def _one(name: str, annotation: Any) -> Any:
    plain = {type(None): None, bool: False}
    if annotation in plain:
        return plain[annotation]
    if get_origin(annotation) is dict:
        return {}
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return samples(annotation)[0]
    return Moment(f"{{{name}}}") if annotation is datetime else f"{{{name}}}"


def _several(name: str, annotation: Any) -> Iterator[tuple[Any, ...]]:
    one = next(_values(name.removesuffix("s"), annotation))
    yield (one,)
    if isinstance(one, str):
        yield (one, one)
