"""CSV for people: texts that a spreadsheet would calculate are guarded, numbers are not touched."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.reports.columns import Column, Kind
from portal.reports.csv_text import FORMULA_SIGNS, first_line, lines, text_cell

COLUMNS = (
    Column(header="NAME", kind=Kind.TEXT),
    Column(field="hidden", kind=Kind.COUNT),
    Column(header="KWH", kind=Kind.THOUSANDTHS),
)


def cells(line: str) -> list[str]:
    """A line as another reader takes it."""
    (row,) = csv.reader(io.StringIO(line, newline=""))
    return row


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", '=HYPERLINK("x")'])
def test_a_text_that_would_be_calculated_has_an_apostrophe_before_it(text: str) -> None:
    assert cells(text_cell(text)) == [f"'{text}"]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_every_text_comes_back_and_none_begins_as_a_formula(text: str) -> None:
    (found,) = cells(text_cell(text))
    assert found in (text, f"'{text}")
    assert not found.startswith(FORMULA_SIGNS)


def test_numbers_are_numbers_even_below_zero_and_missing_is_na() -> None:
    assert first_line(COLUMNS) == "NAME,KWH\n"
    rows = [("Elm & Co", 1, -1), ("a,b", 2, 1_234_567_890), ('say "x"', 3, None), (None, 4, 0)]
    assert lines(COLUMNS, rows).splitlines() == [
        "Elm & Co,-0.001",
        '"a,b",1234567.890',
        '"say ""x""",N/A',
        "N/A,0.000",
    ]
