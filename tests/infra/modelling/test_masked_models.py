"""A value that is masked where it came in is in no answer, whichever model it has gone into."""

import asyncio
import re
from pathlib import Path

import msgspec
import pytest

from api.platform import Platform
from commands.ports import Query, WorkRefused
from domain.datasets import Column, Table
from domain.model_runs import ModelCompleted
from domain.pii_overrides import PiiOverridden, PiiStatus
from domain.syncs import SyncCompleted
from infra.querying import worker
from infra.querying.masks import MASK
from infra.querying.settings import Settings
from infra.warehouse.keeper import Keeper
from tests.datasets import completed, registered, requested, started
from tests.infra.modelling.site import Site
from tests.infra.warehouse.conftest import ignore, source
from tests.projections.reading import reading

MODELS = {
    "people.sql": "select id as number, 'x' || name as who from {{ ref('stg_orders__orders') }}",
    "letters.sql": "select left(who, 3) as start, count(*) as n from {{ ref('people') }} "
    "group by 1",
    "packed.sql": "{{ config(materialized='view') }} select {'a': who} as all_of_it "
    "from {{ ref('people') }}",
    "inside.sql": "select path, rows from lake._dango.files",
    "state.sql": "with s as (from _dango.state) select * from s",
    "rejects.sql": "select raw as line, file from raw_broken._rejects",
    "bounds.sql": "select min_value as low "
    "from __ducklake_metadata_lake.ducklake_file_column_stats",
    "hooked.sql": "{{ config(post_hook='select 1') }} select number from {{ ref('people') }}",
}
READS = (
    "select who from marts.people",
    "select max(who) as who from marts.people",
    "select * from marts.letters",
    "from marts.packed",
    "select p.who || l.start as both from marts.people p, marts.letters l",
    "select upper(name) as name from staging.stg_orders__orders",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with asyncio.Runner() as runner:
        site = Site(tmp_path_factory.mktemp("models"))
        runner.run(site.open())
        broken = source(site.root, "broken", 200)
        with (site.root / "in/broken/a.csv").open("a") as file:
            file.write("ada@example.org,is,far,too,long,a,line\n")
        runner.run(site.lake.load(broken, ignore))
        site.write(MODELS)
        runner.run(site.build())
        runner.run(site.pool.close())
        with Keeper(Path(site.settings.catalog)):
            yield site


def asking(site, *events):
    """Ask as somebody who may not see personal data, after these events and the build's."""
    worked = worker.Worker(Settings(warehouse=site.settings))
    with reading() as given:
        masked = Platform.masked_columns(given(*events, *site.of(ModelCompleted)), False)
    return lambda sql: worked.answer(Query(sql=sql, masked=masked))


@pytest.fixture(scope="module")
def asked(site):
    columns = tuple(Column(name=name, type="VARCHAR") for name in ("id", "name"))
    orders = Table(schema="raw_orders", name="orders", row_count=9, columns=columns)
    published = (registered(), requested(), started(2), completed(2, tables=(orders,)))
    assert isinstance(published[-1], SyncCompleted)
    marked = PiiOverridden(source="orders", table="orders", column="name", status=PiiStatus.PII)
    return asking(site, *published, marked)


@pytest.fixture(scope="module")
def unmarked(site):
    """Nothing was found in any column; rows of a source could not be taken."""
    names = (registered("broken"), requested("broken"), started(2, "broken"))
    return asking(site, *names, completed(2, "broken", tables=(), rejected=1))


@pytest.mark.parametrize("sql", READS)
def test_models_show_nothing_of_what_is_masked(asked, sql):
    answer = asked(sql)

    assert answer.row_count
    assert not re.search("xna|name", bytes(answer.rows).decode().lower())  # every name has both


def test_what_does_not_come_from_it_is_shown(asked):
    answer = asked("select number from marts.people order by 1")

    assert 9 == len({row[0] for row in _rows(answer)})


def test_a_model_that_cannot_be_followed_is_masked_whole(asked):
    answer = asked("select number from marts.hooked")

    assert {None} == {row[0] for row in _rows(answer)}


def test_masks_cannot_be_gone_round(asked):
    with pytest.raises(WorkRefused):
        asked("select who from marts.people at (version => 3)")


@pytest.mark.parametrize("sql", ["from marts.inside", "select state from marts.state"])
def test_what_the_program_keeps_for_itself_is_in_no_answer_though_models_read_it(unmarked, sql):
    answer = unmarked(sql)

    assert answer.row_count
    assert {None, MASK} >= {value for row in _rows(answer) for value in row}


@pytest.mark.parametrize("table", ["_dango.files", "_dango.state"])
def test_nobody_can_ask_what_the_program_keeps_for_itself(unmarked, table):
    with pytest.raises(WorkRefused):
        unmarked(f"from {table}")


@pytest.mark.parametrize(
    "sql", ["select raw, reason from raw_broken._rejects", "select line from marts.rejects"]
)
def test_lines_that_could_not_be_taken_are_masked_in_models_too(unmarked, sql):
    answer = unmarked(sql)

    assert answer.row_count
    assert {None, MASK} >= {value for row in _rows(answer) for value in row}


@pytest.mark.parametrize("ask", ["asked", "unmarked"])
def test_the_smallest_and_largest_values_of_the_catalogue_are_masked(request, ask):
    answer = request.getfixturevalue(ask)("from marts.bounds")

    assert answer.row_count
    assert {None, MASK} >= {value for row in _rows(answer) for value in row}


def _rows(answer):
    return msgspec.json.decode(answer.rows)
