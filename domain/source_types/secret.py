"""Values that must not stand in a configuration file: `${NAME}` stands there, the vault has it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MASK: Final = "****"
UNSET: Final = "Secret '{0}' is not set. Give it a value with: dango secrets set {0}"
REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TELLING: Final = re.compile(r"pass|pwd|secret|token|key|sig|credential", re.IGNORECASE)

# A value that is a secret as a whole.
Secret = Annotated[
    str, msgspec.Meta(extra={"secret": True}, extra_json_schema={"format": "password"})
]
# A URL that may hold a password: that part, if there is one, must be a reference.
SecretUrl = Annotated[
    str, msgspec.Meta(extra={"secret": "url"}, extra_json_schema={"format": "password"})
]


def reference(name: str) -> str:
    """How a configuration file names a secret."""
    return f"${{{name}}}"


def references(value: Any) -> frozenset[str]:
    """The NAMEs of every `${NAME}` in a block, whatever it is made of."""
    match value:
        case str():
            return frozenset(REFERENCE.findall(value))
        case msgspec.Struct():
            return references(msgspec.structs.asdict(value))
        case Mapping():
            return references([*value.keys(), *value.values()])
        case Sequence() | set() | frozenset():
            return frozenset[str]().union(*map(references, value))
        case _:
            return frozenset()


def filled(value: Any, secrets: Mapping[str, str]) -> Any:
    """A block of plain values with the secrets in the places of their references.

    Raises KeyError with the name of one that is not there.
    """
    match value:
        case str():
            return REFERENCE.sub(lambda found: secrets[found[1]], value)
        case Mapping():
            return {key: filled(item, secrets) for key, item in value.items()}
        case list() | tuple():
            return [filled(item, secrets) for item in value]
        case _:
            return value


def literals(block: msgspec.Struct) -> list[str]:
    """The paths of the secrets that stand in a block themselves, like `.headers[0].value`."""
    return [".".join(("", *path)).replace(".[", "[") for path in _found(block)]


def masked(block: msgspec.Struct) -> dict[str, Any]:
    """A block as plain values, with `****` for each secret that stands in it itself."""
    plain = msgspec.to_builtins(block)
    for path in _found(block):
        place: Any = plain
        for step in path[:-1]:
            place = place[_step(step)]
        place[_step(path[-1])] = MASK
    # Events bring it back as JSON has it.
    return dict(msgspec.json.decode(msgspec.json.encode(plain)))


def _found(block: msgspec.Struct) -> list[tuple[str, ...]]:
    return list(_walk(msgspec.inspect.type_info(type(block)), block, ()))


def _walk(
    kind: msgspec.inspect.Type, value: Any, path: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """The paths of secrets that are no references; types tell which values are secrets."""
    inspect = msgspec.inspect
    match kind:
        case inspect.Metadata(type=inner, extra=extra):
            if extra and isinstance(value, str) and _literal(extra.get("secret"), value):
                yield path
            else:
                yield from _walk(inner, value, path)
        case inspect.UnionType(types=types):
            yield from dict.fromkeys(found for each in types for found in _walk(each, value, path))
        case inspect.StructType(cls=cls, fields=fields) if isinstance(value, cls):
            for field in fields:
                inner_value = getattr(value, field.name)
                yield from _walk(field.type, inner_value, (*path, field.encode_name))
        case _:
            yield from _items(kind, value, path)


def _items(
    kind: msgspec.inspect.Type, value: Any, path: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    inspect = msgspec.inspect
    if isinstance(kind, inspect.DictType) and isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(kind.value_type, item, (*path, str(key)))
    if isinstance(kind, inspect.ListType | inspect.VarTupleType) and isinstance(
        value, list | tuple
    ):
        for number, item in enumerate(value):
            yield from _walk(kind.item_type, item, (*path, f"[{number}]"))


def _step(step: str) -> str | int:
    return int(step[1:-1]) if step.startswith("[") else step


def _literal(kind: Any, text: str) -> bool:
    if not text or REFERENCE.fullmatch(text):
        return False
    return _has_password(text) if kind == "url" else bool(kind)


def _has_password(url: str) -> bool:
    """Whether a URL, or a connection string, tells a secret. What is no URL is taken for one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    if not parts.scheme:
        return True
    said = [value for name, value in parse_qsl(parts.query) if _TELLING.search(name)]
    if parts.password:
        said.append(unquote(parts.password))
    return any(not REFERENCE.fullmatch(value) for value in said)
