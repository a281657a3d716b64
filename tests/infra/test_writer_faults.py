"""What the writer says and does when the disk, or whoever shares it, does not do its part."""

import pytest

from commands.kernel import (
    Keep,
    OutcomeUnknown,
    StorageFull,
)
from commands.upkeep import RequestMaintenance
from infra.log.verify import verify
from infra.writer import GROUP_COMMANDS_MAX
from tests.infra.writing import ids, query, story, together


@pytest.mark.parametrize("name", ["IOERR_FSYNC", "IOERR_WRITE", "CORRUPT"])
def test_after_a_commit_that_failed_nothing_is_written_any_more(tmp_path, engine, name):
    @story
    async def live(core):
        await core.send(query(0))
        core.log.fault = name
        assert [OutcomeUnknown] * 2 == [type(e) for e in await together(core, query(1), query(2))]

        core.log.fault = None
        for attempt in (core.send(query(3)), core.writer.keep(Keep("kind", "id", b""))):
            with pytest.raises(OutcomeUnknown):
                await attempt
        assert ["q0"] == ids(core)
        assert "restart" in core.writer.failed
        assert 1 == core.views.position

    live(tmp_path, engine)


@story
async def test_what_waits_behind_a_commit_that_failed_is_unknown_too(core):
    core.log.fault = "IOERR_FSYNC"
    commands = [query(number) for number in range(GROUP_COMMANDS_MAX + 20)]

    outcomes = await together(core, *commands)

    assert {OutcomeUnknown} == {type(outcome) for outcome in outcomes}
    assert [] == ids(core)


@story
async def test_a_full_disk_changes_nothing_and_writing_goes_on_later(core):
    core.log.fault = "FULL"
    assert [StorageFull] * 2 == [type(e) for e in await together(core, query(1), query(2))]
    with pytest.raises(StorageFull):
        await core.writer.keep(Keep("kind", "id", b"value"))
    core.log.fault = None

    assert 1 == (await core.send(query(1))).position
    assert None is core.vault.read("kind", "id")
    assert (True, 1) == ((proof := verify(core.log.place)).ok, proof.events)


@story
async def test_what_was_rolled_back_is_no_part_of_later_decisions(core):
    core.log.fault = "FULL"
    await together(core, RequestMaintenance(), query(1))
    core.log.fault = None

    outcomes = await together(core, query(1), RequestMaintenance())

    assert [1, 2] == [outcome.position for outcome in outcomes]


@story
async def test_the_vault_changes_with_the_event_or_not_at_all(core):
    await core.send(query(1, "SELECT 'kept'"))
    await core.send(query(1, "SELECT 'too late'"))
    core.log.fault = "FULL"
    with pytest.raises(StorageFull):
        await core.send(query(2))

    assert b"SELECT 'kept'" == core.vault.read("query", "q1")
    assert None is core.vault.read("query", "q2")


@story
async def test_what_the_vault_cannot_seal_leaves_no_transaction_behind(core):
    with pytest.raises(UnicodeEncodeError):
        await core.writer.keep(Keep("kind", "fine", b""), Keep("kind", "\udfff", b""))

    assert 1 == (await core.send(query())).position
    assert None is core.vault.read("kind", "fine")


@story
async def test_a_disk_that_fails_outside_of_commands_stops_the_writing_too(core):
    core.log.fault = "IOERR_FSYNC"
    with pytest.raises(OutcomeUnknown):
        await core.writer.transact(lambda: core.log.move_policy("syncs", 1))
    core.log.fault = None

    # Frames behind one that was not synced may be lost with it.
    with pytest.raises(OutcomeUnknown):
        await core.send(query())
