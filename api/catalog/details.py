"""One model, or one table of a source: its code, columns, tests, and what it comes from."""

from datetime import datetime

import msgspec

from api.call import Call
from api.catalog import graph
from api.errors import Denied
from api.profiles import described, kept
from domain.lineage import Origin
from projections import lineage, models, profiles
from projections.catalog import Node
from projections.tables import Published


class TestView(msgspec.Struct, frozen=True, kw_only=True):
    """A test and how it came out; None when it has not run."""

    __test__ = False  # pytest takes it for a class of tests otherwise
    name: str
    status: str | None


class DescribedColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column; `origins` are those of other tables that it may come from."""

    name: str
    type: str
    nullable: bool
    description: str | None
    tests: list[TestView]
    stats: dict[str, str | None]
    masked: bool
    origins: tuple[Origin, ...]


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """A model or a table. `traced` is false where its code could not be followed."""

    unique_id: str
    name: str
    type: str
    schema: str
    relation: str
    description: str
    tags: tuple[str, ...]
    meta: dict[str, str]
    columns: list[DescribedColumn]
    depends_on: tuple[str, ...]
    depended_on_by: tuple[str, ...]
    tests: list[TestView]
    row_count: int | None
    profiled_at: datetime | None
    materialization: str | None
    path: str
    raw_code: str | None
    compiled_code: str | None
    source_name: str | None
    last_run: datetime | None
    status: str | None
    traced: bool | None


async def model_details(call: Call, model_name: str) -> Details:
    """Show a model or a table: code, columns, tests, what it reads and what reads it."""
    node = (await graph.known(call)).find(model_name)
    if node is None:
        raise Denied(404, f"Model or source '{model_name[:200]}' not found in the catalogue.")
    of_model = node.of_model
    known = profiles.one(call.views, node.schema, node.relation)
    traced = lineage.one(call.views, node.schema, node.relation) if of_model else None
    return Details(
        unique_id=node.id,
        name=node.name,
        type=node.layer,
        schema=node.schema,
        relation=node.relation,
        description=node.description,
        tags=node.tags,
        meta={},
        columns=_columns(call, node, known, traced),
        depends_on=node.depends_on,
        depended_on_by=node.depended_on_by,
        tests=_tests(node, None),
        row_count=node.row_count,
        profiled_at=None if known is None else known.at,
        materialization=node.materialization,
        path=node.path,
        raw_code=models.code(call.views, node.name) or None if of_model else None,
        compiled_code=None,
        source_name=node.source,
        last_run=node.last_run,
        status=node.status,
        traced=None if traced is None else not traced.opaque,
    )


def _columns(
    call: Call,
    node: Node,
    known: profiles.Profiled | None,
    traced: lineage.TableOf | None,
) -> list[DescribedColumn]:
    table = Published(
        owner=node.source or node.name,
        schema=node.schema,
        name=node.relation,
        row_count=node.row_count,
        columns=node.columns,
        descriptions=node.descriptions,
        at=node.last_run,
    )
    return [
        DescribedColumn(
            **msgspec.structs.asdict(column),
            tests=_tests(node, column.name),
            origins=() if traced is None else traced.columns.get(column.name, ()),
        )
        for column in described(call, table, kept(call, table, known))
    ]


def _tests(node: Node, column: str | None) -> list[TestView]:
    """The tests of a column, or all of them; some may not have run yet."""
    ran = [TestView(name=t.test, status=t.status) for t in node.tests if column in (None, t.column)]
    if column is not None:
        return ran
    told = {test.name for test in ran}
    waiting = [TestView(name=each, status=None) for each in node.test_names if each not in told]
    return ran + waiting
