"""What is masked at a source is masked in all models that it may have come into."""

import pytest

from domain.datasets import Column
from domain.lineage import ORIGINS_MAX, Derived, Lineage, Origin, bounded
from domain.models import ModelRemoved
from domain.pii_overrides import PiiOverridden, PiiStatus
from projections import lineage, pii
from tests.modelled import completed, registered
from tests.projections.reading import reading
from tests.projections.test_pii import PUBLISHED, scan
from tests.projections.test_pii import found as found_at

EMAIL, ID = "email", "id"


def origin(column="", table="orders", schema="raw_orders"):
    return Origin(schema=schema, table=table, column=column)


def traced(table="daily", *, opaque=False, adds=False, **columns):
    found = tuple(Derived(column=name, origins=origins) for name, origins in columns.items())
    return Lineage(schema="marts", table=table, columns=found, opaque=opaque, adds=adds)


def built(name="daily", *, columns=(), **more):
    told = tuple(Column(name=column, type="VARCHAR") for column in columns)
    return completed(9, name, columns=told, **more)


def following(name="daily", **columns):
    return built(name, lineage=traced(name, **columns))


def personal():
    return (*PUBLISHED, *scan(found_at(EMAIL)))


@pytest.fixture
def given():
    with reading() as given:
        yield given


@pytest.fixture
def masked(given):
    """The columns of models that are, as table.column."""

    def look(*events, ever=False):
        found = pii.masked_columns(given(*personal(), *events), ever=ever)
        return {f"{table}.{column}" for schema, table, column in found if schema == "marts"}

    return look


def test_a_column_that_comes_from_a_masked_one_is_masked(masked):
    found = masked(following(contact=(origin(EMAIL),), n=(origin(ID),), one=()))

    assert {"daily.contact"} == found


def test_masks_go_on_through_models_of_models(masked):
    first = following("first", contact=(origin(EMAIL),), n=(origin(ID),))
    second = following("second", who=(origin("CONTACT", "First", "Marts"),))
    third = following("third", any=(origin("", "second", "marts"),), n=(origin("n", "first"),))

    assert {"first.contact", "second.who", "third.any"} == masked(third, second, first)


def test_models_that_read_each_other_end_the_search(masked):
    first = following("first", a=(origin("b", "second", "marts"), origin(EMAIL)))
    second = following("second", b=(origin("a", "first", "marts"),))

    assert {"first.a", "second.b"} == masked(first, second)


def test_what_may_come_from_all_of_a_table_is_masked_when_one_of_its_columns_is(masked):
    assert {"daily.x"} == masked(following(x=(origin(),), y=(origin("", "other"),)))


def test_all_columns_of_an_opaque_table_are_masked(masked):
    opaque = built(lineage=traced(opaque=True, x=(), y=()))

    assert {"daily.x", "daily.y"} == masked(opaque)


def test_nothing_is_masked_while_nothing_is_personal(given):
    events = (*PUBLISHED, built(lineage=traced(opaque=True, x=(origin(EMAIL),))))

    assert frozenset() == pii.masked_columns(given(*events))


def test_a_table_that_was_built_before_lineage_was_told_may_hold_anything(masked):
    assert {"daily.x"} == masked(registered(), built(columns=("x",)))


def test_a_model_that_could_not_be_built_stands_as_it_was(masked):
    failed = completed(10, "daily", "error")

    assert {"daily.x"} == masked(following(x=(origin(EMAIL),)), failed)


def test_a_model_that_is_gone_has_left_its_table(masked):
    assert {"daily.x"} == masked(
        registered(), following(x=(origin(EMAIL),)), ModelRemoved(model="daily")
    )


def test_a_model_that_reads_it_no_more_is_masked_in_the_past_alone(masked):
    events = following(x=(origin(EMAIL),)), following(x=(origin(ID),))

    assert set() == masked(*events)
    assert {"daily.x"} == masked(*events, ever=True)


def test_rows_that_stay_keep_where_they_came_from(masked):
    more = built(lineage=traced(adds=True, x=(origin(ID),)))

    assert {"daily.x"} == masked(following(x=(origin(EMAIL),)), more)


def test_people_s_word_on_a_model_s_column_ends_the_way_and_begins_one(masked):
    word = {"source": "daily", "table": "daily"}
    first = following(x=(origin(EMAIL),), y=(origin(ID),))
    second = following(
        "second", x=(origin("x", "daily", "marts"),), y=(origin("y", "daily", "marts"),)
    )
    plain = PiiOverridden(**word, column="x", status=PiiStatus.NOT_PII)
    marked = PiiOverridden(**word, column="y", status=PiiStatus.PII)

    assert {"daily.y", "second.y"} == masked(first, second, plain, marked)


def test_lineage_that_grows_too_large_names_tables_and_then_nothing():
    many = tuple(origin(f"c{number}") for number in range(ORIGINS_MAX + 1))
    found = bounded(traced(x=many))
    assert (origin(),) == found.columns[0].origins
    tables = tuple(origin("", f"t{number}") for number in range(ORIGINS_MAX + 1))
    assert bounded(traced(x=tables)).opaque


def test_lineage_of_one_table_is_told(given):
    found = lineage.one(given(following(x=(origin(EMAIL),))), "marts", "daily")

    assert ("daily", {"x": (origin(EMAIL),)}) == (found.model, found.columns)


def test_what_comes_from_the_programs_own_tables_is_masked_though_nothing_else_is(given):
    inside = following("inside", path=(origin("path", "files", "_dango"),), n=())
    whole = following("whole", any=(origin("", "State", "_DANGO"),))
    further = following("further", path=(origin("path", "inside", "marts"),))

    found = pii.masked_columns(given(inside, whole, further))
    assert {"inside.path", "whole.any", "further.path"} == {f"{t}.{c}" for _, t, c in found}
