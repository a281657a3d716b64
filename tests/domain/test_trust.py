"""Who may write what of a source: code, the server's own network, and where secrets go."""

import pytest

from domain import drafts

KEYED = {
    "base_url": "https://api.example.org",
    "auth_token": "${TOKEN}",
    "endpoints": [{"path": "orders"}],
}
PLAIN = {"base_url": "https://api.example.org", "endpoints": [{"path": "orders"}]}
CODE = {"source_module": "os", "source_function": "system"}
POSTGRES = {"credentials": "postgresql://reader@10.0.0.5/shop"}


def source(kind, block):
    return drafts.Source(
        name="s", type=kind, schema="raw_s", table="s", options=drafts.check(kind, block)
    )


def digest(kind, text):
    return f"{kind}:{hash(text)}"


def needs_trust(act):
    """Whether it is refused for want of trust; with trust it must go through."""
    act(trusted=True)
    try:
        act(trusted=False)
    except drafts.TrustNeeded as refused:
        return refused.facts == {"permission": "config.manage"}
    return False


@pytest.mark.parametrize(
    ("kind", "block", "expected"),
    [
        ("csv", {"directory": "data"}, False),
        ("rest_api", PLAIN, False),
        ("rest_api", KEYED, True),
        ("rest_api", {**PLAIN, "headers": {"X-Token": "${TOKEN}"}}, True),
        ("rest_api", {**PLAIN, "allow_private_hosts": True}, True),
        ("filesystem", {"bucket_url": "s3://shop", "allow_private_hosts": True}, True),
        ("dlt_native", CODE, True),
        ("postgres", POSTGRES, True),
        ("sqlite", {"path": "data/shop.db"}, False),
    ],
)
def test_a_new_source_wants_trust_for_code_private_hosts_and_secrets(kind, block, expected):
    def add(*, trusted):
        drafts.add([], drafts.Draft(name="s", type=kind, options=block, trusted=trusted))

    assert expected == needs_trust(add)


@pytest.mark.parametrize(
    ("kind", "before", "wanted", "expected"),
    [
        ("rest_api", KEYED, {"enabled": False}, False),
        ("rest_api", KEYED, {"options": KEYED}, False),
        ("rest_api", KEYED, {"options": {**KEYED, "lookback_days": 3}}, False),
        ("rest_api", KEYED, {"options": {**KEYED, "endpoints": [{"path": "items"}]}}, False),
        (
            "rest_api",
            KEYED,
            {"options": {**KEYED, "endpoints": [{"path": "//evil.example"}]}},
            True,
        ),
        (
            "rest_api",
            KEYED,
            {"options": {**KEYED, "endpoints": [{"path": "a", "params": {"q": "${TOKEN}"}}]}},
            True,
        ),
        ("rest_api", KEYED, {"options": {**KEYED, "base_url": "https://evil.example"}}, True),
        ("rest_api", KEYED, {"options": {**KEYED, "auth_token": "${OTHER}"}}, True),
        ("rest_api", KEYED, {"options": PLAIN}, False),
        ("rest_api", PLAIN, {"options": {**PLAIN, "allow_private_hosts": True}}, True),
        ("dlt_native", CODE, {"enabled": True}, True),
        ("dlt_native", CODE, {"options": {**CODE, "source_function": "popen"}}, True),
        ("postgres", POSTGRES, {"options": {**POSTGRES, "tables": ["orders"]}}, False),
        ("postgres", POSTGRES, {"options": {"credentials": "postgresql://h/other"}}, True),
    ],
)
def test_a_change_wants_trust_when_it_leads_further_than_before(kind, before, wanted, expected):
    def change(*, trusted):
        asked = drafts.Change(**wanted, trusted=trusted)
        drafts.change([source(kind, before)], "s", asked, digest)

    assert expected == needs_trust(change)


def test_a_source_that_is_another_one_by_now_is_not_changed():
    looked_at = source("csv", {"directory": "data"})
    now = source("csv", {"directory": "other"})
    asked = drafts.Change(enabled=False, revision=drafts.revision(looked_at, digest))
    drafts.change([looked_at], "s", asked, digest)
    with pytest.raises(drafts.SourceChanged):
        drafts.change([now], "s", asked, digest)
