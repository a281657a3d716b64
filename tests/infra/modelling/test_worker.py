"""A real dbt over a real lake, in one warm worker that these tests share."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from commands import modelling, ports
from domain.model_runs import ModelCompleted, ModelStarted, ModelTested
from domain.models import Exposure, ModelColumn, SourceTable
from infra.modelling import generated, project
from infra.modelling.dbt import DbtModelling
from infra.warehouse.lake import encoded, kinds
from infra.workers.pool import Pool
from tests.infra.modelling.site import MARTS, Site
from tests.patience import until


@pytest.fixture(scope="module")
def loop():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def shared(loop, tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("models"))
    loop.run(site.open())
    site.write(MARTS)
    loop.run(site.build())  # one model alone reads what a run before it has built
    yield site
    loop.run(site.pool.close())


@pytest.fixture
def site(shared):
    shared.write(MARTS)
    return shared


@pytest.fixture
def build(loop, site):
    return lambda **fields: loop.run(site.build(**fields))


def test_models_are_built_one_after_the_other_and_told_as_they_end(loop, site, build):
    done = build()

    assert (3, 2, None) == (done.models, done.tests, done.reason)
    names = ["stg_orders__orders", "by_parity", "evens"]
    assert names == [each.model for each in site.of(ModelStarted)]
    completed = {each.model: each for each in site.of(ModelCompleted)}
    assert [9, 2, 1] == [completed[name].rows for name in names]
    assert ["parity", "n"] == [column.name for column in completed["by_parity"].columns]
    tested = site.of(ModelTested)[0]
    assert ("by_parity", ["pass", "pass"]) == (tested.model, [t.status for t in tested.tests])
    assert done.snapshot >= completed["evens"].snapshot > completed["by_parity"].snapshot
    tables = loop.run(site.tables())
    assert (2, 1) == (tables["marts.by_parity"], tables["marts.evens"])


def test_the_project_is_told_with_the_sources_of_each_model(site, build):
    build()

    models = {each.name: each for each in site.of(modelling.ProjectRead)[0].models}
    assert {"by_parity", "evens", "stg_orders__orders"} == set(models)
    assert [("orders",), ("orders",)] == [models[n].sources for n in ("evens", "by_parity")]
    staged, mart = models["stg_orders__orders"], models["by_parity"]
    assert ("staging", "view", "marts", "table") == (
        staged.layer,
        staged.materialization,
        mart.layer,
        mart.materialization,
    )
    assert ("marts/by_parity.sql", 2) == (mart.path, len(mart.tests))


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"model": "by_parity"}, ["by_parity", "evens"]),
        ({"model": "by_parity", "cascade": False}, ["by_parity"]),
        ({"select": ("evens",)}, ["evens"]),
        ({"sources": ("orders",)}, ["stg_orders__orders", "by_parity", "evens"]),
        ({"sources": ("unknown",)}, []),
    ],
)
def test_what_is_asked_for_is_built_and_nothing_else(site, build, fields, names):
    build(**fields)

    assert names == [each.model for each in site.of(ModelCompleted)]


def test_the_project_can_be_read_without_building_anything(loop, site):
    found = loop.run(site.modelling.read({"raw_orders": "orders"}))

    models = found.models
    assert ["by_parity", "evens", "stg_orders__orders"] == [each.name for each in models]
    assert {("orders",)} == {each.sources for each in models}
    assert {"parity": "0 or 1"} == {each.name: each.description for each in models[0].columns}
    assert () == found.exposures


def test_exposures_are_read_without_whose_they_are(loop, site):
    weekly = """
exposures:
  - name: weekly
    label: Weekly report
    type: dashboard
    url: https://ada:secret@bi.example.org/1
    description: For the board
    owner: {name: Ada, email: ada@example.org}
    depends_on: [ref('evens')]
"""
    site.write({**MARTS, "exposures.yml": weekly})

    (found,) = loop.run(site.modelling.read({"raw_orders": "orders"})).exposures

    assert found == Exposure(
        name="weekly",
        unique_id="exposure.shop.weekly",
        type="dashboard",
        label="Weekly report",
        path="marts/exposures.yml",
        description="For the board",
        depends_on=("model.shop.evens",),
    )


def test_what_people_wrote_of_a_source_is_read_and_what_was_generated_says_nothing(loop, site):
    other = """
sources:
  - name: elsewhere
    schema: raw_elsewhere
    tables:
      - name: visits
        identifier: Visits_2
        description: Who came
        tags: [web]
        columns:
          - {name: at, description: when, data_type: timestamp}
          - {name: plain}
      - name: bare
        columns: [{name: id, data_type: bigint}]
"""
    assert () == loop.run(site.modelling.read({"raw_orders": "orders"})).tables
    site.write({**MARTS, "elsewhere.yml": other})

    (found,) = loop.run(site.modelling.read({"raw_orders": "orders"})).tables

    assert found == SourceTable(
        unique_id="source.shop.elsewhere.visits",
        schema="raw_elsewhere",
        relation="Visits_2",
        path="models/marts/elsewhere.yml",
        description="Who came",
        labels=("web",),
        columns=(ModelColumn(name="at", description="when", data_type="timestamp"),),
    )


def test_a_broken_model_is_named_with_file_line_and_code_and_what_reads_it_is_left_out(site, build):
    wrong = "select\n  id % 2 as parity,\n  nothing\nfrom {{ ref('stg_orders__orders') }}\n"
    site.write({**MARTS, "by_parity.sql": wrong})

    done = build(model="by_parity")

    broken, left = site.of(ModelCompleted)
    assert ("error", "models/marts/by_parity.sql", 3) == (broken.status, broken.file, broken.line)
    assert '"nothing"' in broken.message
    assert ">    3    nothing" in broken.sql
    assert ("evens", "skipped") == (left.model, left.status)
    assert (("by_parity",), 3) == (done.failed, done.line)
    assert str(site.root) not in msgspec.json.encode(site.told).decode() + str(done)


def test_what_a_broken_model_says_holds_no_value_of_the_data(site, build):
    wrong = "select cast('is number ' || id as integer) as n from {{ ref('stg_orders__orders') }}\n"
    site.write({**MARTS, "evens.sql": wrong})

    done = build(model="evens")

    (broken,) = site.of(ModelCompleted)
    assert "Could not convert string '…' to INT32" in broken.message
    told = broken.message + done.reason
    assert "is number" not in told


def test_a_test_that_fails_says_how_often(site, build):
    site.write({**MARTS, "evens.sql": MARTS["evens.sql"].replace("= 0", "< 2")})
    four = "{accepted_values: {arguments: {values: [4]}}}"
    more = f"\n  - {{name: evens, columns: [{{name: n, data_tests: [{four}]}}]}}\n"
    site.write({**MARTS, "marts.yml": MARTS["marts.yml"].rstrip() + more})

    done = build(model="evens")

    result = site.of(ModelTested)[0].tests[0]
    assert ("fail", 1, "n") == (result.status, result.failures, result.column)
    assert "Got 1 result" in done.reason


@pytest.mark.parametrize(
    ("code", "words", "line"),
    [
        ("select {{ nope( }}", "expected", 1),
        ("select 1 as a\n\n{% if x %}", "", None),
        ("select * from {{ ref('missing') }}", "'missing' which was not found", None),
    ],
)
def test_a_project_that_cannot_be_read_is_refused_with_its_file(site, build, code, words, line):
    site.write({**MARTS, "wrong.sql": code})

    with pytest.raises(ports.WorkRefused) as refused:
        build()

    assert words in refused.value.reason
    assert "models/marts/wrong.sql" == refused.value.facts["file"]
    assert line is None or line == refused.value.facts["line"]
    assert str(site.root) not in refused.value.reason


def test_a_selector_that_nothing_matches_is_refused(site, build):
    with pytest.raises(ports.WorkRefused, match="matches 'tag:nothing'"):
        build(select=("tag:nothing",))


def test_a_model_that_was_renamed_in_the_meantime_is_not_said_to_be_built(site, build):
    site.write({("odds.sql" if name == "evens.sql" else name): MARTS[name] for name in MARTS})

    with pytest.raises(ports.WorkRefused, match="has no model 'evens' any more"):
        build(model="evens")
    (told,) = site.of(modelling.ProjectRead)
    assert "odds" in {model.name for model in told.models}


def test_a_failure_keeps_the_table_that_was_there(loop, site, build):
    build()
    site.write({**MARTS, "by_parity.sql": "select cast('x' as int) as parity, 1 as n"})

    assert build(model="by_parity").failed == ("by_parity",)
    assert 2 == loop.run(site.tables())["marts.by_parity"]


def test_a_model_holds_the_lease_and_gives_it_away_between_two(loop, site):
    """A commit that waits is let in before the run is over."""
    order = []

    async def both():
        async def commit():
            await until(lambda: site.of(ModelStarted))
            async with site.lease:
                order.append(f"commit after {len(site.of(ModelCompleted))}")

        other = asyncio.create_task(commit())
        site.told = []
        await site.build()
        order.append("run")
        await other

    loop.run(both())
    assert "run" == order[-1]
    assert order[0] in ("commit after 1", "commit after 2")


def test_cancelling_kills_the_worker_and_gives_the_lease_back(loop, site):
    slow = (
        "select count(*) as n from range(200000000) a, range(100000) b where a.range % 7 = b.range"
    )
    site.write({**MARTS, "evens.sql": slow})

    async def cancelled():
        running = asyncio.create_task(site.build(model="evens"))
        await until(lambda: site.of(ModelStarted))
        running.cancel()
        await asyncio.wait([running])
        async with asyncio.timeout(10), site.lease:
            return running.cancelled()

    assert loop.run(cancelled())
    site.write(MARTS)
    assert loop.run(site.build(model="evens")).reason is None


def test_the_documentation_is_one_page_without_paths_of_the_machine(loop, site, build):
    build()
    assert not loop.run(site.modelling.documented())

    loop.run(site.modelling.document())

    docs = Path(site.modelling_settings.docs)
    assert {"catalog.json", "index.html", "manifest.json"} == {p.name for p in docs.iterdir()}
    for path in docs.iterdir():
        assert str(site.root) not in path.read_text()
    assert "How many are odd" in (docs / "index.html").read_text()
    assert loop.run(site.modelling.documented())


def test_an_existing_project_is_built_as_it_is(loop, site, tmp_path):
    """With its own profile's name, and its own way to name schemas."""
    folder = tmp_path / "theirs"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(
        "name: theirs\nversion: '1.0'\nprofile: their_warehouse\n"
    )
    (folder / "models" / "one.sql").write_text("select count(*) as n from raw_orders.orders")
    settings = msgspec.structs.replace(site.modelling_settings, project=str(folder))
    pool = Pool({"dbt": encoded(settings)}, kinds=kinds(site.settings), lease=site.lease)

    async def built():
        try:
            told = []
            done = await DbtModelling(pool, settings).build(modelling.Build(job=1), told.append)
            return done, told[-1]
        finally:
            await pool.close()

    done, completed = loop.run(built())
    assert (None, "one", 1) == (done.reason, completed.model, completed.rows)
    assert ["dbt_project.yml", "models", "target"] == sorted(p.name for p in folder.iterdir())


def test_no_secret_is_in_the_profile(site, build):
    build()

    profiles = list((site.root / "tmp").rglob("profiles.yml"))
    assert profiles
    assert all(site.settings.catalog not in path.read_text() for path in profiles)


def test_generated_models_are_those_of_the_table(site):
    path = site.folder / "models" / "staging" / "stg_orders__orders.sql"

    assert generated.read(path) is not None
    assert "name: shop" in (site.folder / project.FILE).read_text()


def test_what_comes_from_a_source_that_is_held_back_is_left_out_and_told(build, site):
    site.write({**MARTS, "alone.sql": "select 1 as one"})
    done = build(held=("orders",))

    told = {each.model: (each.status, each.message) for each in site.of(ModelCompleted)}
    reason = "Held back until the changed columns of 'orders' are accepted."
    assert None is done.reason
    assert ("success", None) == told.pop("alone")
    assert {"by_parity", "evens", "stg_orders__orders"} == set(told)
    assert {("skipped", reason)} == set(told.values())


def test_the_columns_of_what_was_built_name_what_they_come_from(site, build):
    hooked = "{{ config(post_hook='select 1') }} select id from {{ ref('stg_orders__orders') }}"
    added = "{{ config(materialized='incremental') }} select * from {{ ref('evens') }}"
    hidden = "select id from lake.raw_orders.orders"  # named without dbt's knowing
    site.write({**MARTS, "hooked.sql": hooked, "added.sql": added, "hidden.sql": hidden})
    build()

    found = {each.model: each.lineage for each in site.of(ModelCompleted)}
    told = {
        name: {c.column: [(o.table, o.column) for o in c.origins] for c in lineage.columns}
        for name, lineage in found.items()
    }
    assert [("orders", "id")] == told["stg_orders__orders"]["id"]
    assert {"parity": [("stg_orders__orders", "id")], "n": []} == told["by_parity"]
    assert {"parity": [("by_parity", "parity")], "n": [("by_parity", "n")]} == told["evens"]
    assert ({"id": [("orders", "id")]}, "marts") == (told["hidden"], found["hidden"].schema)
    assert {"hooked"} == {name for name, lineage in found.items() if lineage.opaque}
    assert {"added"} == {name for name, lineage in found.items() if lineage.adds}
