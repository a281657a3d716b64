"""/secrets: the values behind `${NAME}`, by name; nobody is shown a value."""

from functools import partial
from typing import Final
from urllib.parse import urlencode

import msgspec
from litestar import Response

from api import grants, secrets, vault
from api.call import Call
from api.pages import forms, lines, people, render
from domain import grants as grant_rules
from domain import secrets as rules
from projections import audit

# What is told of secrets: never a value.
CHANGES: Final = tuple(
    each.type_name() for each in (rules.SecretSet, rules.SecretRemoved, rules.SecretsImported)
)
CHANGES_SHOWN: Final = 20
BY_PLACE: Final = "shopify"  # is asked in the name of one shop
PLACE_CHARS_MAX: Final = 100


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A type of source that an account is connected for, or can be."""

    source_type: str
    grant: grants.GrantView | None
    connect: str  # where one agrees; empty: no client is set up, or the place is to be named first
    wants_place: bool


async def secrets_page(call: Call) -> Response[str]:
    """Show the secrets, masked, and those that are missing."""
    return await _page(call)


async def moved() -> Response[str]:
    """Lead to the secrets, from where the reference has them."""
    return render.found("/secrets")


async def set_secret(call: Call) -> Response[str]:
    """Give a secret a value."""
    given = await forms.read(call)
    return await forms.sent(
        partial(secrets.set_secret, call),
        secrets.SecretBody,
        given,
        "/secrets",
        lambda refused: _page(call, refused, given.get("key", "")),
    )


async def remove_secret(call: Call, key: str) -> Response[str]:
    """Remove a secret."""
    await forms.read(call)
    return await forms.done(secrets.remove_secret(call, key), "/secrets", partial(_page, call))


async def rotate(call: Call) -> Response[str]:
    """Seal the vault with a new key."""
    await forms.read(call)
    return await forms.done(vault.rotate_vault(call), "/secrets", partial(_page, call))


async def disconnect(call: Call, source_type: str) -> Response[str]:
    """Give an account back."""
    await forms.read(call)
    return await forms.done(
        grants.disconnect(call, source_type), "/secrets#accounts", partial(_page, call)
    )


async def _accounts(call: Call, shop: str) -> list[Account]:
    """The types of sources that are read in somebody's name."""
    given = {each.source_type: each for each in await grants.list_grants(call)}
    return [
        Account(
            source_type=source_type,
            grant=given.get(source_type),
            connect=_connect(source_type, shop) if source_type in call.platform.grants else "",
            wants_place=source_type == BY_PLACE and source_type in call.platform.grants,
        )
        for source_type in grant_rules.PROVIDERS
    ]


def _connect(source_type: str, shop: str) -> str:
    """Where one agrees; empty while a shop is to be named first."""
    path = f"/oauth/connect/{source_type}"
    if source_type != BY_PLACE:
        return path
    return f"{path}?{urlencode({'shop': shop})}" if shop else ""


async def _page(call: Call, refused: Exception | None = None, key: str = "") -> Response[str]:
    call.views = call.platform.views.current
    found = await secrets.list_secrets(call)
    shop = call.request.query_params.get("shop", "")[:PLACE_CHARS_MAX].strip()
    return forms.form_page(
        call,
        "secrets.html",
        "Secrets",
        refused,
        at="/secrets",
        found=[(each, people.label(call, each.set_by)) for each in found.env_vars],
        missing=found.missing,
        vault=await vault.show_vault(call),
        accounts=await _accounts(call, shop),
        shop=shop,
        events=lines.lines(call, audit.newest(call.views, CHANGES, CHANGES_SHOWN)),
        key=key or call.request.query_params.get("key", ""),
        now=call.views.now,
    )
