"""/api/secrets: the values behind `${NAME}`, by name; nobody is shown a value."""

from datetime import datetime
from typing import Final

import msgspec

from api.call import Call
from commands.secrets import VALUE, RemoveSecret, SetSecret
from domain import grants as rules
from domain.source_types.secret import MASK, references
from projections import grants, secrets, sources

SHOWN_CHARS: Final = 4  # of the end of a value, by which people know it again
SHOWN_FROM_CHARS: Final = 16  # a shorter value would be given away by them


class SecretBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A secret to set."""

    key: str
    value: str


class SecretView(msgspec.Struct, frozen=True, kw_only=True):
    """A secret in the list; `used_by` are the sources whose configuration names it."""

    key: str
    masked_value: str
    source: str
    set_at: datetime
    set_by: str
    used_by: list[str]


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A name that sources refer to, and that nobody has set."""

    key: str
    used_by: list[str]


class GrantShort(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider gave, for a type of source."""

    source_type: str
    provider: str
    identifier: str
    connected_at: datetime
    expires_at: datetime | None
    source: str = "oauth"


class SecretList(msgspec.Struct, frozen=True, kw_only=True):
    """All secrets; `oauth_credentials` are those that a provider gave."""

    env_vars: list[SecretView]
    missing: list[Missing]
    oauth_credentials: list[GrantShort] = []


class SecretSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    message: str
    key: str


async def list_secrets(call: Call) -> SecretList:
    """List the secrets, masked, with the sources that use them."""
    used: dict[str, list[str]] = {}
    for health in sources.every(call.views):
        for name in references(health.config.options):
            used.setdefault(name, []).append(health.config.name)
    found = secrets.every(call.views)
    given = grants.every(call.views)
    known = {secret.name for secret in found} | {rules.variable(g.source_type) for g in given}
    return SecretList(
        env_vars=[
            SecretView(
                key=secret.name,
                masked_value=_masked(call, secret.name),
                source="vault",
                set_at=secret.set_at,
                set_by=secret.set_by,
                used_by=used.get(secret.name, []),
            )
            for secret in found
        ],
        missing=[
            Missing(key=name, used_by=names)
            for name, names in sorted(used.items())
            if name not in known
        ],
        oauth_credentials=[
            GrantShort(
                source_type=each.source_type,
                provider=each.provider,
                identifier=each.source_type,
                connected_at=each.connected_at,
                expires_at=each.expires_at,
            )
            for each in given
        ],
    )


async def set_secret(call: Call, data: SecretBody) -> SecretSaid:
    """Give a secret a value; sources refer to it as `${key}`."""
    proof = call.platform.secrets.digest(VALUE, f"{data.key}\0{data.value}")
    there = any(secret.name == data.key for secret in secrets.every(call.views))
    await call.send(SetSecret(secret=data.key, value=data.value.encode(), proof=proof))
    return SecretSaid(message=f"Secret {'updated' if there else 'created'}.", key=data.key)


async def remove_secret(call: Call, key: str) -> SecretSaid:
    """Remove a secret; sources that refer to it fail until it is set again."""
    await call.send(RemoveSecret(secret=key))
    return SecretSaid(message=f"Deleted '{key}'.", key=key)


def _masked(call: Call, name: str) -> str:
    value = (call.platform.secrets.read(VALUE, name) or b"").decode()
    return MASK + (value[-SHOWN_CHARS:] if len(value) >= SHOWN_FROM_CHARS else "")
