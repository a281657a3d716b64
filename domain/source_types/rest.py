"""Sources of the type `rest_api`: any HTTP API that answers with JSON, described in keys.

The keys are those of the existing product and, beyond it, those of dlt's REST source, so that what
was written for either reads the same here.
"""

import re
import string
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from domain.source_types import headers
from domain.source_types.block import Block
from domain.source_types.secret import REFERENCE, Secret

ENDPOINTS_MAX: Final = 200
NAME: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"
FORMATTER: Final = string.Formatter()
PLACEHOLDER: Final = re.compile(
    r"resources\.[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z0-9_.]+"
    r"|incremental\.(start|end|initial|last)_value"
)
# Names of headers and parameters whose values are secrets; `sort_key` and `page_token` are not.
TELLING: Final = re.compile(
    r"^(proxy-)?authorization$|^cookie$|passw|secret|(api|access|private|auth)[-_]?(key|token)|^token$",
    re.IGNORECASE,
)

Write = Literal["replace", "append", "merge"]
Name = Annotated[str, msgspec.Meta(pattern=NAME, max_length=100)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A piece of a block."""


class _Paginator(_Part, frozen=True, kw_only=True, tag_field="type"):
    """How an endpoint goes on after its first answer."""


class Auto(_Paginator, frozen=True, kw_only=True, tag="auto"):
    """Found out from the first answer."""


class SinglePage(_Paginator, frozen=True, kw_only=True, tag="single_page"):
    """One answer holds all."""


class HeaderLink(_Paginator, frozen=True, kw_only=True, tag="header_link"):
    """The header `Link` has the next page's address (RFC 8288)."""

    links_next_key: str = "next"


class JsonLink(_Paginator, frozen=True, kw_only=True, tag="json_link"):
    """The answer has the next page's address."""

    next_url_path: str = "next"


class Cursor(_Paginator, frozen=True, kw_only=True, tag="cursor"):
    """The answer has a token that asks for the next page, in a parameter or in the body."""

    cursor_path: str
    cursor_param: str | None = None
    cursor_body_path: str | None = None
    has_more_path: str | None = None
    stop_after_empty_page: bool = False


class HeaderCursor(_Paginator, frozen=True, kw_only=True, tag="header_cursor"):
    """A header has the token that asks for the next page."""

    cursor_key: str
    cursor_param: str


class Offset(_Paginator, frozen=True, kw_only=True, tag="offset"):
    """The number of rows to pass over; ends at the total, or at an empty page."""

    limit: Annotated[int, msgspec.Meta(ge=1)] = 100
    offset: int = 0
    offset_param: str | None = None
    limit_param: str | None = None
    offset_body_path: str | None = None
    limit_body_path: str | None = None
    total_path: str | None = None
    has_more_path: str | None = None


class PageNumber(_Paginator, frozen=True, kw_only=True, tag="page_number"):
    """The number of the page; ends at the total, or at an empty page."""

    base_page: int = 1
    page_param: str | None = None
    page_body_path: str | None = None
    total_path: str | None = None
    has_more_path: str | None = None


Paginator = Auto | SinglePage | HeaderLink | JsonLink | Cursor | HeaderCursor | Offset | PageNumber
# How a point in time is spelled: in a row's cursor, or in what the API is asked.
Moment = Literal["iso", "second", "date", "minute", "epoch_s", "epoch_ms", "epoch_text"]


class Incremental(_Part, frozen=True, kw_only=True):
    """From the second run on, ask only for what came since.

    The point that was reached fills `start_param`, or `{incremental.start_value}` wherever it
    stands in the endpoint's path, parameters or body.
    """

    cursor_path: str
    initial_value: str | int | float | None = None
    start_param: str | None = None
    end_param: str | None = None
    format: Moment = "iso"  # of the rows' cursor
    param_format: Moment | None = None  # of what the API is asked; None: the same
    row_order: Literal["asc", "desc"] | None = None  # lets a run stop early


class Report(_Part, frozen=True, kw_only=True):
    """What the values of a row of Google's are called: `{dimensionValues, metricValues}`."""

    dimensions: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()


class Endpoint(_Part, frozen=True, kw_only=True):
    """One list of rows, which becomes a table; lists inside of rows become tables of their own.

    `{resources.NAME.FIELD}` in `path`, `params` or `json` asks once for each row of another one.
    """

    path: str
    name: Name | None = None
    method: Literal["GET", "POST"] = "GET"
    params: dict[str, str | int | float | bool] = {}
    json: dict[str, Any] = {}
    headers: dict[str, str] = {}
    data_selector: str | None = None
    paginator: Paginator | None = None
    primary_key: str | tuple[str, ...] = ()
    write_disposition: Write | None = None  # merge with a key, append with a cursor, else replace
    incremental: Incremental | None = None
    include_from_parent: tuple[str, ...] = ()
    nesting_max: Annotated[int, msgspec.Meta(ge=0, le=10)] | None = None
    ignore_statuses: tuple[int, ...] = ()  # answers that mean: nothing there
    keep: dict[
        str, tuple[str, ...]
    ] = {}  # only rows whose field, a path with dots, is one of these
    header_row: bool = False  # rows are lists, the first one has the names of the columns
    report: Report | None = None
    notes: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns of the primary key."""
        return (self.primary_key,) if isinstance(self.primary_key, str) else self.primary_key

    @property
    def write(self) -> str:
        """What becomes of the rows that are there already."""
        if self.write_disposition is not None:
            return self.write_disposition
        if self.keys:
            return "merge"
        return "append" if self.incremental is not None else "replace"


class ErrorBody(_Part, frozen=True, kw_only=True):
    """APIs whose status does not tell: what in the body does. Of a list, the first one counts."""

    path: str  # a key, or keys with dots, as `ok`
    equals: bool | str | int | None = None  # None: it is there at all
    message: str = "error"  # where the reason stands, likewise
    code: str | None = None  # where its code stands; None: the reason is one
    credentials: tuple[str, ...] = ()  # codes that mean: wrong or expired credentials
    transient: tuple[str, ...] = ()  # codes that pass


Auth = Literal[
    "none",
    "bearer",
    "api_key",
    "basic",
    "oauth2_client_credentials",
    "custom_header",
    "google_service_account",
]
# What each kind of authentication cannot do without.
NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "none": (),
    "bearer": ("auth_token",),
    "api_key": ("auth_token",),
    "basic": ("basic_username",),
    "oauth2_client_credentials": ("access_token_url", "client_id", "client_secret"),
    "custom_header": ("auth_header_name", "auth_token"),
    "google_service_account": ("service_account", "scopes"),
}


class RestApiBlock(Block, frozen=True, kw_only=True):
    """An API: where it is, how one proves who one is, and which lists to load."""

    base_url: str
    endpoints: Annotated[tuple[Endpoint, ...], msgspec.Meta(min_length=1, max_length=ENDPOINTS_MAX)]
    auth_type: Auth | None = None  # bearer with a token, else none
    auth_token: Secret | None = None
    api_key_name: str | None = None  # Authorization
    api_key_location: Literal["header", "query"] | None = None  # header
    basic_username: str | None = None
    basic_password: Secret | None = None
    access_token_url: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    scopes: tuple[str, ...] = ()
    service_account: Secret | None = None  # the JSON key file of a Google service account
    auth_header_name: str | None = None
    headers: dict[str, str] | None = None
    paginator: Paginator | None = None
    error_body: ErrorBody | None = None
    start_date: str | None = None  # YYYY-MM-DD: where the first run begins
    end_date: str | None = None
    lookback_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 0
    allow_private_hosts: bool = False  # let it lie in the server's own network
    notes: str | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """As the block says."""
        yield from url_faults(".base_url", self.base_url)
        if self.access_token_url is not None:
            yield from url_faults(".access_token_url", self.access_token_url)
        for name in NEEDS[self.auth]:
            if not getattr(self, name):
                yield f".{name}", f"is needed with auth_type {self.auth}"
        yield from told_faults(".headers", self.headers or {})
        yield from headers.faults(".headers", self.headers or {})
        for field in ("auth_header_name", "api_key_name"):
            named = getattr(self, field)
            if self.api_key_location != "query" and named and headers.name_fault(named):
                yield f".{field}", "must be the name of a header, like X-Api-Key"
        yield from self._endpoint_faults()

    @staticmethod
    def spelled(plain: dict[str, Any]) -> dict[str, Any]:
        """A paginator may be its type alone, and `none` for a single page."""
        endpoints = plain.get("endpoints")
        if isinstance(endpoints, list):
            plain = {**plain, "endpoints": [_with_paginator(one) for one in endpoints]}
        return dict(_with_paginator(plain))

    @property
    def auth(self) -> Auth:
        """How one proves who one is."""
        return self.auth_type or ("bearer" if self.auth_token else "none")

    def _endpoint_faults(self) -> Iterator[tuple[str, str]]:
        seen: dict[str, int] = {}
        for number, endpoint in enumerate(self.endpoints):
            at = f".endpoints[{number}]"
            name = table_name(endpoint)
            if not name:
                yield f"{at}.name", "is needed, as the path holds no word to take it from"
            elif name in seen:
                yield f"{at}.name", f"is {name}, like that of endpoints[{seen[name]}]"
            seen[name] = number
            if endpoint.write == "merge" and not endpoint.keys:
                yield f"{at}.primary_key", "is needed to merge"
            if endpoint.write == "replace" and endpoint.incremental is not None:
                yield f"{at}.write_disposition", "must not be replace where only new rows are asked"
            yield from told_faults(f"{at}.headers", endpoint.headers)
            yield from headers.faults(f"{at}.headers", endpoint.headers)
            yield from told_faults(f"{at}.params", endpoint.params)
            if "://" in endpoint.path:
                yield f"{at}.path", "must be relative to base_url"
            yield from placeholder_faults(f"{at}.path", endpoint.path)
            yield from placeholder_faults(f"{at}.params", endpoint.params)
            yield from placeholder_faults(f"{at}.json", endpoint.json)
            yield from placeholder_faults(f"{at}.headers", endpoint.headers)


def _with_paginator(plain: Any) -> Any:
    told = plain.get("paginator") if isinstance(plain, dict) else None
    kind = told.get("type") if isinstance(told, dict) else told
    if not isinstance(kind, str):
        return plain
    more = told if isinstance(told, dict) else {}
    kind = "single_page" if kind == "none" else kind
    return {**plain, "paginator": {**more, "type": kind}}


def told_faults(path: str, values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Values that are secrets, by their names, and stand there themselves."""
    for name, value in values.items():
        if TELLING.search(name) and isinstance(value, str) and "${" not in value:
            yield f"{path}.{name}", "must be ${NAME}; put the value into the vault"


def placeholder_faults(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Braces that stand for something else than a parent's field or the point that was reached."""
    match value:
        case str():
            yield from _text_faults(path, value)
        case Mapping():
            for key, item in value.items():
                yield from placeholder_faults(f"{path}.{key}", item)
        case list() | tuple():
            for number, item in enumerate(value):
                yield from placeholder_faults(f"{path}[{number}]", item)
        case _:
            return


def _text_faults(path: str, text: str) -> Iterator[tuple[str, str]]:
    try:
        fields = [field for _, field, _, _ in FORMATTER.parse(REFERENCE.sub("", text))]
    except ValueError:
        yield path, "has a brace without its other half; write {{ or }} for one that is meant"
        return
    for field in fields:
        if field is not None and not PLACEHOLDER.fullmatch(field):
            known = "{resources.NAME.FIELD} and {incremental.start_value}"
            yield path, f"knows {known} alone; write {{{{ and }}}} for braces that are meant"


def url_faults(path: str, url: str) -> Iterator[tuple[str, str]]:
    """What keeps a text from being the address of an API."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        yield path, "must be an address like https://api.example.com/v1"
    elif parts.username is not None or parts.password is not None:
        yield path, "must not hold credentials; use auth_type"


def table_name(endpoint: Endpoint) -> str:
    """The table that an endpoint becomes: its name, or the words of its path."""
    if endpoint.name is not None:
        return endpoint.name
    words = [word for word in endpoint.path.split("?")[0].split("/") if word and "{" not in word]
    joined = "_".join(words)
    plain = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in joined)
    return f"_{plain}" if plain[:1].isdecimal() else plain
