"""A source as somebody wants it written into sources.yml.

The file is the people's and the only truth: a draft is written there, and what then is read of it
becomes the events. Invariants: one source of a name, whatever its case; no secret stands in the
file, only its name.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from domain.kernel import Refused
from domain.source_types.secret import literals
from domain.source_types.table import TYPES, OptionInvalid, options
from domain.sources import SourceMissing

POLICIES: Final = ("block", "allow")  # whether an input without rows may empty the table


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What of a source is to be otherwise; None stays as it is."""

    enabled: bool | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    schema: str | None = None
    lookback_days: int | None = None
    empty_sync_policy: str | None = None
    options: dict[str, Any] | None = None  # the whole block of its type


class Draft(Change, frozen=True, kw_only=True):
    """A source that is to be."""

    name: str
    type: str


def add(there: Iterable[str], draft: Draft) -> None:
    """Whether the draft can be added. Raises SourceThere, SourceTypeUnknown, OptionInvalid."""
    if draft.name.casefold() in {name.casefold() for name in there}:
        raise SourceThere(draft.name)
    check(draft.type, {} if draft.options is None else draft.options)


def change(there: dict[str, str], name: str, wanted: Change) -> None:
    """Whether a source can be changed; `there` has the types by name.

    Raises SourceMissing, SourceTypeUnknown, OptionInvalid, SecretInFile.
    """
    if name not in there:
        raise SourceMissing(name)
    if wanted.options is not None:
        check(there[name], wanted.options)


def check(type_name: str, block: dict[str, Any]) -> None:
    """Whether a block may be written. Raises SourceTypeUnknown, OptionInvalid, SecretInFile."""
    if type_name not in TYPES:
        raise SourceTypeUnknown
    try:
        paths = literals(options(type_name, block))
    except OptionInvalid as error:
        raise OptionInvalid(f".options{error.path}", error.reason) from None
    if paths:
        raise SecretInFile(paths[0])


def sparse(type_name: str, block: dict[str, Any], kept: Iterable[str]) -> dict[str, Any]:
    """A block without what its type takes by itself, except for keys that stand there already."""
    defaults = {
        field.encode_name: msgspec.to_builtins(field.default)
        for field in msgspec.structs.fields(TYPES[type_name].block)
        if field.default is not msgspec.NODEFAULT
    }
    there = frozenset(kept)
    return {
        key: value
        for key, value in block.items()
        if key in there or key not in defaults or defaults[key] != _plain(value)
    }


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def fields(wanted: Change) -> dict[str, Any]:
    """The keys that are written, in the order of the file's own examples."""
    found: dict[str, Any] = {}
    if isinstance(wanted, Draft):
        found = {"name": wanted.name, "type": wanted.type}
    for key in ("enabled", "description", "tags", "schema", "lookback_days", "empty_sync_policy"):
        value = getattr(wanted, key)
        if value is not None:
            found[key] = list(value) if isinstance(value, tuple) else value
    return found


class SourceThere(Refused):
    """A source of this name is there."""

    def __init__(self, source: str) -> None:
        super().__init__(f"A source '{source}' is there already.")


class SourceTypeUnknown(Refused):
    """A type that there is not, or whose block is not known."""

    def __init__(self) -> None:
        super().__init__("type: is not a type of source; GET /api/source-types lists them")


class SecretInFile(Refused):
    """A secret that would stand in the file itself."""

    def __init__(self, path: str) -> None:
        where = f"options{path}"
        message = "must be ${NAME}: put the value into the vault, POST /api/secrets"
        super().__init__(f"{where}: {message}", fields=[{"path": where, "message": message}])


class ConfigurationChanged(Refused):
    """Somebody wrote the file at the same moment."""

    def __init__(self, file: str) -> None:
        super().__init__(f"{file} was changed by somebody else meanwhile; look, and try again.")


class ConfigurationUnreadable(Refused):
    """The file cannot be read as it is, so that nothing can be written into it."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; correct it first")


class ChangeInvalid(Refused):
    """What the file would say could not be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
