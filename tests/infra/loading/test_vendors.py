"""Every well-known API: its pages, a second run, its rate limit, its credentials, its changes."""

import functools
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from commands import ports
from domain.source_types import rest
from domain.source_types import vendors as blocks
from domain.source_types.reading import reading
from domain.source_types.table import options
from infra.loading import reports, rest_api, vendors
from infra.loading.web.session import Session
from tests.infra.loading.connecting import Source
from tests.infra.loading.doubles import Answer, Asked, Server, serving
from tests.infra.loading.vendors import SECRET, TOKEN, VENDORS, Double, Vendor, service_account


class Shop:
    """A vendor's double and a source that reads it."""

    def __init__(self, trial, vendor: Vendor, double: Double, server: Server) -> None:
        self.vendor, self.double, self.server = vendor, double, server
        double.url = server.url
        given = {"base_url": server.url + vendor.base, "allow_private_hosts": True}
        self.secret = SECRET
        if vendor.kind in ("google_sheets", "google_analytics"):
            self.secret = service_account(server.url)
        self.source = Source(trial, vendor.kind, {**vendor.block, **given}, KEY=self.secret)

    def listed(self) -> list[Asked]:
        """What was asked of the list itself since the last time."""
        found = [one for one in self.server.asked if one.path.startswith(self.vendor.path)]
        self.server.asked.clear()
        return found

    def keys(self) -> list[Any]:
        return [key for (key,) in self.source.rows(self.vendor.key, self.vendor.table)]


@pytest.fixture(params=VENDORS, ids=[vendor.kind for vendor in VENDORS])
def shop(request: pytest.FixtureRequest, trial) -> Iterator[Shop]:
    double = Double(request.param)
    with serving(double) as server:
        yield Shop(trial, request.param, double, server)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long sessions wait, without waiting."""
    waited: list[float] = []
    monkeypatch.setattr(rest_api, "Session", functools.partial(Session, sleep=waited.append))
    return waited


def test_every_vendor_has_a_double():
    assert blocks.BLOCKS.keys() == {vendor.kind for vendor in VENDORS}


@pytest.mark.parametrize("vendor", VENDORS, ids=[vendor.kind for vendor in VENDORS])
def test_a_manifest_cites_its_vendor_and_makes_a_block_without_faults(vendor):
    described = vendors.manifest(vendor.kind)
    everything = {key: value for key, value in vendor.block.items() if key != "endpoints"}
    made = vendors.expand(described, options(vendor.kind, everything))
    assert all(link.startswith("https://") for link in described.documentation)
    assert described.documentation
    assert [] == list(made.faults())


@pytest.mark.parametrize("vendor", VENDORS, ids=[vendor.kind for vendor in VENDORS])
def test_what_is_told_of_how_a_vendor_is_read_is_what_its_manifest_says(vendor):
    told = options(vendor.kind, {k: v for k, v in vendor.block.items() if k != "endpoints"})
    made = vendors.expand(vendors.manifest(vendor.kind), told)
    endpoints = {"endpoints": msgspec.to_builtins(made.endpoints)}

    said = reading(vendor.kind, vendor.block)

    assert reading("rest_api", endpoints).incremental is said.incremental is said.dated


def test_all_pages_are_read_and_a_second_run_asks_for_what_is_new(shop):
    shop.source.load()
    first = shop.listed()
    assert sorted(row[shop.vendor.key] for row in shop.double.rows) == shop.keys()
    assert len(first) >= (1 if shop.vendor.kind == "google_sheets" else 3)
    new = shop.vendor.row(6)
    shop.double.rows = [*shop.double.rows, {**new, "remark": "brand-new"}]
    shop.source.load()
    assert shop.vendor.reached == shop.vendor.since(shop.listed()[0])
    assert sorted(row[shop.vendor.key] for row in shop.double.rows) == shop.keys()
    if shop.vendor.asked_for:
        return
    # A field that nobody had before is a column now.
    remarks = {remark or None for (remark,) in shop.source.rows("remark", shop.vendor.table)}
    assert {None, "brand-new"} == remarks


def test_a_rate_limit_is_waited_for_as_long_as_the_api_asks(shop, waits):
    shop.double.hitches = [Answer(status=429, headers={"Retry-After": "7"}, body={"ok": False})]
    shop.source.load()
    assert [7.0] == waits
    assert sorted(row[shop.vendor.key] for row in shop.double.rows) == shop.keys()


def test_expired_credentials_are_told_and_nothing_is_asked_again(shop, waits):
    shop.double.valid = False
    with pytest.raises(ports.WorkRefused, match="does not take the credentials") as refused:
        shop.source.load()
    assert [] == waits
    assert SECRET not in refused.value.reason
    assert set() == shop.source.tables()


def test_a_sample_shows_the_first_rows_and_writes_nothing(shop):
    shown = shop.source.sample()
    assert shown.rows
    assert set() == shop.source.tables()


PEERS = {
    "stripe": {"endpoints": ["Charge", "BalanceTransaction"], "start_date": "2026-01-01T00:00:00"},
    "hubspot": {"resources": ["contacts", "deals"], "api_key_env": "HUB"},
    "github": {"access_token_env": "GH", "owner": "o", "name": "r"},
    "slack": {"access_token_env": "SL", "selected_channels": ["C1"], "start_date": None},
    "google_sheets": {"spreadsheet_url_or_id": "s1", "range_names": "Orders",
                      "deduplication": "latest_only"},
    "jira": {"subdomain": "s", "email_env": "E", "api_token_env": "T", "page_size": 50},
    "pipedrive": {"pipedrive_api_key_env": "P", "since_timestamp": "2026-01-01",
                  "resources": ["deals"]},
    "airtable": {"base_id": "a", "access_token_env": "A", "table_names": ["T"]},
    "zendesk": {"subdomain": "s", "start_date": "2026-01-01"},
    "notion": {"api_key_env": "N", "database_ids": [{"id": "d1", "use_name": "x"}]},
    "shopify": {"resources": ["orders"]},
    "asana": {"resources": ["tasks"]},
    "google_analytics": {"property_id": 123456, "queries": [
        {"resource_name": "daily", "dimensions": ["date"], "metrics": ["totalUsers"]}]},
    "facebook_ads": {"account_id": "123", "access_token_env": "F"},
}  # fmt: skip


@pytest.mark.parametrize("kind", PEERS)
def test_blocks_of_the_existing_product_read_as_they_are(kind):
    made = vendors.expand(vendors.manifest(kind), options(kind, PEERS[kind]))
    assert [] == list(made.faults())
    if kind == "stripe":
        assert ["charges", "balance_transactions"] == [one.name for one in made.endpoints]


LIMITS = {
    "facebook_ads": Answer(
        status=400,
        body={"error": {"message": "User request limit reached", "code": 17}},
        headers={"Retry-After": "9"},
    ),
    "salesforce": Answer(
        status=403,
        body=[{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}],
        headers={"Retry-After": "9"},
    ),
}


@pytest.mark.parametrize("kind", LIMITS)
def test_a_limit_that_the_body_alone_tells_is_waited_for_too(trial, waits, kind):
    vendor = next(one for one in VENDORS if one.kind == kind)
    double = Double(vendor)
    double.hitches = [LIMITS[kind]]
    with serving(double) as server:
        shop = Shop(trial, vendor, double, server)
        shop.source.load()
        assert [9.0] == waits
        assert sorted(row[vendor.key] for row in double.rows) == shop.keys()


def test_a_metric_that_a_report_names_anew_is_a_column_and_the_past_stays(trial):
    vendor = next(one for one in VENDORS if one.kind == "google_analytics")
    double = Double(vendor)
    double.rows = [{**row, "newUsers": "7"} for row in double.rows]
    with serving(double) as server:
        shop = Shop(trial, vendor, double, server)
        shop.source.load()
        shop.source.block["queries"] = [
            {"resource_name": "traffic", "metrics": ["sessions", "newUsers"]}
        ]
        shop.source.load()
        shown = shop.source.rows("date, new_users", "traffic")
    assert [None, None, None, None, 7.0] == [value for _, value in shown]


def test_a_report_of_other_columns_than_were_asked_for_is_refused():
    report = rest.Report(dimensions=("date",), metrics=("sessions",))
    given = {"dimensionValues": [{"value": "20260105"}], "metricValues": [{"value": "(none)"}]}

    assert {"date": "2026-01-05", "sessions": None} == reports.reported(report, given)
    for other in ({**given, "metricValues": []}, {}, "text", {**given, "dimensionValues": [1]}):
        with pytest.raises(ports.WorkRefused, match="other columns than it was asked for"):
            reports.reported(report, other)


def test_reports_without_a_day_are_replaced_and_numbers_are_numbers(trial):
    vendor = next(one for one in VENDORS if one.kind == "google_analytics")
    queries = [{"resource_name": "lands", "dimensions": ["country"], "metrics": ["sessions"]}]
    double = Double(vendor)
    double.rows = [{"country": name, "sessions": "2.5"} for name in ("CH", "FR", "DE")]
    with serving(double) as server:
        shop = Shop(trial, vendor, double, server)
        shop.source.block["queries"] = queries
        shop.source.load()
        double.rows = double.rows[:2]
        shop.source.load()
        shown = shop.source.rows("country, sessions", "lands")
    assert [("CH", 2.5), ("FR", 2.5)] == sorted(shown)


def test_numbers_of_the_last_days_are_asked_again_and_take_the_place_of_the_old(trial):
    vendor = next(one for one in VENDORS if one.kind == "google_analytics")
    double = Double(vendor)
    with serving(double) as server:
        shop = Shop(trial, vendor, double, server)
        shop.source.block["lookback_days"] = 2
        shop.source.load()
        shop.server.asked.clear()
        double.rows = [{**double.rows[4], "sessions": "500"}]
        shop.source.load()
        assert "2026-01-03" == vendor.since(shop.listed()[0])
        assert [(500.0,)] == shop.source.rows("max(sessions)", "traffic")
        assert 5 == len(shop.keys())


def test_an_account_that_somebody_connected_is_read_with_its_token(trial):
    vendor = next(one for one in VENDORS if one.kind == "google_analytics")
    double = Double(vendor)
    with serving(double) as server:
        shop = Shop(trial, vendor, double, server)
        granted = Source(
            trial, vendor.kind, shop.source.block, KEY=f'{{"access_token": "{TOKEN}"}}'
        )
        granted.load()
        assert 5 == len(granted.rows("date", "traffic"))
        assert [] == [asked for asked in server.asked if asked.path == "/token"]


def test_only_the_chosen_channels_of_slack_are_read(trial):
    vendor = next(one for one in VENDORS if one.kind == "slack")
    listed = {"ok": True, "channels": [{"id": "C1"}, {"id": "C2"}]}
    double = Double(msgspec.structs.replace(vendor, others={"/api/users.conversations": listed}))
    with serving(double) as server:
        shop = Shop(trial, vendor, double, server)
        shop.source.block["selected_channels"] = ["C2"]
        shop.source.load()
        assert {"C2"} == {asked.query["channel"] for asked in shop.listed()}
    assert [("C2",)] == shop.source.rows("id", "channels")
