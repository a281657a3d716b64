"""Sources that are well-known APIs: what each must be told. How they are asked is in manifests."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final

import msgspec

from domain.source_types.block import Block
from domain.source_types.rest import NAME, url_faults
from domain.source_types.secret import Secret

Word = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=200)]
Items = Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=100)]


class VendorBlock(Block, frozen=True, kw_only=True):
    """What all of them take."""

    dated: ClassVar[bool] = True  # it can be asked for what is new, and for a range of days

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

    dated: ClassVar[bool] = False
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

    dated: ClassVar[bool] = False
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


class GoogleReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One report, which becomes a table."""

    resource_name: Annotated[str, msgspec.Meta(pattern=NAME, max_length=100)]
    dimensions: Annotated[tuple[str, ...], msgspec.Meta(max_length=9)] = ("date",)
    metrics: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=10)]


TRAFFIC: Final = (
    GoogleReport(
        resource_name="traffic",
        dimensions=("date", "sessionDefaultChannelGroup", "country"),
        metrics=("sessions", "engagedSessions", "activeUsers", "newUsers", "screenPageViews"),
    ),
    GoogleReport(
        resource_name="pages",
        dimensions=("date", "pagePath"),
        metrics=("screenPageViews", "activeUsers"),
    ),
    GoogleReport(resource_name="events", dimensions=("date", "eventName"), metrics=("eventCount",)),
)


class GoogleAnalyticsBlock(VendorBlock, frozen=True, kw_only=True):
    """A service account's JSON key, with which the property was shared, and which reports."""

    credentials: Secret = "${GOOGLE_SERVICE_ACCOUNT}"
    property_id: (
        Annotated[str, msgspec.Meta(pattern=r"^[0-9]+$")] | Annotated[int, msgspec.Meta(ge=1)]
    )
    queries: Annotated[tuple[GoogleReport, ...], msgspec.Meta(min_length=1, max_length=50)] = (
        TRAFFIC
    )
    rows_per_page: Annotated[int, msgspec.Meta(ge=1, le=250_000)] = 10_000


class FacebookAdsBlock(VendorBlock, frozen=True, kw_only=True):
    """A token with ads_read, and which ad account; `act_` before its number may be left out."""

    access_token: Secret = "${FACEBOOK_ACCESS_TOKEN}"
    account_id: (
        Annotated[str, msgspec.Meta(pattern=r"^(act_)?[0-9]+$")]
        | Annotated[int, msgspec.Meta(ge=1)]
    )
    insights_fields: Annotated[tuple[Word, ...], msgspec.Meta(min_length=1, max_length=100)] = (
        *("ad_id", "ad_name", "adset_id", "adset_name", "campaign_id", "campaign_name"),
        *("account_currency", "impressions", "clicks", "reach", "spend", "actions"),
    )
    page_size: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100

    def faults(self) -> Iterator[tuple[str, str]]:
        """As the block says."""
        if "ad_id" not in self.insights_fields:
            yield ".insights_fields", "must name ad_id, by which rows are told apart"
        yield from VendorBlock.faults(self)


SObject = Annotated[str, msgspec.Meta(pattern=NAME, max_length=100)]


class SalesforceBlock(VendorBlock, frozen=True, kw_only=True):
    """An access token; `domain` is the word before .my.salesforce.com."""

    access_token: Secret = "${SALESFORCE_ACCESS_TOKEN}"
    domain: Word
    objects: Annotated[tuple[SObject, ...], msgspec.Meta(min_length=1, max_length=100)] = (
        *("Account", "Contact", "Lead", "Opportunity", "Campaign", "Task", "User"),
    )
    fields: dict[SObject, tuple[SObject, ...]] = msgspec.field(
        default_factory=dict
    )  # of an object, beyond the standard ones


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
    "google_analytics": ("Google Analytics", "Reports of a property.", GoogleAnalyticsBlock),
    "facebook_ads": ("Facebook Ads", "Ads and what came of them, day by day.", FacebookAdsBlock),
    "salesforce": ("Salesforce", "Accounts, leads and more of an organization.", SalesforceBlock),
}
