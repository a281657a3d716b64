"""Every event that was ever stored can be read, and is shown, by the program of today."""

import contextlib

import msgspec
import pytest

from domain.kernel import Event
from domain.registry import EVENTS
from domain.upcasters import UPCASTERS
from infra.log.envelope import GENESIS, Codec, Envelope, Record, UnknownEvent, chain
from infra.views.store import Store
from projections.table import PROJECTIONS
from tests.golden import record

SAMPLES = list(record.samples().values())


def opened(sample, position=1):
    return Codec(EVENTS, UPCASTERS).open(position, sample.type, sample.data.encode())


def pruned(value, like):
    """The value without fields that were added since."""
    if isinstance(like, dict):
        return {key: pruned(value.get(key), part) for key, part in like.items()}
    if isinstance(like, list):
        return [pruned(*pair) for pair in zip(value, like, strict=True)]
    return value


def test_every_event_has_a_sample_of_its_present_version():
    names = [f"{kind.type_name()} version {kind.version}" for kind in record.missing()]

    assert [] == names, "run: python -m tests.golden.record"


def test_no_sample_stands_twice():
    assert len(SAMPLES) == len(record.FILE.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.type}-{sample.version}")
def test_a_sample_is_read_and_leads_to_rows(sample, tmp_path):
    event = opened(sample)

    assert sample.type == event.type
    with contextlib.closing(Store.create(tmp_path / "views.db", PROJECTIONS, EVENTS)) as store:
        assert 1 == store.apply([event])


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.type_name())
def test_nothing_of_a_sample_is_lost_by_reading_it(kind):
    sample = record.samples()[(kind.type_name(), kind.version)]
    stored = msgspec.json.decode(msgspec.json.decode(sample.data, type=Envelope).data)

    assert stored == pruned(msgspec.to_builtins(opened(sample).event), stored)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.type}-{sample.version}")
def test_a_sample_still_proves_itself(sample):
    stored = Record(sample.type, sample.tags.encode(), sample.data.encode())

    assert sample.hash == chain(GENESIS, stored).hex()


def test_all_samples_together_are_a_log_that_can_be_shown(tmp_path):
    events = [opened(sample, position) for position, sample in enumerate(SAMPLES, 1)]

    with contextlib.closing(Store.create(tmp_path / "views.db", PROJECTIONS, EVENTS)) as store:
        assert len(SAMPLES) == store.apply(events)


# that these laws can fail


class Planted(Event, frozen=True, kw_only=True, tag="planted_happened"):
    """An event that nobody has recorded a sample of."""

    def stream(self):
        return "planted:1"


def test_an_event_without_a_sample_is_found_out(monkeypatch):
    monkeypatch.setattr(record, "EVENTS", (*EVENTS, Planted))

    assert [Planted] == record.missing()


def test_an_event_that_was_taken_away_is_found_out():
    codec = Codec([kind for kind in EVENTS if kind.type_name() != SAMPLES[0].type], UPCASTERS)

    with pytest.raises(UnknownEvent, match="no such type"):
        codec.open(1, SAMPLES[0].type, SAMPLES[0].data.encode())


def test_a_field_that_old_events_do_not_have_is_found_out():
    class Renamed(Event, frozen=True, kw_only=True, tag=SAMPLES[0].type):
        renamed: str

    with pytest.raises(UnknownEvent, match="renamed"):
        Codec([Renamed], UPCASTERS).open(1, SAMPLES[0].type, SAMPLES[0].data.encode())
