"""`dango mcp` by the protocol's own client, against a running server."""

import asyncio
import contextlib
import json
import os
import stat
import statistics
import sys
import time

import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from api.agents import answers
from api.agents import server as agents
from api.cli.agents import MASK
from api.cli.client import LOST, NOBODY, Api
from api.cli.world import Connection
from api.tools import TOOLS
from tests.server.harness import ROOT, copied, tell, until

PROGRAM = ("-m", "infra.main", "mcp")
MARTS = "dbt/models/marts"
DAILY = "select email, count(*) as orders from {{ source('people', 'people') }} group by 1"
PEOPLE = """\
version: "1.0"
sources:
  - {name: people, type: csv, csv: {directory: data/uploads/people}}
  - {name: orders, type: csv, csv: {directory: data/uploads/orders}}
"""
ADDRESSES = [f"person{number}@example.org" for number in range(20)]
SELECT = "select email from raw_people.people order by 1 limit 1"
HOSTILE = (
    *("../../admin/users", "..", ".", "", "a/b", "%2e%2e", "\x00", "\x1b[31m", "団子", " "),
    *("'; drop table x; --", "x" * 999, "?as_of=1", "#x", "http://example.org/"),
)
# What each tool is asked for; those behind it in the list may need what it did.
ASKED = {
    "list_sources": {},
    "catalog_summary": {"max_tokens": 4_000},
    "search_catalog": {"q": "people"},
    "describe_table": {"source": "people", "table": "people"},
    "table_history": {"source": "people", "table": "people", "limit": 5},
    "lineage": {},
    "impact": {"model_name": "raw_people.people"},
    "attention": {},
    "list_events": {"after": 0, "type": "source_registered", "limit": 5},
    "query": {"sql": "select 1 as one"},
    "profile_table": {"source": "people", "table": "people"},
    "sync_source": {"source_name": "orders", "full_refresh": True, "confirm": True},
    "sync_status": {"record_id": "sync_source"},
    "run_model": {"model_name": "daily", "confirm": True},
    "model_run_status": {"job_id": "run_model"},
    "describe_model": {"model_name": "daily"},
}


@pytest.fixture(scope="module")
def shop(template, tmp_path_factory):
    """A server with personal data in a source, and a model."""
    with copied(template, tmp_path_factory.mktemp("agents") / "project") as server:
        folder = server.root / "data/uploads/people"
        folder.mkdir(parents=True)
        lines = (f"{number},{address}\n" for number, address in enumerate(ADDRESSES))
        (folder / "people.csv").write_text("id,email\n" + "".join(lines))
        (server.root / ".dango/sources.yml").write_text(PEOPLE)
        (server.root / MARTS).mkdir(parents=True, exist_ok=True)
        (server.root / MARTS / "daily.sql").write_text(DAILY)
        server.start()
        admin = server.client(session="admin")
        assert "success" == server.sync(admin, "people")["status"]
        until(lambda: admin.get("/api/governance/pii").json()["findings"], 60)
        yield server


@contextlib.asynccontextmanager
async def agent(server, key="editor", *, masked=True):
    """The tools as the protocol's client sees them, with somebody's key."""
    headers = {"authorization": f"Bearer {server.people.keys[key]}", **(MASK if masked else {})}
    async with (
        httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60) as http,
        Client(agents.server(Api(Connection(http, served=True)), "0")) as client,
    ):
        yield client


async def call(client, tool, arguments):
    """A result, and its texts."""
    result = await client.call_tool(tool, arguments)
    return result, [block.text for block in result.content]


def said(server, tool, arguments, key="editor", **more):
    """Whether it is an error, and what is said first."""

    async def story():
        async with agent(server, key, **more) as client:
            result, texts = await call(client, tool, arguments)
            return result.is_error, texts[0]

    return asyncio.run(story())


def test_every_tool_answers_and_is_the_row_of_the_table(shop):
    async def story():
        found = {}
        async with agent(shop, "admin") as client:
            listed = (await client.list_tools()).tools
            for name, arguments in ASKED.items():
                given = {
                    each: found[value]["job_id"] if value in ASKED else value
                    for each, value in arguments.items()
                }
                result, texts = await call(client, name, given)
                assert not result.is_error, (name, texts)
                found[name] = json.loads(texts[0])
                if name.endswith("_status"):
                    await ended(client, name, given, found)
        return listed, found

    async def ended(client, name, given, found):
        async with asyncio.timeout(90):
            while found[name]["status"] in ("queued", "running"):
                await asyncio.sleep(0.2)
                found[name] = json.loads((await call(client, name, given))[1][0])

    listed, found = asyncio.run(story())

    assert [tool.name for tool in TOOLS] == [tool.name for tool in listed]
    assert set(ASKED) == {tool.name for tool in TOOLS}
    for tool, row in zip(listed, TOOLS, strict=True):
        taken = {parameter.name for parameter in row.parameters}
        assert taken == set(tool.input_schema["properties"]) - {"confirm"}
        assert row.is_read_only != ("confirm" in tool.input_schema["properties"])
        assert row.is_read_only == tool.annotations.read_only_hint
        assert row.description == tool.description
    assert {"people", "orders"} == {each["name"] for each in found["list_sources"]}
    assert [[1]] == found["query"]["rows"]
    assert "success" == found["sync_status"]["status"]
    assert "success" == found["model_run_status"]["status"]
    assert "daily" == found["describe_model"]["name"]
    assert {"source_registered"} == {each["type"] for each in found["list_events"]["events"]}


def test_personal_data_is_masked_unless_asked_for_by_a_key_that_may_see_it(shop):
    masked = json.loads(said(shop, "query", {"sql": SELECT})[1])
    plain = json.loads(said(shop, "query", {"sql": SELECT}, masked=False)[1])

    assert (["raw_people.people.email"], [["****"]]) == (masked["masked"], masked["rows"])
    assert ([], [[ADDRESSES[0]]]) == (plain["masked"], plain["rows"])
    profile = said(shop, "profile_table", {"source": "people", "table": "people"})[1]
    assert "@example.org" not in profile


def test_a_viewers_key_may_not_sync_and_is_not_offered_to(shop):
    async def story():
        async with agent(shop, "viewer") as client:
            return {tool.name for tool in (await client.list_tools()).tools}

    jobs = len(shop.events(shop.client(session="admin"), type="sync_requested"))
    offered = asyncio.run(story())
    arguments = {"source_name": "orders", "confirm": True}

    assert "list_sources" in offered
    assert set() == offered & {"sync_source", "run_model", "query", "list_events"}
    failed, text = said(shop, "sync_source", arguments, "viewer")
    assert (True, "Permission denied: source.sync") == (failed, text.partition(" (request ")[0])
    unconfirmed = said(shop, "sync_source", {"source_name": "orders"}, "viewer")
    assert (
        False,
        "Nothing was done, and could not be: source.sync is not permitted.",
    ) == unconfirmed
    assert jobs == len(shop.events(shop.client(session="admin"), type="sync_requested"))


@pytest.mark.parametrize("confirm", [{}, {"confirm": False}])
def test_without_confirmation_nothing_is_done_and_it_says_what_would_be(shop, confirm):
    admin = shop.client(session="admin")
    before = shop.head(admin)

    failed, text = said(shop, "sync_source", {"source_name": "orders", **confirm})

    assert not failed
    assert text.startswith(
        "Nothing was done. With confirm: true this would send POST /api/sources/orders/sync"
    )
    assert before == shop.head(admin)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_name_that_is_not_there(shop, name):
    admin = shop.client(session="admin")
    before = shop.head(admin)
    for tool, arguments in (
        ("sync_source", {"source_name": name, "confirm": True}),
        ("describe_model", {"model_name": name}),
        ("describe_table", {"source": name, "table": name}),
        ("run_model", {"model_name": name, "confirm": True}),
        ("impact", {"model_name": name}),
    ):
        failed, text = said(shop, tool, arguments, "admin")
        assert failed, (tool, text)
        assert "A bug" not in text
        assert "<html" not in text
    assert before == shop.head(admin)


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("query", {}, "query needs sql"),
        ("query", {"sql": 1}, "sql is to be of type string"),
        ("query", {"sql": "select 1", "format": "csv"}, "does not take 'format'"),
        ("query", {"sql": "drop table x"}, "Only"),
        ("query", {"sql": "select no_such"}, "no_such"),
        ("query", {"sql": "select '\ud800'"}, "half a character"),
        ("list_events", {"after": True}, "after is to be of type integer"),
        ("list_events", {"after": 1 << 70}, "after is to be of type integer"),
        ("list_sources", {"confirm": True}, "does not take 'confirm'"),
        ("sync_source", {"source_name": "orders", "confirm": "yes"}, "confirm is to be"),
        ("search_catalog", {"q": "x" * 1_001}, "longer than 1000 characters"),
        ("no_such", {}, "There is no tool 'no_such'."),
    ],
)
def test_what_is_wrong_is_said_in_words(shop, tool, arguments, words):
    failed, text = said(shop, tool, arguments, "admin")

    assert failed
    assert words in text


def test_a_long_answer_is_cut_and_says_so(shop):
    sql = "select range as number, repeat('x', 100) as filler from range(5000)"

    async def story():
        async with agent(shop) as client:
            return (await call(client, "query", {"sql": sql}))[1]

    text, note = asyncio.run(story())
    kept = len(json.loads(text)["rows"])

    assert 0 < kept < 5000
    assert answers.ANSWER_CHARS_MAX >= len(text) + len(note)
    assert f"the first {kept:,} of 5,000 entries of 'rows'" in note


def test_a_server_that_is_gone_is_told_of_and_found_again(own):
    async def story():
        found = []
        async with agent(own) as client:
            found.append(await call(client, "list_sources", {}))
            count = len((await client.list_tools()).tools)
            await asyncio.to_thread(own.start)
            found.append(await call(client, "list_sources", {}))
            await asyncio.to_thread(own.kill)
            found.append(await call(client, "list_sources", {}))
        return count, [(result.is_error, texts) for result, texts in found]

    count, (before, there, after) = asyncio.run(story())

    assert len(TOOLS) == count
    assert (True, [NOBODY]) == before
    assert not there[0]
    assert after[0]
    assert after[1][0] in (NOBODY, LOST)


def program(*arguments, **variables):
    """`dango mcp` as clients start it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DANGO_")}
    environment = {**kept, "PYTHONPATH": str(ROOT), **variables}
    command = [*PROGRAM, *map(str, arguments)]
    return StdioServerParameters(command=sys.executable, args=command, env=environment)


def started(parameters, log, *calls):
    """What a program of its own answers to calls of tools."""

    async def story():
        with log.open("w") as errors:
            async with Client(stdio_client(parameters, errlog=errors)) as client:
                begun = time.monotonic()
                await client.list_tools()
                listed = time.monotonic() - begun
                return listed, [await call(client, *each) for each in calls]

    return asyncio.run(story())


def test_as_a_program_with_a_key_that_is_nowhere_seen(shop, tmp_path):
    key, file, log = shop.people.keys["editor"], tmp_path / "key", tmp_path / "log"
    file.write_text(f"{key}\n")
    file.chmod(0o600)
    parameters = program("--key-file", file, "--url", shop.url)
    sql = {"sql": "select count(*) from raw_people.people"}

    listed, found = started(
        parameters, log, *[("query", sql)] * 9, ("query", {"sql": SELECT}), ("query", {"sql": "x"})
    )

    assert [[20]] == json.loads(found[0][1][0])["rows"]
    assert [["****"]] == json.loads(found[9][1][0])["rows"]
    assert key not in json.dumps([texts for _, texts in found])
    assert key not in log.read_text()
    assert key not in shop.text()
    tell(f"tools/list: {listed * 1e3:.1f} ms")


def test_the_owner_of_the_project_needs_no_key_and_sees_no_personal_data(shop, tmp_path):
    calls = ("query", {"sql": SELECT}), ("list_events", {"limit": 1})

    _, found = started(program("--project", shop.root), tmp_path / "log", *calls)

    assert [["****"]] == json.loads(found[0][1][0])["rows"]
    assert not found[1][0].is_error


def test_a_program_answers_within_milliseconds(shop):
    sql = {"sql": "select count(*) from raw_people.people"}

    async def story():
        listed, asked = [], []
        async with agent(shop) as client:
            for _ in range(20):
                begun = time.monotonic()
                await client.list_tools(cache_mode="bypass")
                listed.append(time.monotonic() - begun)
                begun = time.monotonic()
                assert not (await call(client, "query", sql))[0].is_error
                asked.append(time.monotonic() - begun)
        return listed, asked

    for name, times in zip(("tools/list", "query"), asyncio.run(story()), strict=True):
        tell(f"{name}: p50 {statistics.median(times) * 1e3:.1f} ms")
        assert 1.0 > statistics.median(times)


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        (None, 0o600, "No such file"),
        ("dango_ak_secretsecret", 0o600, "holds no API key"),
        ("", 0o600, "holds no API key"),
        ("dango_ak_secretsecret", 0o644, "can be read by others"),
    ],
)
def test_a_key_file_that_cannot_be_used_is_refused(tmp_path, content, mode, words):
    from tests.api.cli.conftest import run

    file = tmp_path / "key"
    if content is not None:
        file.write_text(content)
        file.chmod(mode)
        assert mode == stat.S_IMODE(file.stat().st_mode)

    ran = run("mcp", "--key-file", str(file))

    assert (1, "") == (ran.code, ran.out)
    assert words in ran.err
    assert "secret" not in ran.err


def test_the_tables_of_a_source_that_was_removed_stay_masked(own):
    folder = own.root / "data/uploads/people"
    folder.mkdir(parents=True)
    (folder / "people.csv").write_text("email\n" + "\n".join(ADDRESSES))
    (own.root / ".dango/sources.yml").write_text(PEOPLE)
    own.start()
    admin = own.client(session="admin")
    own.sync(admin, "people")
    until(lambda: admin.get("/api/governance/pii").json()["findings"], 60)

    assert 200 == admin.delete("/api/sources/people").status_code
    until(lambda: own.events(admin, type="source_removed"))

    assert [["****"]] == json.loads(said(own, "query", {"sql": SELECT})[1])["rows"]
    assert [[ADDRESSES[0]]] == own.rows(admin, SELECT)
