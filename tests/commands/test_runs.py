"""What a source's configuration says reaches its load."""

from commands.policies import runs
from tests.datasets import source


def test_the_days_that_a_source_looks_back_reach_its_load():
    configured = source("orders", options={"directory": "data/orders"}, lookback_days=7)
    assert 7 == runs.of_source(configured, root="/project", secrets={}).lookback_days
