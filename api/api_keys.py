"""/api/auth/api-keys: a user's own keys for programs."""

import base64
from datetime import datetime
from typing import Annotated, Final

import msgspec

from api.authentication import key_proof, key_seen
from api.call import Call, Done
from api.sessions import own_account
from commands.api_keys import NAME, CreateApiKey, RevokeApiKey
from domain import api_keys as rules
from domain.api_keys import KeyId
from domain.permissions import EVERY
from projections import api_keys

PERMISSIONS_MAX: Final = len(EVERY)


class NewKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a creation; `expires_at` names its zone, `permissions` narrow the key."""

    name: Annotated[str, msgspec.Meta(max_length=rules.NAME_LENGTH_MAX)]
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    permissions: Annotated[frozenset[str], msgspec.Meta(max_length=PERMISSIONS_MAX)] | None = None


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key in the list."""

    id: str
    name: str
    key_prefix: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    permissions: list[str] | None  # None: all that the owner has


class KeyMade(KeyView, frozen=True, kw_only=True):
    """A new key; `key` is shown this once."""

    key: str


async def create_key(call: Call, data: NewKey) -> KeyMade:
    """Make an API key; it is shown once."""
    platform, account = call.platform, own_account(call)
    key = rules.spell(_seed(platform.new_token()))
    key_id, name = KeyId(platform.new_id()), data.name.strip()
    names = _sorted(data.permissions)
    outcome = await call.send(
        CreateApiKey(
            key_id=key_id,
            user_id=account.user_id,
            name=name,
            proof=key_proof(key, platform),
            prefix=key[: rules.PREFIX_LENGTH],
            expires_at=data.expires_at,
            permissions=None if names is None else tuple(names),
            at=platform.clock(),
        )
    )
    return KeyMade(
        id=key_id,
        name=name,
        key_prefix=key[: rules.PREFIX_LENGTH],
        created_at=outcome.recorded[0].at,
        last_used_at=None,
        expires_at=data.expires_at,
        permissions=names,
        key=key,
    )


async def list_keys(call: Call) -> list[KeyView]:
    """List one's own API keys: prefix and dates, never the keys."""
    secrets, seen = call.platform.secrets, call.platform.seen
    return [
        KeyView(
            id=key.key_id,
            name=(secrets.read(NAME, key.key_id) or b"").decode(),
            key_prefix=key.prefix,
            created_at=key.created_at,
            last_used_at=seen.last(key_seen(key.key_id)),
            expires_at=key.expires_at,
            permissions=_sorted(key.permissions),
        )
        for key in api_keys.of_user(call.views, own_account(call).user_id)
    ]


async def revoke_key(call: Call, key_id: str) -> Done:
    """Revoke one of one's own API keys."""
    user_id = own_account(call).user_id
    await call.send(RevokeApiKey(key_id=KeyId(key_id), user_id=user_id))
    return Done()


def _sorted(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _seed(token: str) -> bytes:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
