"""A source as somebody wants it written into sources.yml.

The file is the people's and the only truth: a draft is written there, and what then is read of it
becomes the events. Invariants: one source of a name, whatever its case; no secret stands in the
file, only its name; what goes beyond a source's own data is written by those alone who may.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from domain.kernel import Refused
from domain.source_types.secret import literals, masked
from domain.source_types.table import TYPES, OptionInvalid, options
from domain.source_types.trust import PERMISSION, demands, secret_given
from domain.sources import Source, SourceMissing

Digest = Callable[[str, str], str]  # of a kind and a text, keyed

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
    trusted: bool = False  # who wants it has the permission of domain/source_types/trust.py
    revision: str | None = None  # of the source that was looked at; None: whatever it is


class Draft(Change, frozen=True, kw_only=True):
    """A source that is to be."""

    name: str
    type: str


def add(there: Iterable[str], draft: Draft) -> None:
    """Whether the draft can be added.

    Raises SourceThere, SourceTypeUnknown, OptionInvalid, SecretInFile, TrustNeeded.
    """
    if draft.name.casefold() in {name.casefold() for name in there}:
        raise SourceThere(draft.name)
    block = check(draft.type, {} if draft.options is None else draft.options)
    _trust(demands(draft.type, None, block), trusted=draft.trusted)


def change(there: Iterable[Source], name: str, wanted: Change, digest: Digest) -> None:
    """Whether a source can be changed.

    Raises SourceMissing, SourceChanged, SourceTypeUnknown, OptionInvalid, SecretInFile,
    TrustNeeded.
    """
    before = next((source for source in there if source.name == name), None)
    if before is None:
        raise SourceMissing(name)
    if wanted.revision not in (None, revision(before, digest)):
        raise SourceChanged(name)
    block = before.options if wanted.options is None else check(before.type, wanted.options)
    _trust(demands(before.type, before.options, block), trusted=wanted.trusted)


def revision(source: Source, digest: Digest) -> str:
    """What is another one whenever the source says something else."""
    return digest("source_revision", msgspec.json.encode(source).decode())


def check(type_name: str, block: dict[str, Any]) -> dict[str, Any]:
    """Give a block that may be written as a whole one.

    Raises SourceTypeUnknown, OptionInvalid, SecretInFile.
    """
    if type_name not in TYPES:
        raise SourceTypeUnknown
    try:
        typed = options(type_name, block)
    except OptionInvalid as error:
        raise OptionInvalid(f".options{error.path}", error.reason) from None
    if paths := literals(typed):
        raise SecretInFile(paths[0])
    return masked(typed)


def give(before: Any, after: Any, *, trusted: bool) -> None:
    """Whether a value of a webhook or a schedule may be written. Raises TrustNeeded."""
    _trust(secret_given(before, after), trusted=trusted)


def _trust(why: str | None, *, trusted: bool) -> None:
    if why is not None and not trusted:
        raise TrustNeeded(why)


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


class TrustNeeded(Refused):
    """What only those may write who look after the server."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Permission denied: {PERMISSION} ({why})", permission=PERMISSION)


class SourceChanged(Refused):
    """It is not the one any more that was looked at."""

    def __init__(self, source: str) -> None:
        super().__init__(f"Source '{source}' was changed by somebody else meanwhile; look again.")


class SourceThere(Refused):
    """A source of this name is there."""

    def __init__(self, source: str) -> None:
        super().__init__(f"A source '{source}' is there already.")


class SourceTypeUnknown(Refused):
    """A type that there is not, or whose block is not known."""

    def __init__(self) -> None:
        super().__init__(
            "type: is not a type of source; GET /api/source-types and `dango source types`"
            " list them"
        )


class SecretInFile(Refused):
    """A secret that would stand in the file itself."""

    def __init__(self, path: str) -> None:
        where = f"options{path}"
        message = (
            "must be ${NAME}: put the value into the vault, `dango secrets set NAME` or"
            " POST /api/secrets"
        )
        super().__init__(f"{where}: {message}", fields=[{"path": where, "message": message}])


class ConfigurationChanged(Refused):
    """Somebody wrote the file at the same moment."""

    def __init__(self, file: str) -> None:
        super().__init__(f"{file} was changed by somebody else meanwhile; look, and try again.")


class ConfigurationUnreadable(Refused):
    """The file cannot be read as it is, so that nothing can be written into it."""

    def __init__(self, reason: str, **where: str | int | None) -> None:
        known = {name: value for name, value in where.items() if value is not None}
        super().__init__(f"{reason}; correct it first", **known)


class ChangeInvalid(Refused):
    """What the file would say could not be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
