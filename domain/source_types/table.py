"""The table of source types: each with the block that sources.yml may tell it."""

from typing import Any, Final

import msgspec

from domain import shapes
from domain.kernel import Refused
from domain.source_types import databases, files, native, rest, secret, vendors, words
from domain.source_types.block import Block
from domain.source_types.secret import references

__all__ = ["LATER", "TYPES", "OptionInvalid", "SourceType", "json_schema", "options", "references"]

_ENV: Final = "_env"  # how the existing product names a variable: `auth_token_env: NAME`


class SourceType(msgspec.Struct, frozen=True, kw_only=True):
    """One type of source. `block` is what the block of its name holds."""

    name: str
    title: str
    summary: str
    kind: str  # files, api, database
    block: type[msgspec.Struct]


_ROWS: Final = (
    SourceType(
        name="csv",
        title="CSV files",
        summary="Files of comma-separated values below a directory of the project.",
        kind="files",
        block=files.CsvBlock,
    ),
    SourceType(
        name="local_files",
        title="Files",
        summary="Files of any format below a directory of the project.",
        kind="files",
        block=files.LocalFilesBlock,
    ),
    SourceType(
        name="duckdb",
        title="DuckDB file",
        summary="The tables of a DuckDB database file of the project.",
        kind="files",
        block=files.DuckDBFileBlock,
    ),
    SourceType(
        name="filesystem",
        title="Bucket",
        summary="Files of any format in a bucket that speaks S3.",
        kind="files",
        block=files.FilesystemBlock,
    ),
    SourceType(
        name="rest_api",
        title="REST API",
        summary="Any HTTP API that answers with JSON, described in keys.",
        kind="api",
        block=rest.RestApiBlock,
    ),
    SourceType(
        name="postgres",
        title="PostgreSQL",
        summary="Tables of a PostgreSQL database.",
        kind="database",
        block=databases.DatabaseBlock,
    ),
    SourceType(
        name="mysql",
        title="MySQL or MariaDB",
        summary="Tables of a MySQL or MariaDB database.",
        kind="database",
        block=databases.DatabaseBlock,
    ),
    SourceType(
        name="sqlite",
        title="SQLite file",
        summary="Tables of a SQLite database file of the project.",
        kind="database",
        block=databases.SqliteBlock,
    ),
    SourceType(
        name="sql_database",
        title="SQL database",
        summary="Tables of any database that SQLAlchemy has a driver for.",
        kind="database",
        block=databases.DatabaseBlock,
    ),
    SourceType(
        name="dlt_native",
        title="dlt source",
        summary="Any source for dlt that is installed beside the server.",
        kind="api",
        block=native.DltNativeBlock,
    ),
    *(
        SourceType(name=name, title=title, summary=summary, kind="api", block=block)
        for name, (title, summary, block) in vendors.BLOCKS.items()
    ),
)
TYPES: Final[dict[str, SourceType]] = {row.name: row for row in _ROWS}

# Those of the existing product that have no row yet: its projects open as they are, and of the
# blocks only the keys are told, since any value may be a secret.
LATER: Final = (
    frozenset(
        {
            "airtable", "asana", "chess", "dlt_native", "facebook_ads", "filesystem", "freshdesk",
            "github", "google_ads", "google_analytics", "google_sheets", "hubspot", "inbox",
            "jira", "kafka", "kinesis", "local_files", "matomo", "mongodb", "mux", "mysql",
            "notion", "personio", "pipedrive", "postgres", "rest_api", "salesforce", "shopify",
            "slack", "sql_database", "strapi", "stripe", "workable", "zendesk",
        }
    )
    - TYPES.keys()
)  # fmt: skip


def options(type_name: str, block: dict[str, Any]) -> msgspec.Struct:
    """The block of a type that has a row. Raises OptionInvalid, which names the path."""
    kind = TYPES[type_name].block
    try:
        found = shapes.typed(_spelled(_named(block, kind), kind), kind)
    except shapes.ShapeWrong as error:
        known = (field.encode_name for field in msgspec.structs.fields(kind))
        raise OptionInvalid(*words.plain(error.path, error.reason, known)) from None
    if isinstance(found, Block):
        for path, reason in found.faults():
            raise OptionInvalid(path, reason)
    return found


def json_schema(kind: SourceType) -> dict[str, Any]:
    """The JSON Schema of a type's block, for forms and editors."""
    schema = msgspec.json.schema(kind.block)
    parts = dict(schema.get("$defs", {}))
    own = parts.pop(str(schema.get("$ref", "")).rpartition("/")[2], schema)
    described = {
        name: {**inner, **words.told(kind.name, name)} for name, inner in own["properties"].items()
    }
    whole = {**own, "title": kind.title, "properties": described}
    return {**whole, **({"$defs": parts} if parts else {})}


def _spelled(block: Any, kind: type[msgspec.Struct]) -> Any:
    return kind.spelled(block) if isinstance(block, dict) and issubclass(kind, Block) else block


def _named(block: Any, kind: type[msgspec.Struct]) -> Any:
    """`auth_token_env: NAME` of existing files means `auth_token: ${NAME}`."""
    if not isinstance(block, dict):
        return block
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    plain: dict[str, Any] = {}
    for key, value in block.items():
        name = str(key).removesuffix(_ENV)
        if key in known or name == key or name not in known:
            plain[key] = value
        elif value is None:
            continue
        elif name in block:
            raise OptionInvalid(f".{key}", f"says the same as {name}; leave one out")
        elif isinstance(value, str) and secret.NAME.fullmatch(value):
            plain[name] = secret.reference(value)
        else:
            raise OptionInvalid(f".{key}", "must be the name of a secret")
    return plain


class OptionInvalid(Refused):
    """A block says what its type does not take; `path` is where in it, like `.directory`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"{path.lstrip('.') or 'the block'}: {reason}",
            fields=[{"path": path.lstrip("."), "message": reason}],
        )
        self.path, self.reason = path, reason
