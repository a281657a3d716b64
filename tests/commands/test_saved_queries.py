"""Saved queries: whose they are, that names are their own, and how many there may be."""

from commands.saved_queries import DECIDERS, ChangeSavedQuery, DeleteSavedQuery, Kept, SaveQuery
from domain import saved_queries
from domain.saved_queries import QuerySaved, SavedQueryChanged, SavedQueryDeleted
from tests.decisions import Scenario

ANNA, BEN = "user:anna", "user:ben"
KEPT = Kept(name="Sales", sql="select 1")


def given(*events):
    return Scenario(DECIDERS, events)


def told(kind, query="q1", owner=ANNA, *, label="l1", proof="p1", shared=False):
    more = {"kept": KEPT} if issubclass(kind, SaveQuery | ChangeSavedQuery) else {}
    return kind(query=query, owner=owner, label=label, proof=proof, shared=shared, **more)


SAVED = told(QuerySaved)
DELETED = SavedQueryDeleted(query="q1", owner=ANNA)


def test_a_query_is_saved_once():
    given().when(told(SaveQuery)).then(SAVED)


def test_no_two_of_one_person_have_one_name():
    given(SAVED).when(told(SaveQuery, query="q2")).refused(saved_queries.SavedQueryThere)
    given(SAVED).when(told(SaveQuery, query="q2", owner=BEN)).then(
        told(QuerySaved, query="q2", owner=BEN)
    )
    given(SAVED, DELETED).when(told(SaveQuery, query="q2")).then(told(QuerySaved, query="q2"))


def test_what_one_person_keeps_is_bounded():
    many = [
        told(QuerySaved, query=f"q{number}", label=f"l{number}")
        for number in range(saved_queries.SAVED_MAX)
    ]
    more = told(SaveQuery, query="more", label="more")
    given(*many).when(more).refused(saved_queries.TooManySavedQueries)
    gone = SavedQueryDeleted(query="q0", owner=ANNA)
    given(*many, gone).when(more).then(told(QuerySaved, query="more", label="more"))


def test_it_is_changed_when_something_is_other_than_before():
    given(SAVED).when(told(ChangeSavedQuery)).then()
    for other in ({"label": "l2"}, {"proof": "p2"}, {"shared": True}):
        given(SAVED).when(told(ChangeSavedQuery, **other)).then(told(SavedQueryChanged, **other))


def test_it_gets_no_name_that_another_one_has():
    second = told(QuerySaved, query="q2", label="l2")
    story = given(SAVED, second).when(told(ChangeSavedQuery, query="q2", label="l1"))
    story.refused(saved_queries.SavedQueryThere)


def test_nobody_changes_or_deletes_what_is_not_there_or_is_anothers():
    missing = saved_queries.SavedQueryMissing
    given().when(told(ChangeSavedQuery)).refused(missing)
    given(SAVED, DELETED).when(told(ChangeSavedQuery)).refused(missing)
    given(SAVED).when(told(ChangeSavedQuery, owner=BEN)).refused(missing)
    given(SAVED).when(DeleteSavedQuery(query="q1", owner=BEN)).refused(missing)
    given().when(DeleteSavedQuery(query="q1", owner=ANNA)).refused(missing)


def test_it_is_deleted_once():
    given(SAVED).when(DeleteSavedQuery(query="q1", owner=ANNA)).then(DELETED)


def test_a_name_is_one_line_and_not_long():
    assert "Sales by day" == saved_queries.named("  Sales  by\nday ")
    for wrong in ("", "  ", "a\x00b", "x" * (saved_queries.NAME_CHARS_MAX + 1), "a\u202eb"):
        try:
            saved_queries.named(wrong)
        except saved_queries.SavedNameInvalid:
            continue
        raise AssertionError(wrong)
