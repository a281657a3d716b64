"""Secrets by name: what sources.yml writes as `${NAME}`, and the vault has.

Events tell that a secret was set, and a keyed digest that tells one value from another; the value
is in the vault alone. Invariants: a name is one that a file can refer to; there is a bounded number
of them; an existing project's `.env` is taken over once, and never over what is there.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec

from domain.kernel import Boundary, Event, Recorded, Refused, about
from domain.source_types.secret import NAME

ALL: Final = "secrets"  # the tag of everything that changes which secrets there are
NAME_LENGTH_MAX: Final = 128  # characters
VALUE_BYTES_MAX: Final = 64 * 1024
SECRETS_MAX: Final = 1_000


def tag(name: str) -> str:
    """The tag of everything about one secret."""
    return f"secret:{name}"


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _SecretEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "config.manage"
    variable: str  # the NAME of ${NAME}

    def stream(self) -> str:
        return tag(self.variable)

    def labels(self) -> tuple[str, ...]:
        return (ALL,)


class SecretSet(_SecretEvent, frozen=True, kw_only=True, tag="secret_set"):
    """A secret has a value now, or another one."""

    proof: str  # keyed digest of the value


class SecretRemoved(_SecretEvent, frozen=True, kw_only=True, tag="secret_removed"):
    """A secret is gone; what refers to it fails until it is set again."""


class SecretsImported(Event, frozen=True, kw_only=True, tag="secrets_imported"):
    """The `.env` of an existing project was taken over; it is not read again."""

    permission: ClassVar[str] = "config.manage"
    variables: tuple[str, ...]
    file: str

    def stream(self) -> str:
        return ALL

    def labels(self) -> tuple[str, ...]:
        return tuple(tag(name) for name in self.variables)


EVENTS: Final[tuple[type[Event], ...]] = (SecretSet, SecretRemoved, SecretsImported)


class Secrets(msgspec.Struct, frozen=True):
    """The secrets that there are, with the digests of their values, and those that were removed."""

    known: Mapping[str, str] = {}
    removed: frozenset[str] = frozenset()
    imported: bool = False


def evolve(state: Secrets, recorded: Recorded) -> Secrets:
    """Fold one event."""
    match recorded.event:
        case SecretSet(variable=name, proof=proof):
            return Secrets({**state.known, name: proof}, state.removed - {name}, state.imported)
        case SecretRemoved(variable=name):
            known = {k: v for k, v in state.known.items() if k != name}
            return Secrets(known, state.removed | {name}, state.imported)
        case SecretsImported(variables=names):
            known = {**state.known, **dict.fromkeys(names, "")}
            return Secrets(known, state.removed - set(names), imported=True)
        case _:
            return state


def boundary() -> Boundary:
    """All secrets."""
    return about(ALL)


def put(state: Secrets, wanted: SecretSet, size_bytes: int) -> list[Event]:
    """Give a secret a value. Raises SecretNameInvalid, SecretValueInvalid, TooManySecrets."""
    _check_name(wanted.variable)
    if not 0 < size_bytes <= VALUE_BYTES_MAX:
        raise SecretValueInvalid
    if state.known.get(wanted.variable) == wanted.proof:
        return []
    if wanted.variable not in state.known and len(state.known) >= SECRETS_MAX:
        raise TooManySecrets
    return [wanted]


def remove(state: Secrets, name: str) -> list[Event]:
    """Take a secret away. Raises SecretMissing."""
    if name in state.known:
        return [SecretRemoved(variable=name)]
    if name in state.removed:
        return []
    raise SecretMissing


def take_over(state: Secrets, wanted: SecretsImported) -> list[Event]:
    """Take a file's values, once. Raises SecretThere, SecretNameInvalid, TooManySecrets."""
    if state.imported or not wanted.variables:
        return []
    for name in wanted.variables:
        _check_name(name)
        if name in state.known:
            raise SecretThere
    if len(state.known) + len(wanted.variables) > SECRETS_MAX:
        raise TooManySecrets
    return [wanted]


def _check_name(name: str) -> None:
    if len(name) > NAME_LENGTH_MAX or not NAME.fullmatch(name):
        raise SecretNameInvalid


class SecretNameInvalid(Refused):
    """A name that no file could refer to."""

    def __init__(self) -> None:
        super().__init__(
            "key: must be letters, digits and underscores, no digit first,"
            f" at most {NAME_LENGTH_MAX} characters"
        )


class SecretValueInvalid(Refused):
    """Nothing at all, or more than a secret can be."""

    def __init__(self) -> None:
        super().__init__(f"value: must not be empty, nor longer than {VALUE_BYTES_MAX} bytes")


class SecretMissing(Refused):
    """No secret has this name."""

    def __init__(self) -> None:
        super().__init__("There is no secret of this name.")


class SecretThere(Refused):
    """A file is taken over only for names that are free."""

    def __init__(self) -> None:
        super().__init__("A secret of one of these names is there already.")


class TooManySecrets(Refused):
    """The number of secrets is bounded."""

    def __init__(self) -> None:
        super().__init__(f"There can be {SECRETS_MAX} secrets; remove one first.")
