"""Personal data over HTTP: findings, scans, and people's word in the file."""

import pytest

from commands.pii import EndPiiScan
from commands.ports import Changes, Sample
from domain.datasets import Column
from domain.pii import Finding, PiiScanned
from infra.configuration.watch import Configuration
from infra.project import Project
from tests.api.test_governance import COLUMNS, ORIGIN
from tests.api.test_governance import Shop as Publishing

PII = "/api/governance/pii"
OVERRIDES = f"{PII}/overrides"


class Shop(Publishing):
    def __init__(self, folder):
        super().__init__(folder)
        self.project = Project.create(folder / "shop", "shop")
        self.file = self.project.pii_overrides_yml
        editor = Configuration(self.project, self.writer, self.vault.digest)
        object.__setattr__(self.platform, "overrides", editor)

    async def scan(self, client, *findings):
        """Somebody asks for a scan, which finds this."""
        answer = await client.post(f"{PII}/scan", json={"source": "orders"})
        assert (200, ["orders"]) == (answer.status_code, answer.json()["sources"])
        asked = self.recorded[-1]
        ending = PiiScanned(
            source="orders", job=asked.position, findings=findings, tables=asked.event.tables
        )
        await self.writer.send(EndPiiScan(ending=ending), ORIGIN)


def found(column, confidence=0.9):
    return Finding(
        schema="raw_orders", table="orders", column=column, kind="EMAIL_ADDRESS",
        confidence=confidence, samples=3,
    )  # fmt: skip


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def word(column="email", status="not_pii", **more):
    known = {"source": "orders", "table_name": "orders", "column_name": column}
    return {"overrides": [{**known, "pii_status": status, **more}]}


async def findings(client, **query):
    return (await client.get(PII, params=query)).json()["findings"]


def test_findings_are_listed_by_source_and_table_and_without_values(shop):
    async def story():
        admin = await shop.logged_in()
        await shop.known("orders")
        await shop.publish(COLUMNS)
        await shop.scan(admin, found("email"), found("id", 0.2))
        first, second = await findings(admin)
        assert ("email", "EMAIL_ADDRESS", 0.9, 3, True) == tuple(
            first[key]
            for key in ("column_name", "entity_type", "confidence", "sample_count", "masked")
        )
        assert ("id", False) == (second["column_name"], second["masked"])
        assert [] == await findings(admin, source="other")
        assert [] == await findings(admin, table="other")
        assert 1 == len(await findings(admin, limit=1))

    shop.run(story)


def test_people_s_word_is_written_into_the_file_and_goes_before_scans(shop):
    async def story():
        admin = await shop.logged_in()
        await shop.known("orders")
        await shop.publish(COLUMNS)
        await shop.scan(admin, found("email"))
        shop.file.write_text("# ours\noverrides: []\n")
        answer = await admin.put(OVERRIDES, json=word(reason="addresses of shops"))
        assert 200 == answer.status_code, answer.text
        (said,) = answer.json()["overrides"]
        assert ("not_pii", "addresses of shops") == (said["pii_status"], said["reason"])
        assert said["set_by"].startswith("user:")
        assert answer.json() == (await admin.get(OVERRIDES)).json()
        assert shop.file.read_text().startswith("# ours\n")
        assert "addresses of shops" in shop.file.read_text()
        assert not (await findings(admin))[0]["masked"]
        assert 0 == (await admin.get(f"{OVERRIDES}?source=other")).json()["count"]
        assert [] == (await admin.put(OVERRIDES, json=word(status=None))).json()["overrides"]
        assert (await findings(admin))[0]["masked"]

    shop.run(story)
    told = [item for item in shop.recorded if item.type.startswith("pii_over")]
    assert ["pii_overridden", "pii_override_removed"] == [item.type for item in told]
    assert "shops" not in str(told)
    assert all(item.actor.startswith("user:") for item in told)


def test_the_same_word_again_is_no_event(shop):
    async def story():
        admin = await shop.logged_in()
        for _ in "ab":
            assert 200 == (await admin.put(OVERRIDES, json=word())).status_code

    shop.run(story)
    assert 1 == shop.types().count("pii_overridden")


def test_a_file_that_cannot_be_read_is_not_written_into(shop):
    async def story():
        admin = await shop.logged_in()
        shop.file.write_text("overrides: 7\n")
        answer = await admin.put(OVERRIDES, json=word())
        assert 409 == answer.status_code
        assert "overrides: 7\n" == shop.file.read_text()

    shop.run(story)


@pytest.mark.parametrize(
    "body",
    [
        word(status="maybe"),
        word(column=""),
        word(column="x" * 256),
        word(why="x"),
        {"overrides": "x"},
        {},
    ],
)
def test_a_word_that_says_nothing_is_refused(shop, body):
    async def story():
        admin = await shop.logged_in()
        assert 422 == (await admin.put(OVERRIDES, json=body)).status_code
        assert not shop.file.exists()

    shop.run(story)


def test_what_has_no_data_is_not_scanned(shop):
    async def story():
        admin = await shop.logged_in()
        await shop.known("orders")
        assert 409 == (await admin.post(f"{PII}/scan", json={"source": "orders"})).status_code
        assert 404 == (await admin.post(f"{PII}/scan", json={"source": "nope"})).status_code
        assert [] == (await admin.post(f"{PII}/scan", json={})).json()["sources"]

    shop.run(story)


def test_viewers_see_and_admins_say(shop):
    async def story():
        viewer = await shop.viewer()
        for path in (PII, OVERRIDES):
            assert 200 == (await viewer.get(path)).status_code
            assert 401 == (await shop.client().get(path)).status_code
        assert 403 == (await viewer.put(OVERRIDES, json=word())).status_code
        assert 403 == (await viewer.post(f"{PII}/scan", json={})).status_code

    shop.run(story)


class Warehouse:
    """Shows changes, and remembers what was to be masked."""

    def __init__(self):
        self.asked = []

    async def changes(self, asked):
        self.asked.append(asked)
        return Changes(snapshot=None)


def test_values_of_changes_are_masked_for_callers_without_pii_view(shop):
    async def story():
        object.__setattr__(shop.platform, "warehouse", Warehouse())
        admin = await shop.logged_in()
        await shop.known("orders")
        job = await shop.publish(COLUMNS)
        await shop.scan(admin, found("email"))
        body = {"name": "narrow", "permissions": ["query.execute"]}
        key = (await admin.post("/api/auth/api-keys", json=body)).json()["key"]
        path = f"/api/sources/orders/runs/{job}/changes"
        narrow = shop.client(Authorization=f"Bearer {key}")
        for client in (admin, narrow):
            answer = await client.get(path)
            assert 200 == answer.status_code, answer.text
        masked = [asked.masked for asked in shop.platform.warehouse.asked]
        rejects = {"_rejects": ("raw", "reason")}  # what is rejected may hold anything
        assert [{}, {"orders": ("email",), **rejects}] == masked

    shop.run(story)


class Sampled:
    """A warehouse that shows one row of the source, with a column that was never published."""

    async def sample(self, load):
        names = ("id", "Email", "new")
        columns = tuple(Column(name=name, type="VARCHAR") for name in names)
        return Sample(columns=columns, rows=(("7", "ada@example.org", "x"), (None, None, None)))


def test_a_sample_of_a_source_shows_no_personal_values_and_none_that_nobody_scanned(shop):
    object.__setattr__(shop.platform, "warehouse", Sampled())

    async def story():
        admin = await shop.logged_in()
        await shop.known("orders")
        await shop.publish(COLUMNS)
        await shop.scan(admin, found("email"))
        seen = []
        for headers in ({}, {"X-Dango-Mask": "always"}):
            answer = await admin.post("/api/sources/orders/test", headers=headers)
            assert 200 == answer.status_code, answer.text
            seen.append(answer.json()["rows"])
        assert [["7", "ada@example.org", "x"], [None, None, None]] == seen[0]
        assert [["7", "***", "***"], [None, None, None]] == seen[1]

    shop.run(story)
