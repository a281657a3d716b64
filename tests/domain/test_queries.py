"""Decisions about queries that ended."""

from commands.kernel import Keep
from commands.queries import DECIDERS, RecordQuery
from domain.queries import QueryExecuted
from tests.decisions import Scenario


def executed(query="q1", outcome="answered"):
    return QueryExecuted(query_id=query, outcome=outcome, relations=("raw_orders.orders",), rows=3)


def given(*events):
    return Scenario(DECIDERS, events)


def test_a_query_is_put_on_record():
    given(executed("q0")).when(RecordQuery(executed=executed(), sql="SELECT 1")).then(executed())


def test_a_query_ends_once():
    other = RecordQuery(executed=executed(outcome="failed"), sql="SELECT 1")

    given(executed()).when(other).then()


def test_the_text_of_a_query_goes_to_the_vault_alone():
    command = RecordQuery(executed=executed(), sql="SELECT 'é'")

    assert (Keep("query", "q1", "SELECT 'é'".encode()),) == command.vault()
