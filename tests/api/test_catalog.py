"""The catalogue over HTTP: models, tables, what comes from what, searching, summaries, tools."""

import json
import re

import pytest

from api.routes import ROUTES
from api.tools import TOOLS
from commands.model_runs import EndModels, RequestModels, StartModels, TellModel
from commands.models import ApplyModels
from domain.datasets import Column
from domain.lineage import Derived, Lineage, Origin
from domain.models import Exposure, ModelColumn, SourceTable
from tests.api.test_governance import COLUMNS, ORIGIN, Shop
from tests.api.test_profiles import found_personal
from tests.modelled import built, checked, completed, model

CATALOG = "/api/catalog"
LINEAGE = f"{CATALOG}/lineage"
SOURCE = "source.shop.orders.orders"
STAGED, DAILY = "model.shop.stg_orders", "model.shop.daily"
EMAIL = Origin(schema="raw_orders", table="orders", column="email")
CODE = "select email as contact from {{ source('orders', 'orders') }}"


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


async def furnished(shop):
    """Orders, a staging model over them, and a mart over that; answers an admin."""
    await shop.known("orders")
    await shop.publish(COLUMNS)
    staged = model(
        "stg_orders", layer="staging", schema="staging", depends_on=(SOURCE,), code=CODE,
        description="Orders as they came", labels=("nightly",),
        columns=(ModelColumn(name="contact", description="whom to write to"),),
    )  # fmt: skip
    daily = model(depends_on=(STAGED, "source.shop.elsewhere.rates"), tests=("unique_daily_n",))
    await shop.writer.send(ApplyModels(models=(staged, daily)), ORIGIN)
    lineage = Lineage(
        schema="staging",
        table="stg_orders",
        columns=(Derived(column="contact", origins=(EMAIL,)),),
    )
    told = (
        lambda job: completed(
            job, "stg_orders", columns=(Column(name="contact", type="VARCHAR"),), lineage=lineage
        ),
        lambda job: completed(job, columns=(Column(name="n", type="BIGINT"),)),
        lambda job: checked(job, "daily", "pass", "fail"),
        lambda job: checked(job, "orders.orders", "warn"),
    )
    job = (await shop.writer.send(RequestModels(), ORIGIN)).position
    await shop.writer.send(StartModels(job=job), ORIGIN)
    for each in told:
        await shop.writer.send(TellModel(told=each(job)), ORIGIN)
    await shop.writer.send(EndModels(ending=built(job)), ORIGIN)
    return await shop.logged_in()


def asked(shop, story):
    async def whole():
        await story(await furnished(shop))

    shop.run(whole)


def test_models_and_tables_are_listed_with_an_overview(shop):
    async def story(admin):
        found = (await admin.get(f"{CATALOG}/models")).json()
        daily, staged = found["models"]
        assert ("daily", "marts", 1, 1, 0, 1, 7) == tuple(
            daily[key]
            for key in (
                *("name", "type", "test_count", "tests_passing", "tests_warning", "tests_failing"),
                "row_count",
            )
        )
        assert ("staging", ["nightly"], 1, 1) == tuple(
            staged[key] for key in ("type", "tags", "columns_total", "columns_documented")
        )
        table, elsewhere = found["sources"]
        assert (SOURCE, "orders", "raw_orders", 2, 1, 3) == tuple(
            table[key]
            for key in (
                *("unique_id", "source_name", "schema", "columns_total", "tests_warning"),
                "row_count",
            )
        )
        assert ("rates", "elsewhere", None) == tuple(
            elsewhere[key] for key in ("name", "source_name", "row_count")
        )
        overview = found["overview"]
        assert (1, 1, 2) == tuple(
            overview[key] for key in ("source_count", "table_count", "model_count")
        )
        assert 0 == overview["freshness"][0]["hours_since_sync"]
        shop.clock.forward(hours=3)
        again = (await admin.get(f"{CATALOG}/models")).json()
        assert 3 == again["overview"]["freshness"][0]["hours_since_sync"]

    asked(shop, story)


def test_a_model_shows_its_code_columns_tests_and_where_it_comes_from(shop):
    async def story(admin):
        found = (await admin.get(f"{CATALOG}/models/stg_orders")).json()
        assert (CODE, [SOURCE], [DAILY], True) == tuple(
            found[key] for key in ("raw_code", "depends_on", "depended_on_by", "traced")
        )
        (column,) = found["columns"]
        assert ("contact", "VARCHAR", "whom to write to", False) == tuple(
            column[key] for key in ("name", "type", "description", "masked")
        )
        assert [{"schema": "raw_orders", "table": "orders", "column": "email"}] == column["origins"]
        daily = (await admin.get(f"{CATALOG}/models/daily")).json()
        assert {"test_1": "pass", "test_2": "fail", "unique_daily_n": None} == {
            test["name"]: test["status"] for test in daily["tests"]
        }
        assert not daily["traced"]
        for name in ("orders", "raw_orders.orders", "orders.orders", SOURCE):
            table = (await admin.get(f"{CATALOG}/models/{name}")).json()
            assert (SOURCE, [STAGED], None) == tuple(
                table[key] for key in ("unique_id", "depended_on_by", "raw_code")
            )

    asked(shop, story)


def test_columns_of_models_are_masked_for_those_who_may_not_see_what_they_come_from(shop):
    async def story(admin):
        viewer = await shop.viewer()
        assert not (await viewer.get(f"{CATALOG}/models/stg_orders")).json()["columns"][0]["masked"]
        await found_personal(shop)
        for client, masked in ((viewer, True), (admin, False)):
            columns = (await client.get(f"{CATALOG}/models/stg_orders")).json()["columns"]
            assert [masked] == [column["masked"] for column in columns]
            same = (await client.get(f"{CATALOG}/staging/stg_orders/columns")).json()["columns"]
            assert [masked] == [column["masked"] for column in same]

    asked(shop, story)


def test_the_graph_and_what_a_change_would_reach(shop):
    async def story(admin):
        graph = (await admin.get(f"{CATALOG}/lineage")).json()
        assert {(SOURCE, STAGED), (STAGED, DAILY), ("source.shop.elsewhere.rates", DAILY)} == {
            (edge["source"], edge["target"]) for edge in graph["edges"]
        }
        assert {"source", "model"} == {node["type"] for node in graph["nodes"]}
        impact = (await admin.get(f"{CATALOG}/impact/orders")).json()
        assert (["stg_orders"], 2) == (
            impact["direct_dependents"],
            impact["total_downstream_count"],
        )
        (staged,) = impact["tree"]["children"]
        assert ("stg_orders", 1, "daily") == (
            staged["name"],
            staged["total_downstream_count"],
            staged["children"][0]["name"],
        )

    asked(shop, story)


@pytest.mark.parametrize(
    ("query", "name", "kind", "column"),
    [
        ("daily", "daily", "name", None),
        ("stg orders", "stg_orders", "name", None),
        ("conta", "stg_orders", "column", "contact"),
        ("conatct", "stg_orders", "column", "contact"),
        ("nightly", "stg_orders", "tag", None),
        ("came", "stg_orders", "description", None),
        ("EMAIL", "orders", "column", "email"),
        ("emial", "orders", "column", "email"),
        ("dayly", "daily", "name", None),
        ("write", "stg_orders", "description", None),
    ],
)
def test_things_are_found_by_any_of_their_words_and_errors_are_forgiven(
    shop, query, name, kind, column
):
    async def story(admin):
        found = (await admin.get(f"{CATALOG}/search", params={"q": query})).json()
        best = found["results"][0]
        assert (name, kind, column) == (best["name"], best["match_type"], best["matched_column"])

    asked(shop, story)


def test_names_go_before_columns_and_what_fits_no_word_is_not_found(shop):
    async def story(admin):
        names = [
            each["name"]
            for each in (await admin.get(f"{CATALOG}/search", params={"q": "orders"})).json()[
                "results"
            ]
        ]
        assert "orders" == names[0]
        for query in ("orders zzzzzz", "qqqqqq", "%%%"):
            answer = await admin.get(f"{CATALOG}/search", params={"q": query})
            assert [] == answer.json()["results"]
        for query in ({}, {"q": "x"}, {"q": "x" * 101}):
            assert 400 <= (await admin.get(f"{CATALOG}/search", params=query)).status_code < 500

    asked(shop, story)


def test_how_columns_changed_is_told_with_the_events(shop):
    async def story(admin):
        await shop.publish({"id": "VARCHAR", "more": "DATE"})
        found = (await admin.get(f"{CATALOG}/orders/orders/history")).json()
        assert {"type_changed", "column_removed", "column_added"} == {
            each["event_type"] for each in found["changes"]
        }
        position = found["changes"][0]["position"]
        event = (await admin.get(f"/api/events/{position}")).json()
        assert "drift_detected" == event["type"]
        before = await admin.get(f"{CATALOG}/orders/orders/history", params={"as_of": position - 1})
        assert 0 == before.json()["count"]
        assert 404 == (await admin.get(f"{CATALOG}/orders/nope/history")).status_code
        assert 422 == (await admin.get(f"{CATALOG}/orders/orders/history?limit=0")).status_code

    asked(shop, story)


WEEKLY = Exposure(
    name="weekly", unique_id="exposure.shop.weekly", type="dashboard", label="Weekly report",
    description="What the board looks at", labels=("board",), depends_on=(DAILY,),
)  # fmt: skip


def test_exposures_are_leaves_of_what_comes_from_what(shop):
    async def story(admin):
        known = {each["name"]: each for each in (await admin.get(LINEAGE)).json()["nodes"]}
        assert "weekly" not in known
        staged, daily = model("stg_orders", depends_on=(SOURCE,)), model(depends_on=(STAGED,))
        told = ApplyModels(models=(staged, daily), exposures=(WEEKLY,))
        await shop.writer.send(told, ORIGIN)

        found = (await admin.get(LINEAGE)).json()
        (node,) = (each for each in found["nodes"] if each["name"] == "weekly")
        assert ("exposure", "dashboard", []) == tuple(
            node[key] for key in ("type", "materialization", "depended_on_by")
        )
        assert {"source": DAILY, "target": WEEKLY.unique_id} in found["edges"]
        impact = (await admin.get(f"{CATALOG}/impact/orders.orders")).json()
        assert 3 == impact["total_downstream_count"]
        (leaf,) = impact["tree"]["children"][0]["children"][0]["children"]
        assert ("weekly", "exposure", []) == (leaf["name"], leaf["type"], leaf["children"])
        matches = (await admin.get(f"{CATALOG}/search", params={"q": "board"})).json()["results"]
        assert "weekly" == matches[0]["name"]
        details = (await admin.get(f"{CATALOG}/models/weekly")).json()
        assert "Weekly report: What the board looks at" == details["description"]
        listed = (await admin.get(f"{CATALOG}/models")).json()["models"]
        assert ["daily", "stg_orders"] == [each["name"] for each in listed]

    asked(shop, story)


WRITTEN = SourceTable(
    unique_id=SOURCE, schema="RAW_orders", relation="Orders", description="What was sold",
    labels=("ledger",), columns=(ModelColumn(name="EMAIL", description="of who ordered"),),
)  # fmt: skip


def test_what_people_wrote_of_a_source_in_the_dbt_project_is_shown_and_found(shop):
    async def story(admin):
        told = ApplyModels(models=(model("stg_orders", depends_on=(SOURCE,)),), tables=(WRITTEN,))
        before = (await shop.writer.send(told, ORIGIN)).position - 1

        details = (await admin.get(f"{CATALOG}/models/orders.orders")).json()
        assert ("What was sold", ["ledger"]) == (details["description"], details["tags"])
        said = {each["name"]: each["description"] for each in details["columns"]}
        assert "of who ordered" == said["email"]
        assert {None} == {text for name, text in said.items() if name != "email"}
        for word, kind in (("who ordered", "description"), ("ledger", "tag")):
            found = (await admin.get(f"{CATALOG}/search", params={"q": word})).json()["results"]
            assert ("orders", kind) == (found[0]["name"], found[0]["match_type"])
        past = (await admin.get(f"{CATALOG}/models/orders.orders?as_of={before - 1}")).json()
        assert {None} == {each["description"] for each in past["columns"]}
        columns = (await admin.get(f"{CATALOG}/orders/orders/columns")).json()["columns"]
        assert "of who ordered" in [each["description"] for each in columns]
        await shop.writer.send(ApplyModels(models=()), ORIGIN)
        after = (await admin.get(f"{CATALOG}/models/orders.orders")).json()
        assert {None} == {each["description"] for each in after["columns"]}

    asked(shop, story)


def test_what_people_wrote_of_a_column_is_shown_and_found(shop):
    async def story(admin):
        details = (await admin.get(f"{CATALOG}/models/stg_orders")).json()
        assert ["whom to write to"] == [each["description"] for each in details["columns"]]
        found = (await admin.get(f"{CATALOG}/search", params={"q": "whom to write"})).json()
        assert ("stg_orders", "description") == tuple(
            found["results"][0][key] for key in ("name", "match_type")
        )

    asked(shop, story)


def test_what_is_not_there_is_told(shop):
    async def story(admin):
        for path in ("models/nope", "impact/nope"):
            answer = await admin.get(f"{CATALOG}/{path}")
            assert 404 == answer.status_code
            assert "'nope' not found" in answer.json()["detail"]

    asked(shop, story)


def test_the_catalogue_is_shown_as_it_was(shop):
    async def story(admin):
        at = shop.log.head()
        await shop.writer.send(ApplyModels(models=()), ORIGIN)
        assert [] == (await admin.get(f"{CATALOG}/models")).json()["models"]
        before = (await admin.get(f"{CATALOG}/models", params={"as_of": at})).json()
        assert 2 == len(before["models"])

    asked(shop, story)


def test_a_summary_tells_of_quality_to_those_who_govern(shop):
    async def story(admin):
        await found_personal(shop)
        found = (await admin.get(f"{CATALOG}/summary")).json()
        (source,) = found["sources"]
        assert {"drift_event_count": 0, "pii_column_count": 1} == source["quality"]
        columns = source["tables"][0]["columns"]
        assert [None, True] == [column.get("pii") for column in columns]
        daily = found["dbt_models"][0]
        assert {"total": 1, "passing": 1, "failing": 1} == daily["tests"]
        key = await admin.post(
            "/api/auth/api-keys", json={"name": "agent", "permissions": ["source.view"]}
        )
        headers = {"authorization": f"Bearer {key.json()['key']}"}
        async with shop.client(**headers) as agent:
            plain = (await agent.get(f"{CATALOG}/summary")).json()
            assert "quality" not in plain["sources"][0]
            assert not {"pii", "tests", "quality"} & _keys(plain)
            assert "email" == plain["sources"][0]["tables"][0]["columns"][1]["name"]

    asked(shop, story)


def _keys(value):
    if isinstance(value, list):
        return set().union(*map(_keys, value))
    return set(value).union(*map(_keys, value.values())) if isinstance(value, dict) else set()


def test_a_summary_is_as_long_as_its_reader_can_take(shop):
    async def story(admin):
        many = tuple(
            model(
                f"model_{number}",
                description="long " * 20,
                columns=tuple(ModelColumn(name=f"c{n}", data_type="BIGINT") for n in range(20)),
            )
            for number in range(100)
        )
        await shop.writer.send(ApplyModels(models=many), ORIGIN)
        details = []
        for tokens in (1_000_000, 8_000, 4_500, 500):
            answer = await admin.get(f"{CATALOG}/summary", params={"max_tokens": tokens})
            assert len(answer.content) <= tokens * 4
            found = answer.json()
            details.append(found["detail"])
            assert 100 == found["totals"]["model_count"]
            assert 101 == found["omitted"] + len(found["sources"]) + len(found["dbt_models"])
        assert ["full", "names", "tables", "tables"] == details
        for tokens in (0, -1, 10**12):
            answer = await admin.get(f"{CATALOG}/summary", params={"max_tokens": tokens})
            assert 422 == answer.status_code

    asked(shop, story)


def test_tools_are_listed_with_what_the_caller_may_do(shop):
    async def story(_):
        viewer = await shop.viewer()
        found = (await viewer.get("/api/tools")).json()
        assert "viewer" == found["user_role"]
        allowed = {tool["name"]: tool["allowed"] for tool in found["tools"]}
        assert (True, False) == (allowed["list_sources"], allowed["query"])
        query = next(tool for tool in found["tools"] if tool["name"] == "query")
        assert (["sql"], "object") == (
            query["input_schema"]["required"],
            query["input_schema"]["type"],
        )

    asked(shop, story)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_each_tool_is_a_route_with_its_parameters(tool):
    plain = {(route.method, re.sub(r":\w+}", "}", route.path)): route for route in ROUTES}
    route = plain[tool.method, tool.endpoint]

    assert route.access in (*tool.permissions_required, "reads")
    in_path = {each.name for each in tool.parameters if each.place == "path"}
    assert set(re.findall(r"{(\w+)}", tool.endpoint)) == in_path
    known = {name.rstrip("_") for name in route.handler.__annotations__}
    assert {each.name for each in tool.parameters if each.place == "query"} <= known
    assert json.dumps(tool.description)
