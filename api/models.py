"""GET /api/dbt/models: what the dbt project holds, and how each of its models stands."""

from collections import Counter
from datetime import datetime
from typing import Final

import msgspec

from api.call import Call
from domain.datasets import Column
from domain.model_runs import TestResult
from projections import models
from projections.engine import Reader

PASSING: Final = frozenset({"pass"})
WARNING: Final = frozenset({"warn"})


class TestCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How the tests of a model came out, those that ran."""

    total: int
    passing: int
    warning: int
    failing: int


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """One model: the fields of the existing product, and what is known beside them."""

    name: str
    unique_id: str
    path: str
    materialization: str
    schema: str
    database: str
    depends_on: tuple[str, ...]
    description: str
    tags: tuple[str, ...]
    row_count: int | None
    last_run: datetime | None
    status: str | None  # success, error, skipped, stale; None before the first run
    kind: str
    layer: str
    relation: str
    sources: tuple[str, ...]
    columns: tuple[Column, ...]
    columns_total: int
    columns_documented: int
    tests: TestCounts
    test_results: tuple[TestResult, ...]
    duration_seconds: float | None
    job_id: int | None
    error: str | None
    error_file: str | None
    error_line: int | None
    error_sql: str | None


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """All models."""

    models: tuple[ModelView, ...]


async def list_models(call: Call) -> ModelList:
    """List the models with their last run."""
    known = call.caller.role is not None
    return call.views.kept(models.READ, listed, known) or ModelList(models=())


def listed(reader: Reader, known: bool) -> ModelList:  # noqa: FBT001 - a key of the answer
    """All models as they are told, which takes 10 microseconds each."""
    return ModelList(models=tuple(_view(state, known) for state in models.every(reader)))


def _view(state: models.ModelState, known: bool) -> ModelView:  # noqa: FBT001 - one reader's right
    """`known`: a caller who is signed in is told errors, which may hold values and code."""
    config, fault = state.config, state.fault if known else None
    described = [column for column in config.columns if column.description]
    tests = state.tests if known else _without_messages(state.tests)
    return ModelView(
        name=config.name,
        unique_id=config.unique_id,
        path=config.path,
        materialization=config.materialization,
        schema=config.schema,
        database=config.database,
        depends_on=config.depends_on,
        description=config.description,
        tags=config.labels,
        row_count=state.rows,
        last_run=state.at,
        status=state.status,
        kind=config.kind,
        layer=config.layer,
        relation=config.relation,
        sources=config.sources,
        columns=state.columns,
        columns_total=len(state.columns) or len(config.columns),
        columns_documented=len(described),
        tests=_counts(state),
        test_results=tests,
        duration_seconds=state.duration_s,
        job_id=state.job,
        error=fault.message if fault else None,
        error_file=fault.file if fault else None,
        error_line=fault.line if fault else None,
        error_sql=fault.sql if fault else None,
    )


def _counts(state: models.ModelState) -> TestCounts:
    found = Counter(test.status for test in state.tests)
    return TestCounts(
        total=len(state.config.tests),
        passing=sum(found[status] for status in PASSING),
        warning=sum(found[status] for status in WARNING),
        failing=sum(found[status] for status in models.FAILING),
    )


def _without_messages(tests: tuple[TestResult, ...]) -> tuple[TestResult, ...]:
    return tuple(msgspec.structs.replace(test, message=None) for test in tests)
