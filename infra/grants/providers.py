"""Google, Facebook, Shopify, HubSpot and Salesforce: asked for what sources read.

Each as its documentation says; what all have in common (bounded calls, PKCE, the code for a token)
is infra/identities/client.py.
"""

import asyncio
import re
import urllib.parse
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from commands.grants import Given, GrantProvider
from commands.identity_ports import Asked
from commands.ports import WorkRefused
from domain import grants
from infra.configuration.project import GrantsBlock, OAuthClient
from infra.identities.client import Places, Way

SHOP: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,60}\.myshopify\.com")
LASTS_S_MAX: Final = 366 * 24 * 3600
SCOPES: Final[Mapping[str, str]] = {
    "google_sheets": "https://www.googleapis.com/auth/spreadsheets.readonly",
    "google_analytics": "https://www.googleapis.com/auth/analytics.readonly",
    "facebook_ads": "ads_read",
    "shopify": "read_orders,read_customers,read_products",
    "hubspot": "oauth crm.objects.contacts.read crm.objects.companies.read"
    " crm.objects.deals.read crm.objects.owners.read tickets",
    "salesforce": "api refresh_token",
}
Clock = Callable[[], datetime]


def providers(block: GrantsBlock, clock: Clock) -> dict[str, GrantProvider]:
    """Those that are configured, by type of source."""
    found: dict[str, GrantProvider] = {}
    for source_type, name in grants.PROVIDERS.items():
        settings: OAuthClient | None = getattr(block, name)
        if settings is not None:
            found[source_type] = KINDS[name](settings, SCOPES[source_type], clock)
    return found


class Granting(Way):
    """What all of them do alike; `revoke` and what is special to one are below."""

    places_of: Places
    more: Mapping[str, str] = {}

    def __init__(self, settings: OAuthClient, scope: str, clock: Clock) -> None:
        super().__init__(settings, self.places_of)
        self.scope, self._clock = scope, clock

    async def authorization_url(self, asked: Asked, place: str) -> str:
        """As the port says."""
        self._at(place)
        return await asyncio.to_thread(self._authorization_url, asked, self._places(place))

    async def exchange(self, asked: Asked, place: str, code: str) -> Given:
        """As the port says."""
        self._at(place)
        answer = await self._token(asked, code, self._places(place))
        return self._given(answer, place=place, refresh=None)

    async def renew(self, given: Given) -> Given:
        """As the port says; a provider that gives a new way to renew replaces the old one."""
        form = {
            "grant_type": "refresh_token",
            "refresh_token": given.refresh or "",
            "client_id": self.settings.client_id,
            "client_secret": self.settings.client_secret,
        }
        answer = self._checked(await self.call("POST", self.places.token, data=form))
        return self._given(answer, place=given.place, refresh=given.refresh)

    async def revoke(self, given: Given) -> None:
        """As the port says. RFC 7009."""
        form = {"token": given.refresh or given.access}
        await self.call("POST", self.places.revoke, data=form, empty=True)

    def _more(self, _: Asked) -> dict[str, str]:
        return dict(self.more)

    def _at(self, place: str) -> None:
        """Raises WorkRefused for a place that is none."""

    def _places(self, _: str) -> Places:
        return self.places

    def _given(self, answer: Mapping[str, Any], *, place: str, refresh: str | None) -> Given:
        lasts_s, renewed = answer.get("expires_in"), answer.get("refresh_token")
        until = None
        if isinstance(lasts_s, int) and 0 < lasts_s <= LASTS_S_MAX:
            until = self._clock() + timedelta(seconds=lasts_s)
        return Given(
            access=answer["access_token"],
            refresh=renewed if isinstance(renewed, str) and renewed else refresh,
            expires_at=until,
            place=place,
        )


class Google(Granting):
    """https://developers.google.com/identity/protocols/oauth2/web-server."""

    label = "Google"
    places_of = Places(
        authorize="https://accounts.google.com/o/oauth2/v2/auth",
        token="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
        revoke="https://oauth2.googleapis.com/revoke",
    )
    more: Mapping[str, str] = {"access_type": "offline", "prompt": "consent"}


class Facebook(Granting):
    """https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived.

    It has no way to renew but to exchange a token that is still good for one that lasts 60 days.
    """

    label = "Facebook"
    places_of = Places(
        authorize="https://www.facebook.com/v21.0/dialog/oauth",
        token="https://graph.facebook.com/v21.0/oauth/access_token",  # noqa: S106
        revoke="https://graph.facebook.com/v21.0/me/permissions",
    )

    async def exchange(self, asked: Asked, place: str, code: str) -> Given:
        """As the port says."""
        return await self.renew(await super().exchange(asked, place, code))

    async def renew(self, given: Given) -> Given:
        """As the port says."""
        form = {
            "grant_type": "fb_exchange_token",
            "client_id": self.settings.client_id,
            "client_secret": self.settings.client_secret,
            "fb_exchange_token": given.access,
        }
        answer = self._checked(await self.call("POST", self.places.token, data=form))
        found = self._given(answer, place=given.place, refresh=None)
        return Given(access=found.access, refresh=found.access, expires_at=found.expires_at)

    async def revoke(self, given: Given) -> None:
        """As the port says."""
        headers = {"authorization": f"Bearer {given.access}"}
        await self.call("DELETE", self.places.revoke, headers=headers, empty=True)


class Shopify(Granting):
    """https://shopify.dev/docs/apps/build/authentication-authorization.

    An offline token of a shop, which does not expire.
    """

    label = "Shopify"
    places_of = Places(
        authorize="https://{}/admin/oauth/authorize",
        token="https://{}/admin/oauth/access_token",  # noqa: S106
        revoke="https://{}/admin/api_permissions/current.json",
    )

    async def revoke(self, given: Given) -> None:
        """As the port says."""
        headers = {"x-shopify-access-token": given.access}
        places = self._places(given.place)
        await self.call("DELETE", places.revoke, headers=headers, empty=True)

    def _at(self, place: str) -> None:
        if not SHOP.fullmatch(place):
            raise WorkRefused("Name the shop: ?shop=NAME.myshopify.com")

    def _places(self, place: str) -> Places:
        found = self.places
        return Places(
            authorize=found.authorize.format(place),
            token=found.token.format(place),
            revoke=found.revoke.format(place),
        )


class HubSpot(Granting):
    """https://developers.hubspot.com/docs/api-reference/auth-oauth-v1/guide."""

    label = "HubSpot"
    places_of = Places(
        authorize="https://app.hubspot.com/oauth/authorize",
        token="https://api.hubapi.com/oauth/v1/token",  # noqa: S106
        revoke="https://api.hubapi.com/oauth/v1/refresh-tokens",
    )

    async def revoke(self, given: Given) -> None:
        """As the port says; the address is what HubSpot has for it."""
        name = urllib.parse.quote(given.refresh or given.access, safe="")
        await self.call("DELETE", f"{self.places.revoke}/{name}", empty=True)


class Salesforce(Granting):
    """https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_web_server_flow.htm."""

    label = "Salesforce"
    places_of = Places(
        authorize="https://login.salesforce.com/services/oauth2/authorize",
        token="https://login.salesforce.com/services/oauth2/token",  # noqa: S106
        revoke="https://login.salesforce.com/services/oauth2/revoke",
    )
    LASTS: Final = timedelta(hours=1)  # it does not say; sessions of an org last two, by default

    def _given(self, answer: Mapping[str, Any], *, place: str, refresh: str | None) -> Given:
        found = super()._given(answer, place=place, refresh=refresh)
        where = answer.get("instance_url")
        return Given(
            access=found.access,
            refresh=found.refresh,
            expires_at=found.expires_at or self._clock() + self.LASTS,
            place=where if isinstance(where, str) else place,
        )


KINDS: Final[Mapping[str, type[Granting]]] = {
    "google": Google,
    "facebook": Facebook,
    "shopify": Shopify,
    "hubspot": HubSpot,
    "salesforce": Salesforce,
}
