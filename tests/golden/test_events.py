"""Every event that was ever stored can be read, and is shown, by the program of today."""

import contextlib

import pytest

from domain.registry import EVENTS
from domain.upcasters import UPCASTERS
from infra.log.envelope import GENESIS, Codec, Record, chain
from infra.views.store import Store
from projections.table import PROJECTIONS
from tests.golden import record

SAMPLES = list(record.samples().values())


def opened(sample, position=1):
    return Codec(EVENTS, UPCASTERS).open(position, sample.type, sample.data.encode())


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


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.type}-{sample.version}")
def test_a_sample_still_proves_itself(sample):
    stored = Record(sample.type, sample.tags.encode(), sample.data.encode())

    assert sample.hash == chain(GENESIS, stored).hex()


def test_all_samples_together_are_a_log_that_can_be_shown(tmp_path):
    events = [opened(sample, position) for position, sample in enumerate(SAMPLES, 1)]

    with contextlib.closing(Store.create(tmp_path / "views.db", PROJECTIONS, EVENTS)) as store:
        assert len(SAMPLES) == store.apply(events)
