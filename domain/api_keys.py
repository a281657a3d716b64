"""API keys: a user's way in for programs.

Invariants: a key belongs to one user and dies when that account loses its access, for good, and
with a restore that does not keep keys; a user has a bounded number of live keys. A key can be
narrowed to some permissions; it never has more than its owner has at the moment of use. A key's
name is free text, so it lies in the vault.
"""

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NewType

import msgspec

from domain import backups, permissions, users
from domain.kernel import Boundary, Clause, Event, Recorded, Refused
from domain.users import UserId

MARK: Final = "dango_ak_"
BODY_LENGTH: Final = 32  # base62 characters, 190 bits
CHECKSUM_LENGTH: Final = 6  # base62 characters of a CRC-32, as GitHub's tokens have them
PREFIX_LENGTH: Final = 12  # what lists show of a key
KEYS_PER_USER_MAX: Final = 100
NAME_LENGTH_MAX: Final = 128  # characters

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS: Final = [one + other for one in _ALPHABET for other in _ALPHABET]

KeyId = NewType("KeyId", str)


def spell(seed: bytes) -> str:
    """The key that 32 random bytes stand for."""
    body = _base62(int.from_bytes(seed), BODY_LENGTH)
    return MARK + body + _checksum(body)


def well_formed(key: str) -> bool:
    """Whether it can be a key at all: typing errors and junk are told without a look-up."""
    if len(key) != len(MARK) + BODY_LENGTH + CHECKSUM_LENGTH or not key.startswith(MARK):
        return False
    body, checksum = key[len(MARK) : -CHECKSUM_LENGTH], key[-CHECKSUM_LENGTH:]
    return body.isascii() and _checksum(body) == checksum


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    """The last `length` digits."""
    pairs = []
    for _ in range((length + 1) // 2):
        number, pair = divmod(number, len(_PAIRS))
        pairs.append(_PAIRS[pair])
    return "".join(reversed(pairs))[-length:]


def tag(key_id: str) -> str:
    """The tag of everything about one key."""
    return f"api_key:{key_id}"


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _KeyEvent(Event, frozen=True, kw_only=True):
    key_id: KeyId
    user_id: UserId

    def stream(self) -> str:
        return tag(self.key_id)

    def labels(self) -> tuple[str, ...]:
        return (users.tag(self.user_id),)


class ApiKeyCreated(_KeyEvent, frozen=True, kw_only=True, tag="api_key_created"):
    """A user made a key."""

    proof: str  # keyed digest of the key's SHA-256
    prefix: str
    expires_at: datetime | None
    permissions: tuple[str, ...] | None = None  # None: all that its owner has


class ApiKeyRevoked(_KeyEvent, frozen=True, kw_only=True, tag="api_key_revoked"):
    """A user took a key back."""


EVENTS: Final[tuple[type[Event], ...]] = (ApiKeyCreated, ApiKeyRevoked)


class ApiKeys(msgspec.Struct, frozen=True):
    """One account's keys, or one key alone, as the boundary has it."""

    active: bool = False  # the account
    live: Mapping[KeyId, ApiKeyCreated] = {}
    dead: ApiKeyCreated | ApiKeyRevoked | None = None  # the last one


def evolve(state: ApiKeys, recorded: Recorded) -> ApiKeys:
    """Fold one event."""
    replace = msgspec.structs.replace
    match recorded.event:
        case ApiKeyCreated(key_id=key) as created:
            return replace(state, live={**state.live, key: created})
        case ApiKeyRevoked(key_id=key) as revoked:
            live = {name: value for name, value in state.live.items() if name != key}
            return replace(state, live=live, dead=revoked)
        case users.UserCreated() | users.InviteAccepted():
            return replace(state, active=True)
        case users.UserReactivated(invited=invited):
            return replace(state, active=not invited)
        case users.UserDeactivated() | users.UserDeleted():
            return replace(_emptied(state), active=False)
        case backups.BackupRestored(keys_ended=True):
            return _emptied(state)
        case _:
            return state


def _emptied(state: ApiKeys) -> ApiKeys:
    """All keys end at once."""
    last = next(reversed([*state.live.values()]), state.dead)
    return msgspec.structs.replace(state, live={}, dead=last)


def of_user(user_id: UserId) -> Boundary:
    """An account and its keys."""
    account = (users.UserCreated, users.InviteAccepted, users.UserReactivated)
    own = Clause((*account, *users.ENDS_ACCESS, *EVENTS), (users.tag(user_id),))
    return (own, *backups.restores())


def one(key_id: KeyId, user_id: UserId) -> Boundary:
    """One key, and what ends all keys of its user."""
    return (
        Clause(EVENTS, (tag(key_id),)),
        Clause(users.ENDS_ACCESS, (users.tag(user_id),)),
        *backups.restores(),
    )


def create(state: ApiKeys, created: ApiKeyCreated, at: datetime) -> list[Event]:
    """Make a key. Raises ExpiryPast, PermissionUnknown, TooManyKeys, UserInactive."""
    if created.key_id in state.live:
        return []
    if created.expires_at is not None and created.expires_at <= at:
        raise ExpiryPast
    if created.permissions is not None and not _known(created.permissions):
        raise PermissionUnknown
    if not state.active:
        raise users.UserInactive
    usable = [k for k in state.live.values() if k.expires_at is None or k.expires_at > at]
    if len(usable) >= KEYS_PER_USER_MAX:
        raise TooManyKeys
    return [created]


def _known(names: tuple[str, ...]) -> bool:
    return bool(names) and permissions.EVERY.issuperset(names)


def revoke(state: ApiKeys, key_id: KeyId, user_id: UserId) -> list[Event]:
    """Take one of a user's own keys back. Raises KeyMissing, for others' too."""
    key = state.live.get(key_id) or state.dead
    if key is None or (key.key_id, key.user_id) != (key_id, user_id):
        raise KeyMissing
    return [ApiKeyRevoked(key_id=key_id, user_id=user_id)] if key_id in state.live else []


class KeyMissing(Refused):
    """The user has no such key."""

    def __init__(self) -> None:
        super().__init__("API key not found.")


class TooManyKeys(Refused):
    """A user's keys are bounded."""

    def __init__(self) -> None:
        super().__init__(f"A user can have {KEYS_PER_USER_MAX} API keys; revoke one first.")


class PermissionUnknown(Refused):
    """A key that is narrowed to nothing, or to what there is not."""

    def __init__(self) -> None:
        super().__init__("The permissions must be names of permissions, one at least.")


class ExpiryPast(Refused):
    """A key that would never be good for anything."""

    def __init__(self) -> None:
        super().__init__("The expiry must lie in the future.")
