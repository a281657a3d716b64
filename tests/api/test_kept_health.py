"""Backups and connected accounts in the health of the platform: what is wrong, and how badly."""

from datetime import UTC, datetime, timedelta

import pytest

from api.platform import HttpSettings
from commands.backups import EndBackup, RequestBackup, StartBackup
from commands.grants import LapseGrant, TakeGrant
from commands.sources import ApplySources
from domain.backups import BackupFailed, BackupMade
from domain.sources import Source
from tests.api.test_governance import ORIGIN
from tests.api.test_platform_health import Shop, told

SETTINGS = HttpSettings(backups_to="/b", backups_every="0 3 * * *")
REASON = "The disk in cellar 7 is full."
HUB = Source(
    name="hub", type="hubspot", schema="raw_hub", table="hub", options={"key": "${OAUTH_HUBSPOT}"}
)


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path)
    object.__setattr__(made.platform, "settings", SETTINGS)
    object.__setattr__(made.platform, "started_at", made.clock())
    return made


async def begun(shop):
    job = (await shop.writer.send(RequestBackup(to="/b"), ORIGIN)).position
    await shop.writer.send(StartBackup(job=job), ORIGIN)
    return job


async def ended(shop, *, failed=False):
    job = await begun(shop)
    facts = {"upto": job, "files": 3, "size_bytes": 9, "encrypted": False, "digest": "d"}
    made = BackupMade(job=job, backup=f"s-{job}", **facts)
    ending = BackupFailed(job=job, reason=REASON) if failed else made
    await shop.writer.send(EndBackup(ending=ending), ORIGIN)


async def connected(shop, *, lasts, renewable=True, kind="hubspot"):
    command = TakeGrant(
        source_type=kind,
        provider="hubspot",
        attempt="a",
        value=b"planted-Secret-77",
        expires_at=shop.clock() + lasts,
        renewable=renewable,
    )
    await shop.writer.send(command, ORIGIN)


async def seen(shop, subject):
    """The section, and the one trouble about it."""
    found = await told(await shop.logged_in())
    about = [each for each in found["issues"] if each["subject"].startswith(subject)]
    return found, [(each["severity"], each["message"]) for each in about]


def test_a_platform_without_a_time_table_has_no_trouble_with_backups(tmp_path):
    shop = Shop(tmp_path)

    async def story():
        shop.clock.forward(days=90)
        found, troubles = await seen(shop, "backups")
        assert ("none", None, 0, []) == (
            found["backup_health"]["status"],
            found["backup_health"]["last_backup"],
            found["backup_health"]["missed"],
            troubles,
        )

    shop.run(story)


def test_a_backup_that_was_made_is_told_with_its_age_until_the_next_is_due(shop):
    async def story():
        at = shop.clock()
        await ended(shop)
        shop.clock.forward(hours=15, minutes=59)  # it is 03:59, and one hour is the bound
        found, troubles = await seen(shop, "backups")
        section = found["backup_health"]
        assert ("ok", 15.98, 9, False, "0 3 * * *", []) == (
            *(section[name] for name in ("status", "age_hours", "size_bytes", "encrypted")),
            section["every"],
            troubles,
        )
        assert at == datetime.fromisoformat(section["last_backup"])
        assert datetime(2026, 1, 2, 3, tzinfo=UTC) == datetime.fromisoformat(section["next_due"])

    shop.run(story)


@pytest.mark.parametrize(("days", "severity"), [(1, "warning"), (2, "warning"), (3, "critical")])
@pytest.mark.parametrize("first", [True, False])
def test_a_moment_that_passes_without_one_is_a_warning_and_three_are_critical(
    shop, days, severity, first
):
    async def story():
        if not first:
            await ended(shop)
        shop.clock.forward(days=days, hours=-7)
        found, troubles = await seen(shop, "backups")
        since = "yet" if first else "since 2026-01-01 12:00 UTC"
        assert [(severity, f"No backup was made {since}, and one was due")] == troubles
        assert ("overdue", days) == tuple(found["backup_health"][n] for n in ("status", "missed"))
        assert severity == found["status"]
        await begun(shop)
        found, troubles = await seen(shop, "backups")
        assert ("running", []) == (found["backup_health"]["status"], troubles)

    shop.run(story)


def test_backups_that_fail_are_told_and_why_only_to_those_who_log_in(shop):
    async def story():
        await ended(shop)
        begun_at = shop.clock()
        for count, severity in ((1, "warning"), (2, "warning"), (3, "critical")):
            await ended(shop, failed=True)
            found, troubles = await seen(shop, "backups")
            words = "The last backup" if count == 1 else f"The last {count} backups"
            assert [(severity, f"{words} failed")] == troubles
            section = found["backup_health"]
            assert ("failed", count, REASON) == tuple(
                section[name] for name in ("status", "failures", "last_error")
            )
            (trouble,) = found["issues"]
            assert begun_at == datetime.fromisoformat(trouble["since"])
            shop.clock.forward(minutes=1)
        assert REASON not in (await shop.client().get("/api/health/platform")).text
        await ended(shop)
        found, troubles = await seen(shop, "backups")
        assert ("ok", None, []) == (
            found["backup_health"]["status"],
            found["backup_health"]["last_error"],
            troubles,
        )

    shop.run(story)


@pytest.mark.parametrize(
    ("lasts", "renewable", "status", "severity"),
    [
        (timedelta(days=30), False, "ok", None),
        (timedelta(days=6), False, "expiring", "warning"),
        (timedelta(hours=-1), False, "expired", "critical"),
        (timedelta(hours=-1), True, "ok", None),
        (timedelta(days=6), True, "ok", None),
    ],
)
def test_an_account_that_runs_out_is_told_and_what_a_source_waits_for_is_critical(
    shop, lasts, renewable, status, severity
):
    async def story():
        await shop.writer.send(ApplySources(sources=(HUB,)), ORIGIN)
        await connected(shop, lasts=lasts, renewable=renewable)
        found, troubles = await seen(shop, "oauth:hubspot")
        (section,) = found["oauth_health"]
        assert (status, "hubspot", renewable, ["hub"]) == tuple(
            section[name] for name in ("status", "source_type", "renewable", "sources")
        )
        assert ([] if severity is None else [severity]) == [level for level, _ in troubles]
        assert "planted-Secret-77" not in str(found)

    shop.run(story)


def test_an_account_whose_renewal_is_refused_says_why_to_those_who_log_in(shop):
    async def story():
        await connected(shop, lasts=timedelta(hours=1))
        await shop.writer.send(LapseGrant(source_type="hubspot", reason=REASON), ORIGIN)
        found, troubles = await seen(shop, "oauth:hubspot")
        told_of = "The account of hubspot is not renewed by its provider"
        assert [("warning", told_of)] == troubles
        assert ("not_renewed", REASON, []) == tuple(
            found["oauth_health"][0][name] for name in ("status", "error", "sources")
        )
        await shop.writer.send(ApplySources(sources=(HUB,)), ORIGIN)
        _, troubles = await seen(shop, "oauth:hubspot")
        assert [("critical", f"{told_of}; read with it: hub")] == troubles
        assert REASON not in (await shop.client().get("/api/health/platform")).text

    shop.run(story)


class NoReadModels:
    """An upkeep with nothing to tell."""

    def status(self):
        return []


def test_the_page_shows_the_same(shop):
    object.__setattr__(shop.platform, "upkeep", NoReadModels())

    async def story():
        admin = await shop.logged_in()
        assert "All is well." in (await admin.get("/health")).text
        await shop.writer.send(ApplySources(sources=(HUB,)), ORIGIN)
        await ended(shop, failed=True)
        await connected(shop, lasts=timedelta(days=6), renewable=False)
        page = (await admin.get("/health")).text
        for words in ("Something needs attention.", "The last backup failed", REASON, "0 3 * * *"):
            assert words in page
        assert "The account of hubspot runs out within 7 days; read with it: hub" in page
        shop.clock.forward(days=6)
        admin = await shop.logged_in()
        page = (await admin.get("/health")).text
        assert "Something is wrong." in page
        assert "The account of hubspot has run out" in page
        viewer = await (await shop.viewer()).get("/health")
        assert "The account of hubspot has run out" in viewer.text
        assert REASON not in viewer.text
        assert "has run out" not in (await shop.client().get("/health")).text

    shop.run(story)
