"""Connecting accounts that sources are read with: there and back, renewed, given back."""

from html import unescape
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from api.platform import HttpSettings
from commands.grants import VALUE, Given
from commands.ports import WorkFailed, WorkRefused
from domain.sources import Source
from infra.configuration.project import GrantsBlock, OAuthClient
from infra.grants.providers import providers
from infra.grants.renewing import Renewing
from infra.secret_values import VaultValues
from tests.api.access import Server
from tests.api.provider import CLIENT, SECRET, Double

TYPES = ("google_sheets", "google_analytics", "facebook_ads", "hubspot", "salesforce")
SETTINGS = HttpSettings(public_url="https://dango.example")
HUB = Source(
    name="hub",
    type="hubspot",
    schema="raw_hub",
    table="hub",
    options={"api_key": "${OAUTH_HUBSPOT}"},
)
GRANTS = "/api/secrets/oauth"


class Granting(Double):
    """A provider that also renews and takes back."""

    def __init__(self, clock):
        super().__init__(clock)
        self.revoked, self.renewals, self.refuses = [], 0, False

    def answer(self, path, form, headers):
        if path == "/token" and form["grant_type"] in ("refresh_token", "fb_exchange_token"):
            if self.refuses or (CLIENT, SECRET) != (form["client_id"], form["client_secret"]):
                return 400, {"error": "invalid_grant"}
            self.renewals += 1
            return 200, {"access_token": f"marked-renewed-{self.renewals}", "expires_in": 3600}
        if path.startswith("/revoke"):
            self.revoked.append((path, form, headers.get("authorization")))
            return 200, {}
        status, found = super().answer(path, form, headers)
        if path == "/token" and status == 200:
            found = {**found, "access_token": "marked-access", "refresh_token": "marked-refresh"}
            found.pop("id_token", None)
        return status, found


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path, settings=SETTINGS)
    made.double = Granting(made.clock)
    with made.double.served() as double:
        client = OAuthClient(client_id=CLIENT, client_secret=SECRET, base_url=double.base)
        block = GrantsBlock(google=client, facebook=client, hubspot=client, salesforce=client)
        made.grants = providers(block, made.clock)
        object.__setattr__(made.platform, "grants", made.grants)
        made.renew = Renewing(made.writer, made.vault, made.grants, made.clock)
        yield made


async def sent(client, kind="hubspot", more=""):
    answer = await client.get(f"/oauth/connect/{kind}{more}")
    assert 302 == answer.status_code, answer.text
    return answer.headers["location"]


async def connected(server, client, kind="hubspot"):
    return await client.get(server.double.browse(await sent(client, kind)))


def given(server, kind="hubspot"):
    value = server.vault.read(VALUE, kind)
    return None if value is None else msgspec.json.decode(value, type=Given)


@pytest.mark.parametrize("kind", TYPES)
def test_an_account_is_connected_shown_and_given_back(server, kind):
    async def story():
        admin = await server.logged_in()
        answer = await connected(server, admin, kind)
        assert (302, f"/?connected={kind}") == (answer.status_code, answer.headers["location"])
        assert given(server, kind).access.startswith("marked-")
        (shown,) = (await admin.get(GRANTS)).json()
        assert (kind, False, 0, True) == tuple(
            shown[name] for name in ("source_type", "is_expired", "days_until_expiry", "valid")
        )
        (short,) = (await admin.get("/api/secrets")).json()["oauth_credentials"]
        assert kind == short["source_type"]
        gone = await admin.delete(f"{GRANTS}/{kind}")
        assert (200, True) == (gone.status_code, gone.json()["revoked"])
        assert 1 == len(server.double.revoked)
        assert None is given(server, kind)
        assert [] == (await admin.get(GRANTS)).json()

    server.run(story)
    assert ["grant_given", "grant_taken_back"] == [t for t in server.types() if "grant" in t]
    assert b"marked-" not in server.log.path.read_bytes()


def test_accounts_are_connected_and_given_back_on_the_page_of_secrets(server):
    disconnect = "/secrets/accounts/hubspot/disconnect"

    async def story():
        admin = await server.logged_in()
        page = unescape((await admin.get("/secrets")).text)
        assert 'href="/oauth/connect/hubspot"' in page
        assert "/oauth/connect/shopify" not in page  # it has no client here
        assert disconnect not in page
        await connected(server, admin)
        page = unescape((await admin.get("/secrets")).text)
        assert "Connected" in page
        assert "${OAUTH_HUBSPOT}" in page
        assert disconnect in page
        answer = await admin.post(disconnect)
        assert (303, "/secrets#accounts") == (answer.status_code, answer.headers["location"])
        assert disconnect not in (await admin.get("/secrets")).text

    server.run(story)
    assert 1 == len(server.double.revoked)


def test_what_is_asked_for_is_to_read_with_pkce(server):
    found = []

    async def story():
        found.append(await sent(await server.logged_in(), "google_sheets"))

    server.run(story)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(found[0]).query).items()}
    assert ("https://www.googleapis.com/auth/spreadsheets.readonly", "S256", "offline") == (
        asked["scope"],
        asked["code_challenge_method"],
        asked["access_type"],
    )
    assert "https://dango.example/oauth/callback/google_sheets" == asked["redirect_uri"]


def test_what_comes_back_must_be_what_went(server):
    """State forged, missing or doubled; another type's address; another browser; a code twice."""

    async def story():
        admin = await server.logged_in()
        back = server.double.browse(await sent(admin))
        state = parse_qs(urlsplit(back).query)["state"][0]
        for wrong in (
            back.replace(state, "0" * len(state)),
            back.split("?")[0] + "?code=code-0",
            f"{back}&state={state}",
            back.replace("hubspot", "salesforce"),
        ):
            await sent(admin)
            assert 400 <= (await admin.get(wrong)).status_code < 500
        other = await server.logged_in()
        assert 400 <= (await other.get(back)).status_code < 500
        url = await sent(admin)
        back = server.double.browse(url)
        assert 302 == (await admin.get(back)).status_code
        assert 400 <= (await admin.get(back)).status_code < 500

    server.run(story)
    assert ["grant_given"] == [t for t in server.types() if "grant" in t]


def test_who_says_no_over_there_connects_nothing(server):
    async def story():
        admin = await server.logged_in()
        back = server.double.browse(await sent(admin))
        answer = await admin.get(back.replace("code=", "error=access_denied&x="))
        assert 400 <= answer.status_code < 500
        assert None is given(server)

    server.run(story)


def test_what_cannot_be_connected_says_what_to_do(server):
    async def story():
        admin = await server.logged_in()
        unset = await admin.get("/oauth/connect/shopify")
        assert 404 == unset.status_code
        assert "oauth.shopify.client_id" in unset.json()["detail"]
        unknown = await admin.get("/oauth/connect/zzz")
        assert 404 == unknown.status_code
        assert "Supported: facebook_ads" in unknown.json()["detail"]
        assert 404 == (await admin.delete(f"{GRANTS}/hubspot")).status_code

    server.run(story)


def test_a_grant_is_renewed_before_a_sync_and_only_when_it_ends_soon(server):
    async def story():
        admin = await server.logged_in()
        await connected(server, admin)
        await server.renew(HUB)
        assert 0 == server.double.renewals
        server.clock.forward(minutes=55)
        await server.renew(HUB)
        assert (1, "marked-renewed-1", "marked-refresh") == (
            server.double.renewals,
            given(server).access,
            given(server).refresh,
        )
        assert "marked-renewed-1" == VaultValues(server.vault).get("OAUTH_HUBSPOT")
        server.clock.forward(minutes=55)
        server.double.crooked["/token"] = (503, {}, b"{}")
        with pytest.raises(WorkFailed) as failed:
            await server.renew(HUB)
        assert failed.value.facts["transient"]
        del server.double.crooked["/token"]
        server.double.refuses = True
        with pytest.raises(WorkRefused, match="connect again"):
            await server.renew(HUB)
        admin = await server.logged_in()
        (shown,) = (await admin.get(GRANTS)).json()
        assert (True, "renewal_refused") == (shown["is_expired"], shown["error_code"])

    server.run(story)
    grants = [t for t in server.types() if "grant" in t]
    assert ["grant_given", "grant_renewed", "grant_lapsed"] == grants


def test_a_shop_is_named_and_is_a_shop(server):
    client = OAuthClient(client_id=CLIENT, client_secret=SECRET)
    made = providers(GrantsBlock(shopify=client), server.clock)
    object.__setattr__(server.platform, "grants", made)

    async def story():
        admin = await server.logged_in()
        url = await sent(admin, "shopify", "?shop=acme.myshopify.com")
        assert "acme.myshopify.com" == urlsplit(url).hostname
        for shop in ("", "?shop=evil.example", "?shop=a.myshopify.com.evil.example", "?shop=a/b"):
            assert 400 == (await admin.get(f"/oauth/connect/shopify{shop}")).status_code

    server.run(story)


def test_what_nobody_renews_says_so_when_it_has_ended(server):
    async def story():
        await connected(server, await server.logged_in())
        renew = Renewing(server.writer, server.vault, {}, server.clock)
        server.clock.forward(hours=2)
        with pytest.raises(WorkRefused, match="connect again"):
            await renew(HUB)

    server.run(story)
