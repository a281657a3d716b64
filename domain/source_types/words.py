"""What each option of a source means, with an example, and what is wrong with one.

Options of one name mean the same in all types but for those that are told by type.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

# Option -> what it means, and an example of a value.
OPTIONS: Final[dict[str, tuple[str, Any]]] = {
    "access_token": ("The token of the account, as a reference to a secret.", "${NAME}"),
    "access_token_url": ("Where a token is asked for.", "https://example.com/oauth/token"),
    "account_id": ("The number of the ad account.", "1234567890"),
    "allow_private_hosts": ("Whether the host may lie in the server's own network.", False),
    "api_key": ("The key of the account, as a reference to a secret.", "${NAME}"),
    "api_key_location": ("Whether the key is sent as a header or in the address.", "header"),
    "api_key_name": ("The header or parameter that the key is sent in.", "X-Api-Key"),
    "api_token": ("The token of the account, as a reference to a secret.", "${NAME}"),
    "auth_header_name": ("The header that the token is sent in.", "X-Api-Key"),
    "auth_token": ("The token or key, as a reference to a secret.", "${NAME}"),
    "auth_type": ("How the API is told who asks.", "bearer"),
    "aws_access_key_id": ("The id of the key; none for a public bucket.", "${NAME}"),
    "aws_secret_access_key": ("The key, as a reference to a secret.", "${NAME}"),
    "base_id": ("The id of the base, as its address has it.", "appAbC123"),
    "base_url": ("The address that all paths are below.", "https://api.example.com/v1"),
    "basic_password": ("The password, as a reference to a secret.", "${NAME}"),
    "basic_username": ("The user's name.", "reader"),
    "bucket_url": ("The bucket, and the folder in it.", "s3://bucket/folder"),
    "client_id": ("The id of the client that asks for tokens.", "dango"),
    "client_secret": ("The client's secret, as a reference to a secret.", "${NAME}"),
    "credentials": (
        "The address of the database, as SQLAlchemy writes it, with ${NAME} for the password.",
        "postgresql://reader:${NAME}@db.example.com/shop",
    ),
    "database_ids": ("The databases to load; all that are shared when empty.", ["a1b2c3"]),
    "dataset_name": ("A name that the source's own code is given.", "shop"),
    "deduplication": ("Which row of each primary key stays.", "latest_only"),
    "directory": ("The folder of the project that the files lie in.", "data/uploads/orders"),
    "domain": ("The organization's name, as its address has it.", "my-company"),
    "email": ("The e-mail address of the account.", "reader@example.com"),
    "end_date": ("The last day that is loaded.", "2026-12-31"),
    "endpoint": ("The address of a server that is not Amazon's.", "https://s3.example.com"),
    "endpoints": ("The lists that are loaded; each becomes a table.", ["orders"]),
    "error_body": ("What tells of a failure, where the status of an answer does not.", None),
    "fields": ("Further fields of an object, beyond the standard ones.", {"Account": ["Tier__c"]}),
    "file_glob": ("Which files below the folder are read.", "**/*.csv"),
    "file_pattern": ("Which files of the directory are read.", "*.csv"),
    "format": ("The files' format; auto looks at each of them.", "auto"),
    "function_kwargs": ("The arguments of the function.", {"since": "2026-01-01"}),
    "headers": ("Headers that are sent with each request.", {"X-Version": "2"}),
    "insights_fields": ("The fields of insights; ad_id is needed.", ["ad_id", "spend"]),
    "lookback_days": ("How many days before the last row are read again.", 3),
    "max_reject_ratio": ("The share of a file's rows that may be bad.", 0.01),
    "name": ("The name of the repository.", "litestar"),
    "notes": ("What people should know of it.", "Ask the shop's team"),
    "null_values": ("Spellings of a missing value.", ["", "NA"]),
    "objects": ("The objects that are loaded; each becomes a table.", ["Account"]),
    "owner": ("The owner of the repository.", "litestar-org"),
    "page_size": ("How many rows are asked for at once.", 50),
    "paginator": ("How the next page is found.", {"type": "header_link"}),
    "path": ("The file, below the project's folder.", "files/shop.db"),
    "pipedrive_api_key": ("The key of the account, as a reference to a secret.", "${NAME}"),
    "pipeline_name": ("A name that the source's own code is given.", "shop"),
    "primary_key": ("The columns that tell one row from the others.", ["id"]),
    "private_app_password": ("The app's token, as a reference to a secret.", "${NAME}"),
    "property_id": ("The number of the property.", "123456789"),
    "queries": (
        "The reports that are loaded; each becomes a table.",
        [{"resource_name": "daily", "dimensions": ["date"], "metrics": ["sessions"]}],
    ),
    "range_names": ("The sheets or ranges that are loaded.", ["Sheet1!A1:D100"]),
    "region": ("The region of the bucket.", "eu-central-1"),
    "resources": ("The lists that are loaded, by another name of `endpoints`.", ["orders"]),
    "rows_per_page": ("How many rows are asked for at once.", 10_000),
    "schema": ("The schema that the tables lie in.", "public"),
    "scopes": ("What the token is asked for.", ["read"]),
    "selected_channels": ("The channels that are loaded; all when empty.", ["general"]),
    "service_account": ("The JSON key file of a service account, as a secret.", "${NAME}"),
    "sheet": ("The sheet of workbooks; the first one when left out.", "Orders"),
    "shop": ("The shop's name, as its address has it.", "my-shop"),
    "since_timestamp": ("The first day that is loaded.", "2026-01-01"),
    "source_function": ("The function of the module that gives the source.", "shop_source"),
    "source_module": ("The module that is installed beside the server.", "shop_dlt"),
    "spreadsheet_url_or_id": ("The spreadsheet's address or id.", "1aBcD"),
    "start_date": ("The first day that is loaded.", "2026-01-01"),
    "stripe_secret_key": ("The secret key of the account, as a secret.", "${NAME}"),
    "subdomain": ("The account's name, as its address has it.", "my-company"),
    "table_names": ("The tables that are loaded; all when empty.", ["Orders"]),
    "tables": ("The tables that are loaded; all when empty.", ["orders"]),
    "token": ("The token of the account, as a reference to a secret.", "${NAME}"),
    "workspace": ("The id of the workspace.", "1200000000000000"),
    "write": ("What becomes of the rows that are there already.", "replace"),
}
_OF_TYPE: Final[dict[tuple[str, str], tuple[str, Any]]] = {
    ("airtable", "tables"): OPTIONS["table_names"],
    ("filesystem", "tables"): ("Whether files become one table, or one each.", "one"),
    ("google_sheets", "credentials"): ("The JSON key of a service account.", "${NAME}"),
    ("google_analytics", "credentials"): OPTIONS["service_account"],
    ("local_files", "tables"): ("Whether files become one table, or one each.", "one"),
    ("rest_api", "endpoints"): (
        "The lists that are loaded, each with its path; each becomes a table.",
        [{"path": "orders", "data_selector": "data"}],
    ),
}
_TYPES: Final = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "null": "nothing",
    "object": "keys with values",
    "str": "text",
}
_EXPECTED: Final = re.compile(r"Expected `([a-z |]+)`, got `([a-z]+)`")
_MISSING: Final = re.compile(r"Object missing required field `([^`]+)`")
_BOUND: Final = re.compile(r"Expected `(?:int|float)` ([<>]=? [0-9.]+)")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `[^`]+`")


def told(type_name: str, option: str) -> dict[str, Any]:
    """What an option means and an example of it, in the words of JSON Schema."""
    what, example = _OF_TYPE.get((type_name, option)) or OPTIONS.get(option, ("", None))
    shown = {} if example is None else {"examples": [example]}
    return {"description": what, **shown} if what else {}


def plain(path: str, reason: str, options: Iterable[str]) -> tuple[str, str]:
    """Where something is wrong, and what, for people; `options` are those of the type."""
    if (missing := _MISSING.fullmatch(reason)) is not None:
        return f"{path}.{missing[1]}", "is needed"
    if (expected := _EXPECTED.fullmatch(reason)) is not None:
        wanted = [_TYPES.get(one, one) for one in expected[1].split(" | ") if one != "null"]
        got = _TYPES.get(expected[2], expected[2])
        return path, f"must be {' or '.join(wanted)}, and is {got}"
    if (bound := _BOUND.fullmatch(reason)) is not None:
        return path, f"must be {bound[1]}"
    if reason.startswith("Invalid enum value"):
        return path, "is not one of the values that it takes, which `dango source types` lists"
    if _UNKNOWN.fullmatch(reason) and path.count(".") == 1:
        return path, f"is an unknown field; there are {', '.join(sorted(options))}"
    return path, reason
