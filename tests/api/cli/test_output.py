"""Text for terminals and programs: nothing in data can give orders to a terminal."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.output import Output, age, safe
from tests.api.cli.conftest import Terminal


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("Žluťoučký 団子 🍡", "Žluťoučký 団子 🍡"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\tb\nc\r", "a\\tb\\nc\\r"),
        ("\u202eevil", "\\u202eevil"),
        ("\x9b2J", "\\x9b2J"),
        ("\udcff", "\\udcff"),
    ],
)
def test_control_characters_are_spelled_out(value, shown):
    assert shown == safe(value)


@given(st.text())
def test_what_is_safe_stays_as_it_is(value):
    assert safe(value) == safe(safe(value))


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2)))
def test_a_row_is_one_line_with_one_tab_between_cells(rows):
    out = io.StringIO()

    Output(out, io.StringIO()).table(("a", "b"), rows)

    lines = out.getvalue().split("\n")
    assert len(rows) + 2 == len(lines)
    assert all(1 == line.count("\t") for line in lines[:-1])


def test_markup_in_data_is_data():
    out = Terminal()

    Output(out, out).table(("[bold]name[/]",), [("[red]tea[/red]",), ("\x1b[2J",)])

    assert "[bold]name[/]" in out.getvalue()
    assert "[red]tea[/red]" in out.getvalue()
    assert "\\x1b[2J" in out.getvalue()


def test_a_problem_is_one_line():
    err = io.StringIO()

    Output(io.StringIO(), err).problem("first\nsecond \x1b[0m")

    assert "dango: first second \\x1b[0m\n" == err.getvalue()


@pytest.mark.parametrize(
    ("hours", "shown"),
    [(None, ""), (0.0, "just now"), (0.5, "30 min ago"), (3.2, "3 h ago"), (50.0, "2 d ago")],
)
def test_ages_have_one_unit(hours, shown):
    assert shown == age(hours)
