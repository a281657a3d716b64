"""Doubles of well-known APIs: the pages, credentials and cursors of each, as its vendor tells them.

The pages cited in the manifests are what these were made from.
"""

import base64
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.infra.loading.doubles import Answer, Asked

SECRET = "planted-Secret-77"
SIZE = 2
SOQL = "/services/data/v63.0/queryAll"
Row = dict[str, Any]
Page = Callable[[Asked, list[Row], str], Answer]


def iso(day: int) -> str:
    return f"2026-01-{day:02d}T00:00:00Z"


def epoch(day: int) -> int:
    return int(dt.datetime(2026, 1, day, tzinfo=dt.UTC).timestamp())


def bearer(asked: Asked) -> bool:
    return asked.headers.get("authorization") == f"Bearer {SECRET}"


def header(name: str) -> Callable[[Asked], bool]:
    return lambda asked: asked.headers.get(name) == SECRET


def basic(user: str) -> Callable[[Asked], bool]:
    told = base64.b64encode(f"{user}:{SECRET}".encode()).decode()
    return lambda asked: asked.headers.get("authorization") == f"Basic {told}"


def by_cursor(rows_at: str, next_at: str, param: str, **more: Any) -> Page:
    """The answer has a token for the next page, at a path like `paging.next.after`."""

    def page(asked: Asked, rows: list[Row], _: str) -> Answer:
        start = int(asked.query.get(param, "0").removeprefix("c"))
        following = f"c{start + SIZE}" if start + SIZE < len(rows) else None
        body: dict[str, Any] = {rows_at: rows[start : start + SIZE], **more}
        *path, last = next_at.split(".")
        place = body
        if following is not None or not path:
            for step in path:
                place = place.setdefault(step, {})
            if following is not None:
                place[last] = following
        return Answer(body=body)

    return page


def by_last_id(asked: Asked, rows: list[Row], _: str) -> Answer:
    """https://docs.stripe.com/api/pagination."""
    ids = [row["id"] for row in rows]
    after = asked.query.get("starting_after")
    start = ids.index(after) + 1 if after else 0
    more = start + SIZE < len(rows)
    return Answer(body={"object": "list", "data": rows[start : start + SIZE], "has_more": more})


def by_link(rows_at: str | None) -> Page:
    """The header `Link` has the whole address of the next page."""

    def page(asked: Asked, rows: list[Row], url: str) -> Answer:
        start = int(asked.query.get("page_info", "0"))
        shown = rows[start : start + SIZE]
        headers = {}
        if start + SIZE < len(rows):
            link = f"{url}{asked.path}?page_info={start + SIZE}"
            headers["Link"] = f'<{link}>; rel="next"'
        return Answer(body=shown if rows_at is None else {rows_at: shown}, headers=headers)

    return page


def by_body(asked: Asked, rows: list[Row], _: str) -> Answer:
    """https://developers.notion.com/reference/intro#pagination; newest first, as asked."""
    newest = sorted(rows, key=lambda row: row["last_edited_time"], reverse=True)
    start = int((asked.body or {}).get("start_cursor", "0"))
    more = start + SIZE < len(rows)
    body = {"results": newest[start : start + SIZE], "has_more": more}
    return Answer(body={**body, "next_cursor": str(start + SIZE) if more else None})


def by_stream(asked: Asked, rows: list[Row], _: str) -> Answer:
    """The incremental export gives a cursor at its end too, and then an empty page."""
    start = int(asked.query.get("cursor", "0"))
    reached = min(start + SIZE, len(rows))
    body = {"tickets": rows[start:reached], "after_cursor": str(reached)}
    return Answer(body={**body, "end_of_stream": reached == len(rows)})


def by_offset(asked: Asked, rows: list[Row], _: str) -> Answer:
    """developers.google.com/analytics/devguides/reporting/data/v1/basics#pagination."""
    start, limit = int(asked.body.get("offset", 0)), int(asked.body["limit"])
    dimensions = [one["name"] for one in asked.body["dimensions"]]
    metrics = [one["name"] for one in asked.body["metrics"]]
    shown = [
        {
            "dimensionValues": [{"value": row[name].replace("-", "")} for name in dimensions],
            "metricValues": [{"value": row[name]} for name in metrics],
        }
        for row in rows[start : start + limit]
    ]
    headers = {
        "dimensionHeaders": [{"name": name} for name in dimensions],
        "metricHeaders": [{"name": name, "type": "TYPE_INTEGER"} for name in metrics],
    }
    more = {"rows": shown} if shown else {}
    body = {**headers, **more, "rowCount": len(rows), "kind": "analyticsData#runReport"}
    return Answer(body=body)


def by_graph(asked: Asked, rows: list[Row], url: str) -> Answer:
    """https://developers.facebook.com/docs/graph-api/results; the last page has a cursor too."""
    start = int(asked.query.get("after", "0"))
    shown = rows[start : start + SIZE]
    if not shown:
        return Answer(body={"data": []})
    paging: Row = {"cursors": {"before": str(start), "after": str(start + len(shown))}}
    if start + SIZE < len(rows):
        paging["next"] = f"{url}{asked.path}?access_token={SECRET}&after={start + SIZE}"
    return Answer(body={"data": shown, "paging": paging})


def by_locator(asked: Asked, rows: list[Row], _: str) -> Answer:
    """developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_query.htm."""
    start = int(asked.path.rpartition("-")[2]) if "-" in asked.path else 0
    done = start + SIZE >= len(rows)
    body: Row = {"totalSize": len(rows), "done": done, "records": rows[start : start + SIZE]}
    if not done:
        body["nextRecordsUrl"] = f"{SOQL}/01gD0000002HU6KIAW-{start + SIZE}"
    return Answer(body=body)


def as_sheet(asked: Asked, rows: list[Row], _: str) -> Answer:
    names = list(dict.fromkeys(name for row in rows for name in row))
    values = [names, *([row.get(name, "") for name in names] for row in rows)]
    return Answer(body={"range": "Orders!A1:Z", "values": values})


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """One API, by the list that stands for its others."""

    kind: str
    base: str  # the path of the API's address
    block: dict[str, Any]
    table: str
    path: str
    page: Page
    allowed: Callable[[Asked], bool]
    row: Callable[[int], Row]  # made on that day of January 2026
    since: Callable[[Asked], Any] = lambda asked: None
    reached: Any = None  # what is asked for after day 5
    key: str = "id"
    asked_for: bool = False  # it gives the columns that it is asked for, and no others
    others: dict[str, Any] = {}  # answers of the lists that this one hangs on
    refusal: Answer = Answer(status=401, body={"message": "Bad credentials"})


_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_PEM = _KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()
TOKEN = "ya29.of-an-hour"


def service_account(url: str) -> str:
    """The key file of a service account whose tokens come from a double."""
    told = {"client_email": "robot@x.iam.gserviceaccount.com", "private_key": _PEM}
    return json.dumps({**told, "private_key_id": "k1", "token_uri": f"{url}/token"})


def token(asked: Asked) -> Answer:
    """https://developers.google.com/identity/protocols/oauth2/service-account."""
    assert "urn:ietf:params:oauth:grant-type:jwt-bearer" == asked.body["grant_type"]
    claims = jwt.decode(asked.body["assertion"], RSAKey.import_key(_PEM)).claims
    assert claims["scope"].removeprefix("https://www.googleapis.com/auth/") in {
        "analytics.readonly",
        "spreadsheets.readonly",
    }
    assert claims["aud"].endswith("/token")
    return Answer(body={"access_token": TOKEN, "expires_in": 3599})


VENDORS = (
    Vendor(
        kind="stripe", base="/v1/", path="/v1/charges", table="charges",
        block={"stripe_secret_key": "${KEY}", "endpoints": ["charges"], "lookback_days": 0},
        page=by_last_id, allowed=bearer,
        row=lambda day: {"id": f"ch_{day}", "created": epoch(day), "amount": day},
        since=lambda asked: asked.query.get("created[gte]"), reached=str(epoch(5)),
        refusal=Answer(status=401, body={"error": {"message": f"Expired API Key: {SECRET}"}}),
    ),
    Vendor(
        kind="github", base="/", path="/repos/o/r/issues", table="issues",
        block={"access_token": "${KEY}", "owner": "o", "name": "r", "endpoints": ["issues"]},
        page=by_link(None), allowed=bearer,
        row=lambda day: {"id": day, "updated_at": iso(day), "user": {"login": "x"}},
        since=lambda asked: asked.query.get("since"), reached=iso(5),
    ),
    Vendor(
        kind="hubspot", base="/", path="/crm/v3/objects/contacts", table="contacts",
        block={"api_key": "${KEY}", "endpoints": ["contacts"]},
        page=by_cursor("results", "paging.next.after", "after"), allowed=bearer,
        row=lambda day: {"id": str(day), "updatedAt": iso(day), "properties": {"email": "x"}},
    ),
    Vendor(
        kind="shopify", base="/admin/api/2025-10/", path="/admin/api/2025-10/orders.json",
        table="orders",
        block={"shop": "s", "private_app_password": "${KEY}", "endpoints": ["orders"]},
        page=by_link("orders"), allowed=header("x-shopify-access-token"),
        row=lambda day: {"id": day, "updated_at": iso(day), "line_items": [{"sku": "A"}]},
        since=lambda asked: asked.query.get("updated_at_min"), reached=iso(5),
        refusal=Answer(status=401, body={"errors": "[API] Invalid API key or access token"}),
    ),
    Vendor(
        kind="slack", base="/api/", path="/api/conversations.history", table="messages",
        block={"access_token": "${KEY}", "endpoints": ["messages"]},
        page=by_cursor("messages", "response_metadata.next_cursor", "cursor", ok=True),
        allowed=bearer, key="ts",
        row=lambda day: {"ts": f"{epoch(day)}.000100", "text": "x", "type": "message"},
        since=lambda asked: asked.query.get("oldest"), reached=f"{epoch(5)}.000100",
        others={"/api/users.conversations": {"ok": True, "channels": [{"id": "C1"}]}},
        refusal=Answer(body={"ok": False, "error": "token_expired"}),
    ),
    Vendor(
        kind="notion", base="/v1/", path="/v1/search", table="pages",
        block={"api_key": "${KEY}", "endpoints": ["pages"]},
        page=by_body, allowed=bearer,
        row=lambda day: {"id": f"p{day}", "last_edited_time": iso(day), "properties": {"N": {}}},
    ),
    Vendor(
        kind="airtable", base="/v0/", path="/v0/app1/Big orders", table="big_orders",
        block={"access_token": "${KEY}", "base_id": "app1", "table_names": ["Big orders"]},
        page=by_cursor("records", "offset", "offset"), allowed=bearer,
        row=lambda day: {"id": f"rec{day}", "createdTime": iso(day), "fields": {"Name": "x"}},
        refusal=Answer(status=401, body={"error": {"type": "AUTHENTICATION_REQUIRED"}}),
    ),
    Vendor(
        kind="jira", base="/rest/api/3/", path="/rest/api/3/search/jql", table="issues",
        block={"subdomain": "s", "email": "a@x.org", "api_token": "${KEY}",
               "endpoints": ["issues"], "lookback_days": 0},
        page=by_cursor("issues", "nextPageToken", "nextPageToken"), allowed=basic("a@x.org"),
        row=lambda day: {"id": str(day), "fields": {"updated": f"{iso(day)[:-1]}.000+0000"}},
        since=lambda asked: asked.query["jql"],
        reached='updated >= "2026-01-05 00:00" ORDER BY updated ASC',
    ),
    Vendor(
        kind="zendesk", base="/api/v2/", path="/api/v2/incremental/tickets/cursor.json",
        table="tickets",
        block={"subdomain": "s", "email": "a@x.org", "token": "${KEY}", "endpoints": ["tickets"]},
        page=by_stream, allowed=basic("a@x.org/token"),
        row=lambda day: {"id": day, "updated_at": iso(day), "tags": ["a"]},
        since=lambda asked: asked.query.get("start_time"), reached=str(epoch(5)),
        refusal=Answer(status=401, body={"error": "Couldn't authenticate you"}),
    ),
    Vendor(
        kind="pipedrive", base="/api/v2/", path="/api/v2/deals", table="deals",
        block={"pipedrive_api_key": "${KEY}", "endpoints": ["deals"]},
        page=by_cursor("data", "additional_data.next_cursor", "cursor", success=True),
        allowed=header("x-api-token"),
        row=lambda day: {"id": day, "update_time": iso(day), "title": "x"},
        since=lambda asked: asked.query.get("updated_since"), reached=iso(5),
    ),
    Vendor(
        kind="asana", base="/api/1.0/", path="/api/1.0/tasks", table="tasks", key="gid",
        block={"access_token": "${KEY}", "workspace": "1", "endpoints": ["tasks"]},
        page=by_cursor("data", "next_page.offset", "offset"), allowed=bearer,
        row=lambda day: {"gid": str(day), "modified_at": f"2026-01-{day:02d}T00:00:00.000Z"},
        since=lambda asked: asked.query.get("modified_since"), reached="2026-01-05T00:00:00.000Z",
        others={"/api/1.0/projects": {"data": [{"gid": "77"}], "next_page": None}},
        refusal=Answer(status=401, body={"errors": [{"message": "Not Authorized"}]}),
    ),
    Vendor(
        kind="google_sheets", base="/v4/", path="/v4/spreadsheets/s1/values/Orders!A1:F",
        table="orders_a1_f",
        block={"credentials": "${KEY}", "range_names": ["Orders!A1:F"],
               "spreadsheet_url_or_id": "https://docs.google.com/spreadsheets/d/s1/edit"},
        page=as_sheet,
        allowed=lambda asked: asked.headers.get("authorization") == f"Bearer {TOKEN}",
        row=lambda day: {"id": day, "made": iso(day)},
        refusal=Answer(status=401, body={"error": {"code": 401, "message": "Invalid Credentials"}}),
    ),
    Vendor(
        kind="google_analytics", base="/v1beta/", path="/v1beta/properties/77:runReport",
        table="traffic", key="date", asked_for=True,
        block={"credentials": "${KEY}", "property_id": 77, "rows_per_page": SIZE,
               "lookback_days": 0,
               "queries": [{"resource_name": "traffic", "metrics": ["sessions"]}]},
        page=by_offset,
        allowed=lambda asked: asked.headers.get("authorization") == f"Bearer {TOKEN}",
        row=lambda day: {"date": f"2026-01-{day:02d}", "sessions": str(day)},
        since=lambda asked: asked.body["dateRanges"][0]["startDate"], reached="2026-01-05",
        refusal=Answer(status=401, body={"error": {"code": 401, "status": "UNAUTHENTICATED",
                       "message": "Request had invalid authentication credentials."}}),
    ),
    Vendor(
        kind="facebook_ads", base="/v23.0/", path="/v23.0/act_9/insights", table="insights",
        key="date_start",
        block={"access_token": "${KEY}", "account_id": "9", "endpoints": ["insights"],
               "lookback_days": 0},
        page=by_graph, allowed=bearer,
        row=lambda day: {"ad_id": "a1", "date_start": f"2026-01-{day:02d}", "spend": "1.5",
                         "date_stop": f"2026-01-{day:02d}",
                         "actions": [{"action_type": "link_click", "value": "2"}]},
        since=lambda asked: json.loads(asked.query["time_range"])["since"], reached="2026-01-05",
        refusal=Answer(status=400, body={"error": {"message": f"Error validating {SECRET}",
                       "type": "OAuthException", "code": 190, "error_subcode": 463}}),
    ),
    Vendor(
        kind="salesforce", base="/", path=SOQL, table="account",
        block={"access_token": "${KEY}", "domain": "acme", "objects": ["Account"],
               "fields": {"Account": ["Tier__c"]}, "lookback_days": 0},
        page=by_locator, allowed=bearer,
        row=lambda day: {"attributes": {"type": "Account"}, "Id": f"001{day}", "IsDeleted": False,
                         "SystemModstamp": f"2026-01-{day:02d}T00:00:00.000+0000"},
        since=lambda asked: asked.query["q"], key="Id",
        reached="SELECT FIELDS(STANDARD), Tier__c FROM Account"
                " WHERE SystemModstamp >= 2026-01-05T00:00:00Z ORDER BY SystemModstamp",
        refusal=Answer(status=401, body=[{"message": "Session expired or invalid",
                                          "errorCode": "INVALID_SESSION_ID"}]),
    ),
)  # fmt: skip


class Double:
    """One vendor's API at work: `rows` is what it holds, `hitch` what it answers first."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.rows = [vendor.row(day) for day in range(1, 6)]
        self.hitches: list[Answer] = []
        self.url = ""
        self.valid = True

    def __call__(self, asked: Asked) -> Answer:
        if asked.path == "/token":
            return token(asked)
        if not self.valid or not self.vendor.allowed(asked):
            return self.vendor.refusal
        if self.hitches:
            return self.hitches.pop()
        if asked.path in self.vendor.others:
            return Answer(body=self.vendor.others[asked.path])
        if not asked.path.startswith(self.vendor.path):
            return Answer(status=404, body={"message": f"no {asked.path}"})
        return self.vendor.page(asked, self.rows, self.url)
