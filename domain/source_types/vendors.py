"""Sources that are well-known APIs: what each must be told. How they are asked is in manifests."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec

from domain.source_types.block import Block
from domain.source_types.rest import url_faults
from domain.source_types.secret import Secret

Word = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=200)]
Items = Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=100)]


class VendorBlock(Block, frozen=True, kw_only=True):
    """What all of them take."""

    endpoints: tuple[str, ...] | None = None  # the tables to load; all when None
    resources: tuple[str, ...] | None = None  # the same, in existing files
    start_date: str | None = None  # YYYY-MM-DD: where the first run begins
    end_date: str | None = None
    lookback_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] | None = None  # None: as is known
    base_url: str | None = None  # of a proxy or a double
    allow_private_hosts: bool = False
    notes: str | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """As the block says."""
        if self.base_url is not None:
            yield from url_faults(".base_url", self.base_url)
        if self.endpoints and self.resources:
            yield ".resources", "says the same as endpoints; leave one out"

    @property
    def wanted(self) -> tuple[str, ...]:
        """The tables to load; none means all."""
        return self.endpoints or self.resources or ()


class StripeBlock(VendorBlock, frozen=True, kw_only=True):
    """A restricted key that reads is enough."""

    stripe_secret_key: Secret = "${STRIPE_API_KEY}"


class GitHubBlock(VendorBlock, frozen=True, kw_only=True):
    """One repository."""

    access_token: Secret = "${GITHUB_ACCESS_TOKEN}"
    owner: Word
    name: Word


class HubSpotBlock(VendorBlock, frozen=True, kw_only=True):
    """The token of a private app."""

    api_key: Secret = "${HUBSPOT_API_KEY}"


class ShopifyBlock(VendorBlock, frozen=True, kw_only=True):
    """The token of a custom app; `shop` is the word before .myshopify.com."""

    shop: str = "${SHOPIFY_SHOP}"
    private_app_password: Secret = "${SHOPIFY_ACCESS_TOKEN}"


class SlackBlock(VendorBlock, frozen=True, kw_only=True):
    """The token of an app; it reads the channels that the app was invited to."""

    access_token: Secret = "${SLACK_ACCESS_TOKEN}"
    selected_channels: tuple[str, ...] | None = None  # their ids; all that it is in when None


class NotionBlock(VendorBlock, frozen=True, kw_only=True):
    """The secret of an integration; it reads the pages that were shared with it."""

    api_key: Secret = "${NOTION_API_KEY}"
    # Ids, or objects with an `id`: only pages of these databases; all when None.
    database_ids: tuple[str | dict[str, Any], ...] | None = None


class AirtableBlock(VendorBlock, frozen=True, kw_only=True):
    """A personal access token, and which tables of which base."""

    access_token: Secret = "${AIRTABLE_ACCESS_TOKEN}"
    base_id: Word
    table_names: Items


class JiraBlock(VendorBlock, frozen=True, kw_only=True):
    """A user's API token; `subdomain` is the word before .atlassian.net."""

    subdomain: Word
    email: str = "${JIRA_EMAIL}"
    page_size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 100
    api_token: Secret = "${JIRA_API_TOKEN}"


class ZendeskBlock(VendorBlock, frozen=True, kw_only=True):
    """An API token of an admin; `subdomain` is the word before .zendesk.com."""

    subdomain: Word
    email: str = "${ZENDESK_EMAIL}"
    token: Secret = "${ZENDESK_API_TOKEN}"


class PipedriveBlock(VendorBlock, frozen=True, kw_only=True):
    """A user's API token."""

    since_timestamp: str | None = None  # the same as start_date, in existing files
    pipedrive_api_key: Secret = "${PIPEDRIVE_API_KEY}"


class AsanaBlock(VendorBlock, frozen=True, kw_only=True):
    """A personal access token, and which workspace."""

    access_token: Secret = "${ASANA_ACCESS_TOKEN}"
    workspace: str = "${ASANA_WORKSPACE}"


class GoogleSheetsBlock(VendorBlock, frozen=True, kw_only=True):
    """A service account's JSON key, with which the spreadsheet was shared.

    Each range, such as `Orders` or `Orders!A1:F`, becomes a table; its first row has the names.
    """

    credentials: Secret = "${GOOGLE_SERVICE_ACCOUNT}"
    spreadsheet_url_or_id: str
    range_names: Items | str
    deduplication: str | None = None  # of existing files; ranges are replaced

    @property
    def spreadsheet_id(self) -> str:
        """The id, out of an address like https://docs.google.com/spreadsheets/d/ID/edit."""
        found = re.search(r"/d/([A-Za-z0-9_-]+)", self.spreadsheet_url_or_id)
        return found[1] if found else self.spreadsheet_url_or_id

    def faults(self) -> Iterator[tuple[str, str]]:
        """As the block says."""
        if not re.fullmatch(r"[A-Za-z0-9_-]+", self.spreadsheet_id):
            yield ".spreadsheet_url_or_id", "must be a spreadsheet's id or its address"
        yield from VendorBlock.faults(self)


_All = tuple[str, str, type[VendorBlock]]
BLOCKS: Final[dict[str, _All]] = {
    "stripe": ("Stripe", "Customers, invoices, charges and more of Stripe.", StripeBlock),
    "github": ("GitHub", "Issues, pull requests and commits of a repository.", GitHubBlock),
    "hubspot": ("HubSpot", "Contacts, companies, deals and tickets of HubSpot.", HubSpotBlock),
    "shopify": ("Shopify", "Orders, customers and products of a shop.", ShopifyBlock),
    "slack": ("Slack", "Users, channels and messages of Slack.", SlackBlock),
    "notion": ("Notion", "Pages, databases and users of Notion.", NotionBlock),
    "airtable": ("Airtable", "Tables of an Airtable base.", AirtableBlock),
    "jira": ("Jira", "Issues, projects and users of Jira Cloud.", JiraBlock),
    "zendesk": ("Zendesk", "Tickets, users and organizations of Zendesk.", ZendeskBlock),
    "pipedrive": ("Pipedrive", "Deals, persons and more of Pipedrive.", PipedriveBlock),
    "asana": ("Asana", "Projects, tasks and users of a workspace.", AsanaBlock),
    "google_sheets": ("Google Sheets", "Ranges of a spreadsheet.", GoogleSheetsBlock),
}
