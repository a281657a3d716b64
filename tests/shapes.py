"""Any value of any command or event, made from its type: a new one needs no new strategy."""

import enum
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from hypothesis import strategies as st

TEXTS = st.text(max_size=8)
MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | TEXTS
LEAVES = {
    str: TEXTS,
    int: st.integers(0, 2**53),
    float: st.floats(0, 1e9),
    bool: st.booleans(),
    bytes: st.binary(max_size=8),
    datetime: MOMENTS,
    type(None): st.none(),
    typing.Any: SCALARS | st.lists(SCALARS, max_size=2),
}


def of(kind):
    """Values of a type."""
    kind = getattr(kind, "__supertype__", kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([of(part) for part in arguments])
    if origin is tuple and arguments[1:] == (...,):
        return st.lists(of(arguments[0]), max_size=3).map(tuple)
    if origin in (dict, Mapping):
        return st.dictionaries(*map(of, arguments), max_size=2)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{n: of(hints[n]) for n in kind.__struct_fields__})
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    return LEAVES[kind]


def made(kind, random, leaf, field=""):
    """One value of a type; `leaf(kind, field)` makes the plain ones. Denser than `of` in luck."""
    kind = getattr(kind, "__supertype__", kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return made(random.choice(arguments), random, leaf, field)
    if origin is tuple and arguments[1:] == (...,):
        parts = range(random.randint(0, 2))
        return tuple(made(arguments[0], random, leaf, field) for _ in parts)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        return kind(**{n: made(hints[n], random, leaf, n) for n in kind.__struct_fields__})
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return random.choice(list(kind))
    return {} if origin in (dict, Mapping) else leaf(kind, field)


def walked(kind, path=()):
    """Every field below a type, as (path, type), containers and nested structs opened."""
    kind = getattr(kind, "__supertype__", kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        for name in kind.__struct_fields__:
            yield (*path, name), hints[name]
            yield from walked(hints[name], (*path, name))
    for part in typing.get_args(kind):
        yield from walked(part, path)
