"""The models: what the dbt project says of them, and what became of each at its last run."""

import functools
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from domain import model_runs, models
from domain.datasets import Column
from domain.kernel import Recorded
from domain.model_runs import TestResult
from projections.engine import Projection, Reader, Rows, Table, stamp

MODELS: Final = Table(
    name="models",
    columns={
        "name": "TEXT NOT NULL",
        "config": "TEXT NOT NULL",  # domain.models.Model as JSON
        "defined_at": "TEXT NOT NULL",
    },
    key=("name",),
)
# Long, and asked for one by one.
CODE: Final = Table(
    name="model_code",
    columns={"name": "TEXT NOT NULL", "code": "TEXT NOT NULL"},
    key=("name",),
)
# What changes at each run is apart from what seldom does: each change keeps the row before it.
BUILDS: Final = Table(
    name="model_builds",
    columns={
        "name": "TEXT NOT NULL",
        "status": "TEXT NOT NULL",  # success, error, skipped
        "job": "INTEGER NOT NULL",
        "at": "TEXT NOT NULL",
        "rows": "INTEGER",
        "columns": "TEXT NOT NULL",  # JSON array of Column
        "duration_s": "REAL NOT NULL",
        "fault": "TEXT",  # JSON of Fault
    },
    key=("name",),
)
TESTS: Final = Table(
    name="model_tests",
    columns={
        "name": "TEXT NOT NULL",  # of what was tested
        "job": "INTEGER NOT NULL",
        "at": "TEXT NOT NULL",
        "tests": "TEXT NOT NULL",  # JSON array of TestResult
        "failing": "INTEGER NOT NULL",
    },
    key=("name",),
)
# What fails, by the sources that it comes from: few rows, asked for with each list of sources.
FAULTS: Final = Table(
    name="model_faults",
    columns={
        "source": "TEXT NOT NULL",
        "model": "TEXT NOT NULL",
        "what": "TEXT NOT NULL",  # build, tests
    },
    key=("source", "model", "what"),
    indexes=("model",),
)
EXPOSURES: Final = Table(
    name="exposures",
    columns={
        "project": "TEXT NOT NULL",  # there is one
        "told": "TEXT NOT NULL",  # JSON array of domain.models.Exposure
    },
    key=("project",),
    few=True,
)
DESCRIBED: Final = Table(
    name="described_tables",
    columns={
        "unique_id": "TEXT NOT NULL",
        "told": "TEXT NOT NULL",  # domain.models.SourceTable as JSON
    },
    key=("unique_id",),
)
PROJECT: Final = "dbt"
READ: Final = ("models", "model_builds", "model_tests", "source_states")  # by `every` and `one`
READ_EXPOSURES: Final = ("exposures",)
READ_DESCRIBED: Final = ("described_tables",)
FAILING: Final = frozenset({"fail", "error", "runtime error"})
ROWS_KEPT_MAX: Final = 10_000  # as they are read, of models, of tests, of described tables each

Exposure = models.Exposure
SourceTable = models.SourceTable
Defined = models.Model  # what the table of models holds of each

_json: Final = msgspec.json.Encoder().encode
_exposures: Final = msgspec.json.Decoder(tuple[models.Exposure, ...])
_source_table: Final = msgspec.json.Decoder(models.SourceTable)
_model: Final = msgspec.json.Decoder(models.Model)
_columns: Final = msgspec.json.Decoder(tuple[Column, ...])
_tests: Final = msgspec.json.Decoder(tuple[TestResult, ...])


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why a model could not be built."""

    message: str | None = None
    file: str | None = None
    line: int | None = None
    sql: str | None = None


_fault: Final = msgspec.json.Decoder(Fault)


def _text(value: Any) -> str:
    return _json(value).decode()


def _defined(rows: Rows, e: models.ModelRegistered | models.ModelReconfigured, r: Recorded) -> None:
    before = rows.get(MODELS, e.model)
    # That the code is written down is no change of the model.
    told = isinstance(e, models.ModelReconfigured) and e.changed == ("code",)
    defined_at = before["defined_at"] if before is not None and told else stamp(r.at)
    config = msgspec.structs.replace(e.config, code="")
    rows.put(MODELS, name=e.model, config=_text(config), defined_at=defined_at)
    rows.put(CODE, name=e.model, code=e.config.code)


def _removed(rows: Rows, e: models.ModelRemoved, _: Recorded) -> None:
    for table in (MODELS, CODE, BUILDS, TESTS):
        rows.remove(table, name=e.model)
    rows.remove(FAULTS, model=e.model)


def _declared(rows: Rows, e: models.ExposuresDeclared, _: Recorded) -> None:
    rows.put(EXPOSURES, project=PROJECT, told=_text(e.exposures))


def _table_described(rows: Rows, e: models.SourceTableDescribed, _: Recorded) -> None:
    rows.put(DESCRIBED, unique_id=e.table.unique_id, told=_text(e.table))


def _table_undescribed(rows: Rows, e: models.SourceTableUndescribed, _: Recorded) -> None:
    rows.remove(DESCRIBED, unique_id=e.unique_id)


def _judge(rows: Rows, model: str, what: str, *, bad: bool) -> None:
    rows.remove(FAULTS, model=model, what=what)
    row = rows.get(MODELS, model) if bad else None
    if row is not None:
        for source in _model.decode(row["config"]).sources:
            rows.put(FAULTS, source=source, model=model, what=what)


def _completed(rows: Rows, e: model_runs.ModelCompleted, r: Recorded) -> None:
    before = rows.get(BUILDS, e.model)
    built = e.status == "success"
    kept = before or {"rows": None, "columns": "[]"}
    fault = Fault(message=e.message, file=e.file, line=e.line, sql=e.sql)
    rows.put(
        BUILDS,
        name=e.model,
        status=e.status,
        job=e.job,
        at=stamp(r.at),
        rows=e.rows if built else kept["rows"],  # what could not be built stands as it was
        columns=_text(e.columns) if built else kept["columns"],
        duration_s=e.duration_s,
        fault=None if built or fault == Fault() else _text(fault),
    )
    if e.status != "skipped":
        _judge(rows, e.model, "build", bad=not built)


def _tested(rows: Rows, e: model_runs.ModelTested, r: Recorded) -> None:
    failing = sum(test.status in FAILING for test in e.tests)
    rows.put(TESTS, name=e.model, job=e.job, at=stamp(r.at), tests=_text(e.tests), failing=failing)
    _judge(rows, e.model, "tests", bad=failing > 0)


PROJECTION: Final = Projection(
    name="models",
    tables=(MODELS, CODE, BUILDS, TESTS, FAULTS, EXPOSURES, DESCRIBED),
    on={
        models.ModelRegistered: _defined,
        models.ModelReconfigured: _defined,
        models.ModelRemoved: _removed,
        models.ExposuresDeclared: _declared,
        models.SourceTableDescribed: _table_described,
        models.SourceTableUndescribed: _table_undescribed,
        model_runs.ModelCompleted: _completed,
        model_runs.ModelTested: _tested,
    },
)


class ModelState(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A model as it stands; what tells of runs is None before the first.

    The same rows give the same object: what is made of it is known by it.
    """

    config: models.Model
    status: str | None  # success, error, skipped, stale
    job: int | None
    at: datetime | None
    rows: int | None
    columns: tuple[Column, ...]
    duration_s: float | None
    fault: Fault | None
    tests: tuple[TestResult, ...]


# A model is stale when its code, or data that it reads, is newer than its table.
_SELECT: Final = """
SELECT m.config, b.status, b.job, b.at, b.rows, b.columns, b.duration_s, b.fault, t.tests,
       b.status = 'success' AND (m.defined_at > b.at OR EXISTS (
         SELECT 1 FROM json_each(m.config, '$.sources') s
         JOIN source_states d ON d.name = s.value WHERE d.synced_at > b.at)) AS stale
FROM models m
LEFT JOIN model_builds b ON b.name = m.name
LEFT JOIN model_tests t ON t.name = m.name
"""


def exposures(reader: Reader) -> tuple[Exposure, ...]:
    """What reads models outside of the project, by id."""
    row = reader.row("SELECT told FROM exposures")
    return () if row is None else _exposures.decode(row[0])


def described(reader: Reader) -> list[SourceTable]:
    """What the project says of tables of sources, by id."""
    found = reader.rows("SELECT told FROM described_tables ORDER BY unique_id")
    return [_described(told) for (told,) in found]


def described_places(reader: Reader) -> Mapping[tuple[str, str], SourceTable]:
    """The same by schema and relation, in small letters.

    Two sources of the project may name one table: what the first of them says by its id, holds.
    """
    return reader.kept(READ_DESCRIBED, _described_places) or {}


def described_as(reader: Reader, schema: str, relation: str) -> SourceTable | None:
    """What it says of the one that lies there, or None."""
    return described_places(reader).get((schema.casefold(), relation.casefold()))


def _described_places(reader: Reader) -> dict[tuple[str, str], SourceTable]:
    found: dict[tuple[str, str], SourceTable] = {}
    for told in described(reader):
        found.setdefault((told.schema.casefold(), told.relation.casefold()), told)
    return found


def of_columns(told: SourceTable | None, columns: Iterable[Column]) -> dict[str, str]:
    """Descriptions by the names that the columns have, whatever their case in the project."""
    said = {} if told is None else {c.name.casefold(): c.description for c in told.columns}
    names = (column.name for column in columns)
    return {name: said[name.casefold()] for name in names if name.casefold() in said}


def every(reader: Reader) -> list[ModelState]:
    """All models, by name."""
    return [_state(row) for row in reader.rows(f"{_SELECT} ORDER BY m.name")]


def one(reader: Reader, name: str) -> ModelState | None:
    """One model, or None."""
    row = reader.row(f"{_SELECT} WHERE m.name = :name", name=name)
    return None if row is None else _state(row)


def code(reader: Reader, name: str) -> str:
    """The code of a model as it is written; empty where it has none."""
    row = reader.row("SELECT code FROM model_code WHERE name = :name", name=name)
    return "" if row is None else str(row[0])


def tested(reader: Reader) -> dict[str, tuple[TestResult, ...]]:
    """How tests came out last: by model, and by source.table."""
    found = reader.rows("SELECT name, tests FROM model_tests")
    return {name: _tests_of(tests) for name, tests in found}


def of_relation(reader: Reader, schema: str, relation: str) -> str | None:
    """The model whose table this is, or None."""
    row = reader.row(
        "SELECT name FROM models WHERE config ->> 'schema' = :schema"
        " AND config ->> 'relation' = :relation ORDER BY name LIMIT 1",
        schema=schema,
        relation=relation,
    )
    return None if row is None else str(row[0])


# Few rows change from one look at all of them to the next, and most of a look is their decoding.


@functools.lru_cache(maxsize=ROWS_KEPT_MAX)
def _described(told: str) -> SourceTable:
    return _source_table.decode(told)


@functools.lru_cache(maxsize=ROWS_KEPT_MAX)
def _tests_of(tests: str) -> tuple[TestResult, ...]:
    return _tests.decode(tests)


@functools.lru_cache(maxsize=ROWS_KEPT_MAX)
def _state(row: tuple[Any, ...]) -> ModelState:
    config, status, job, at, rows, columns, duration_s, fault, tests, stale = row
    return ModelState(
        config=_model.decode(config),
        status="stale" if stale else status,
        job=job,
        at=datetime.fromisoformat(at) if at else None,
        rows=rows,
        columns=_columns.decode(columns) if columns else (),
        duration_s=duration_s,
        fault=_fault.decode(fault) if fault else None,
        tests=_tests_of(tests) if tests else (),
    )
