"""What programs that act for people can do here, in one table.

Each tool is one route; its parameters are those of the route's path, query or body.
"""

from typing import Any, Final

import msgspec

ABOUT: Final = (
    "Tools of this platform; each is one endpoint. Names in braces of an endpoint are parameters"
    " of its path; other parameters go into the query of a GET and the JSON body of a POST, or"
    " where `place` says. Call only those whose permissions you have."
)


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter; `type` is one of JSON Schema's."""

    name: str
    type: str = "string"
    required: bool = False
    description: str
    enum: tuple[str, ...] | None = None
    place: str = "query"  # path, query, body


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """What can be done: the endpoint, and its parameters as JSON Schema too."""

    name: str
    description: str
    endpoint: str
    method: str
    parameters: tuple[Parameter, ...]
    permissions_required: tuple[str, ...]
    is_read_only: bool
    is_safe_to_retry: bool
    allowed: bool = True  # for the caller
    input_schema: dict[str, Any] = {}


class ToolList(msgspec.Struct, frozen=True, kw_only=True):
    """All tools."""

    description: str
    tools: list[Tool]
    user_role: str


def _path(name: str, description: str) -> Parameter:
    return Parameter(name=name, required=True, description=description, place="path")


def _read(
    name: str, endpoint: str, permission: str, description: str, *parameters: Parameter
) -> Tool:
    return Tool(
        name=name,
        description=description,
        endpoint=endpoint,
        method="GET",
        parameters=parameters,
        permissions_required=(permission,),
        is_read_only=True,
        is_safe_to_retry=True,
    )


def _act(
    name: str,
    endpoint: str,
    permission: str,
    description: str,
    *parameters: Parameter,
    changes: bool = True,
) -> Tool:
    return Tool(
        name=name,
        description=description,
        endpoint=endpoint,
        method="POST",
        parameters=parameters,
        permissions_required=(permission,),
        is_read_only=not changes,
        is_safe_to_retry=not changes,
    )


_SOURCE: Final = _path("source_name", "Name of a source.")
_MODEL: Final = _path("model_name", "Name of a model, or schema.table.")
_TABLE: Final = (
    _path("source", "Name of a source, or schema of a model."),
    _path("table", "Name of the table."),
)
_LIMIT: Final = Parameter(name="limit", type="integer", description="How many at most.")

TOOLS: Final[tuple[Tool, ...]] = (
    _read(
        "list_sources",
        "/api/sources",
        "source.view",
        "List all sources with their state and numbers of rows.",
    ),
    _read(
        "catalog_summary",
        "/api/catalog/summary",
        "source.view",
        "Summarize all tables and models with columns, freshness and quality. Begin here.",
        Parameter(
            name="max_tokens",
            type="integer",
            description="How long the answer may be; less important things are left out.",
        ),
    ),
    _read(
        "search_catalog",
        "/api/catalog/search",
        "governance.view",
        "Find models and tables by name, column, tag or description; spelling is forgiven.",
        Parameter(name="q", required=True, description="2 to 100 characters."),
    ),
    _read(
        "describe_table",
        "/api/catalog/{source}/{table}/columns",
        "governance.view",
        "Show the columns of a table with types, descriptions and statistics.",
        *_TABLE,
    ),
    _read(
        "table_history",
        "/api/catalog/{source}/{table}/history",
        "governance.view",
        "List how the columns of a source's table changed, newest first.",
        *_TABLE,
        _LIMIT,
    ),
    _read(
        "describe_model",
        "/api/catalog/models/{model_name}",
        "governance.view",
        "Show a model: its code, columns and what they come from, tests, dependencies.",
        _MODEL,
    ),
    _read(
        "lineage",
        "/api/catalog/lineage",
        "governance.view",
        "Show the graph of all sources, tables and models.",
    ),
    _read(
        "impact",
        "/api/catalog/impact/{model_name}",
        "governance.view",
        "Show everything that depends on a model or a table.",
        _MODEL,
    ),
    _read(
        "attention",
        "/api/governance/attention",
        "governance.view",
        "List the sources that need somebody, why, and since when.",
    ),
    _read(
        "list_events",
        "/api/events",
        "audit.view",
        "List what happened, newest last; each change of anything is an event.",
        Parameter(name="after", type="integer", description="Events behind this position."),
        Parameter(name="type", description="Events of this type."),
        Parameter(name="stream", description="Events about this thing, such as source:orders."),
        _LIMIT,
    ),
    _act(
        "query",
        "/api/query",
        "query.execute",
        "Answer one read-only SQL statement in DuckDB's dialect; personal data may be masked.",
        Parameter(name="sql", required=True, description="The statement.", place="body"),
        Parameter(
            name="as_of",
            description="From the warehouse as it stood at this position of the log, or time.",
            place="body",
        ),
        changes=False,
    ),
    _read(
        "sync_status",
        "/api/sync/status/{record_id}",
        "source.sync",
        "Tell how far a sync is, and how it ended.",
        Parameter(
            name="record_id",
            type="integer",
            required=True,
            description="The job_id that sync_source answered.",
            place="path",
        ),
    ),
    _read(
        "model_run_status",
        "/api/dbt/runs/{job_id}",
        "dbt.view",
        "Tell how far a run of models is, and how each of them ended.",
        Parameter(
            name="job_id",
            type="integer",
            required=True,
            description="The job_id that run_model answered.",
            place="path",
        ),
    ),
    _act(
        "profile_table",
        "/api/catalog/{source}/{table}/profile",
        "governance.view",
        "Count through a table: nulls, distinct values, ranges, commonest values.",
        *_TABLE,
        changes=False,
    ),
    _act(
        "sync_source",
        "/api/sources/{source_name}/sync",
        "source.sync",
        "Fetch what is new of a source; models that read it are built afterwards.",
        _SOURCE,
        Parameter(
            name="full_refresh",
            type="boolean",
            description="Fetch everything anew.",
            place="body",
        ),
    ),
    _act(
        "run_model",
        "/api/dbt/models/{model_name}/run",
        "dbt.run",
        "Build a model, and with `cascade` what reads it.",
        _path("model_name", "Name of a model."),
        Parameter(
            name="cascade", type="boolean", description="Build what reads it too; the default."
        ),
    ),
)


def schema(tool: Tool) -> dict[str, Any]:
    """The parameters of a tool as JSON Schema."""
    properties: dict[str, Any] = {}
    for each in tool.parameters:
        properties[each.name] = {"type": each.type, "description": each.description}
        if each.enum is not None:
            properties[each.name]["enum"] = list(each.enum)
    return {
        "type": "object",
        "properties": properties,
        "required": [each.name for each in tool.parameters if each.required],
        "additionalProperties": False,
    }
