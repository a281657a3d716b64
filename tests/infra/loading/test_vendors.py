"""Every well-known API: its pages, a second run, its rate limit, its credentials, its changes."""

import functools
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from commands import ports
from domain.source_types import vendors as blocks
from domain.source_types.table import options
from infra.loading import rest_api, vendors
from infra.loading.web.session import Session
from tests.infra.loading.connecting import Source
from tests.infra.loading.doubles import Answer, Asked, Server, serving
from tests.infra.loading.vendors import SECRET, VENDORS, Double, Vendor, service_account


class Shop:
    """A vendor's double and a source that reads it."""

    def __init__(self, trial, vendor: Vendor, double: Double, server: Server) -> None:
        self.vendor, self.double, self.server = vendor, double, server
        double.url = server.url
        given = {"base_url": server.url + vendor.base, "allow_private_hosts": True}
        self.secret = service_account(server.url) if vendor.kind == "google_sheets" else SECRET
        self.source = Source(trial, vendor.kind, {**vendor.block, **given}, KEY=self.secret)

    def listed(self) -> list[Asked]:
        """What was asked of the list itself since the last time."""
        found = [asked for asked in self.server.asked if asked.path == self.vendor.path]
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
}  # fmt: skip


@pytest.mark.parametrize("kind", PEERS)
def test_blocks_of_the_existing_product_read_as_they_are(kind):
    made = vendors.expand(vendors.manifest(kind), options(kind, PEERS[kind]))
    assert [] == list(made.faults())
    if kind == "stripe":
        assert ["charges", "balance_transactions"] == [one.name for one in made.endpoints]


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
