"""Names of things: told apart by chance, told in order by time."""

import uuid

from infra import ids


def test_ids_are_uuids_of_version_7_that_differ():
    made = [ids.new_id() for _ in range(3 * ids.IDS_DRAWN)]
    parsed = [uuid.UUID(each) for each in made]

    assert {(7, uuid.RFC_4122)} == {(each.version, each.variant) for each in parsed}
    assert {32} == {len(each) for each in made}
    assert len(made) == len(set(made))


def test_later_ids_come_after_earlier_ones(monkeypatch):
    times = iter([1_000_000_000, 2_000_000_000, 1_799_999_999_999_000_000])
    monkeypatch.setattr(ids.time, "time_ns", lambda: next(times))
    made = [ids.new_id() for _ in range(3)]

    assert made == sorted(made)
    assert [1_000, 2_000, 1_799_999_999_999] == [int(each[:12], 16) for each in made]
