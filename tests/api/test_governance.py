"""Governance over HTTP: drift is listed and accepted by those who may."""

import pytest

from commands.kernel import Origin
from commands.sources import ApplySources
from commands.syncs import CompleteSync, RequestSync, StartSync
from domain.datasets import Column, Table
from domain.permissions import Role
from tests.api.access import Server
from tests.datasets import source

ORIGIN = Origin(actor="policy:syncs", via="policy", correlation="test")
COLUMNS = {"id": "BIGINT", "email": "VARCHAR"}
VIEWER = {"email": "vera@example.org", "password": "a walk along the river"}


class Shop(Server):
    """A server whose sources publish what the test says."""

    async def known(self, *names):
        wanted = tuple(source(name) for name in names)
        await self.writer.send(ApplySources(sources=wanted), ORIGIN)

    async def publish(self, columns, name="orders"):
        outcome = await self.writer.send(RequestSync(sources=(name,)), ORIGIN)
        job, schema = outcome.position, f"raw_{name}"
        start = StartSync(source=name, job=job, schema=schema, table=name)
        await self.writer.send(start, ORIGIN)
        found = tuple(Column(name=key, type=kind) for key, kind in columns.items())
        table = Table(schema=schema, name=name, row_count=3, columns=found)
        done = CompleteSync(source=name, job=job, rows=3, tables=(table,), snapshot=job)
        await self.writer.send(done, ORIGIN)
        return job

    async def viewer(self):
        await self.add(VIEWER["email"], VIEWER["password"], Role.VIEWER)
        return await self.logged_in(**VIEWER)


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_breaking_drift_is_listed_held_and_accepted_once(shop):
    async def story():
        admin = await shop.logged_in()
        await shop.known("orders", "users")
        for columns in (COLUMNS, {"id": "BIGINT", "more": "DATE"}):
            await shop.publish(columns)
        found = (await admin.get("/api/governance/schema-drift")).json()
        assert (2, ["orders"], None) == (found["count"], found["held"], found["source"])
        assert {"column_removed": "breaking", "column_added": "additive"} == {
            each["event_type"]: each["severity"] for each in found["events"]
        }
        removed = next(each for each in found["events"] if each["severity"] == "breaking")
        assert ("orders", "orders", "email", "was=VARCHAR") == (
            removed["source"],
            removed["table_name"],
            removed["column_name"],
            removed["detail"],
        )
        none = (await admin.get("/api/governance/schema-drift?source=users")).json()
        assert (0, "users") == (none["count"], none["source"])
        accept = "/api/governance/drift/orders/accept"
        answer = await admin.post(accept)
        assert {"source": "orders", "accepted": True, "message": "Schema accepted"} == answer.json()
        again = await admin.post(accept)
        assert (404, "No pending drift for 'orders'.") == (
            again.status_code,
            again.json()["detail"],
        )
        assert [] == (await admin.get("/api/governance/schema-drift")).json()["held"]

    shop.run(story)
    assert 1 == shop.types().count("drift_accepted")


def test_an_accepting_answer_is_the_same_under_the_same_key(shop):
    async def story():
        admin = await shop.logged_in()
        await shop.known("orders")
        for columns in (COLUMNS, {"id": "BIGINT"}):
            await shop.publish(columns)
        key = {"Idempotency-Key": "one"}
        answers = [
            await admin.post("/api/governance/drift/orders/accept", headers=key) for _ in "ab"
        ]
        assert [200, 200] == [answer.status_code for answer in answers]

    shop.run(story)


def test_drift_is_for_those_who_may_see_and_manage_governance(shop):
    async def story():
        await shop.known("orders")
        viewer = await shop.viewer()
        assert 200 == (await viewer.get("/api/governance/schema-drift")).status_code
        assert 403 == (await viewer.post("/api/governance/drift/orders/accept")).status_code
        anonymous = shop.client()
        assert 401 == (await anonymous.get("/api/governance/schema-drift")).status_code

    shop.run(story)


@pytest.mark.parametrize("limit", ["0", "1001", "x"])
def test_a_limit_that_is_none_is_refused(shop, limit):
    async def story():
        admin = await shop.logged_in()
        answer = await admin.get(f"/api/governance/schema-drift?limit={limit}")
        assert 422 == answer.status_code

    shop.run(story)


def test_accepting_for_a_source_that_is_not_there_is_404(shop):
    async def story():
        admin = await shop.logged_in()
        assert 404 == (await admin.post("/api/governance/drift/nope/accept")).status_code

    shop.run(story)


def test_sources_that_need_somebody_are_listed_with_their_reasons(shop):
    async def story():
        admin = await shop.logged_in()
        await shop.known("orders", "users")
        for columns in (COLUMNS, {"id": "BIGINT"}):
            await shop.publish(columns)
        orders, users = (await admin.get("/api/governance/attention")).json()
        assert ("orders", "1 breaking schema change(s) detected") == (
            orders["source"],
            orders["reason"],
        )
        (change,) = orders["drift_events"]
        assert ("email", "column_removed", "breaking", "was=VARCHAR") == tuple(
            change[key] for key in ("column_name", "event_type", "severity", "detail")
        )
        assert ["never_synced"] == [reason["kind"] for reason in users["reasons"]]
        listed = {each["name"]: each for each in (await admin.get("/api/sources")).json()}
        assert (True, orders["reason"]) == (
            listed["orders"]["needs_attention"],
            listed["orders"]["attention_reason"],
        )
        await shop.publish(COLUMNS, "users")
        await admin.post("/api/governance/drift/orders/accept")
        assert [] == (await admin.get("/api/governance/attention")).json()
        again = (await admin.get("/api/sources")).json()
        assert {(False, None)} == {
            (each["needs_attention"], each["attention_reason"]) for each in again
        }

    shop.run(story)
