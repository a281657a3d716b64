"""The catalogue's graph: what of it is made anew, and whose words it takes."""

import pytest

from domain.models import SourceTable, SourceTableDescribed
from projections import catalog, search, tables
from tests import datasets
from tests.modelled import asked, completed, registered
from tests.projections.reading import reading

SYNCED = (
    datasets.registered(),
    datasets.requested(),
    datasets.started(2),
    datasets.completed(2),
)


@pytest.fixture
def given():
    with reading() as given:
        yield given


def told(project, text):
    """What a source of the dbt project says of the one table that there is."""
    unique_id = f"source.shop.{project}.orders"
    table = SourceTable(
        unique_id=unique_id, schema="raw_orders", relation="Orders", description=text
    )
    return SourceTableDescribed(table=table)


@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")])
def test_of_two_descriptions_of_one_table_the_first_by_id_holds_wherever_it_is_read(given, order):
    reader = given(*SYNCED, *[told(f"{each}_of_orders", f"the {each}") for each in order])

    assert "the first" == catalog.graph(reader).find("orders.orders").description
    assert ["orders"] == [match.node.name for match in search.find(reader, "the first")]
    assert "the first" == tables.models.described_as(reader, "RAW_orders", "orders").description


def test_what_did_not_change_is_the_same_node_after_a_change_elsewhere(given):
    story = (*SYNCED, registered("daily"), registered("weekly"), asked(), completed(7, "daily"))
    before = catalog.graph(given(*story))
    after = catalog.graph(given(*story, asked(), completed(9, "weekly")))

    weekly = "model.shop.weekly"
    assert before.nodes.keys() == after.nodes.keys()
    same = {key for key, node in after.nodes.items() if node is before.nodes[key]}
    assert before.nodes.keys() - {weekly} == same
    assert (None, "success") == (before.nodes[weekly].status, after.nodes[weekly].status)


def test_a_node_is_another_one_when_what_reads_it_changes(given):
    story = (registered("daily"),)
    before = catalog.graph(given(*story)).find("daily")
    reads = registered("weekly", depends_on=(before.id,))
    after = catalog.graph(given(*story, reads)).find("daily")

    assert ((), ("model.shop.weekly",)) == (before.depended_on_by, after.depended_on_by)
