"""Decisions about queries that ended."""

from commands.kernel import Keep
from commands.queries import DECIDERS, CancelQuery, RecordQuery
from domain.queries import QueryCancelled, QueryEnded, QueryExecuted
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


def test_a_running_query_is_cancelled_once():
    given().when(CancelQuery(query_id="q1")).then(QueryCancelled(query_id="q1"))
    given(QueryCancelled(query_id="q1")).when(CancelQuery(query_id="q1")).then()


def test_a_query_that_has_ended_cannot_be_cancelled():
    given(executed()).when(CancelQuery(query_id="q1")).refused(QueryEnded)


def test_a_cancelled_query_goes_on_record():
    ended = executed(outcome="cancelled")
    story = given(QueryCancelled(query_id="q1"))

    story.when(RecordQuery(executed=ended, sql="SELECT 1")).then(ended)
