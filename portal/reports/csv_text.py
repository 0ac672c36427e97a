"""Rows of a table as CSV for people: N/A for what is missing, and no text that a spreadsheet would calculate."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from typing import Any

from gateway.clock import CENTRAL
from portal.reports.columns import MISSING, Column, Kind, Row
from portal.usage.kwh_text import thousandths_text
from portal.usage.usage_json import utc_text

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a text for a formula, or skip to what follows."""


def text_cell(text: str) -> str:
    """A text as a cell: an apostrophe before what a spreadsheet would calculate, quotes where CSV needs them."""
    if text.lstrip(" ").startswith(FORMULA_SIGNS):
        text = f"'{text}"
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if any(sign in text for sign in ',"\r\n') else text


def _esi_id(value: str) -> str:
    return f"'{value}"


def _date(value: date) -> str:
    return f"{value:%m/%d/%Y}"


def _local(value: datetime) -> str:
    return f"{value.astimezone(CENTRAL):%m/%d/%Y %H:%M:%S}"


def _clock(value: time) -> str:
    return f"{value:%H:%M}"


def _estimated(value: bool) -> str:
    return "E" if value else "A"


_CELLS: dict[Kind, Callable[[Any], str]] = {
    Kind.ESI_ID: _esi_id,
    Kind.TEXT: text_cell,
    Kind.DATE: _date,
    Kind.LOCAL: _local,
    Kind.UTC: utc_text,
    Kind.CLOCK: _clock,
    Kind.THOUSANDTHS: thousandths_text,
    Kind.COUNT: str,
    Kind.ESTIMATED: _estimated,
}


def first_line(columns: Sequence[Column]) -> str:
    """The header."""
    return ",".join(column.header for column in columns if column.header) + "\n"


def lines(columns: Sequence[Column], rows: Iterable[Row]) -> str:
    """Rows, each as a line. The ESI ID has the apostrophe before it that keeps spreadsheets from rounding it."""
    shown = [(place, _CELLS[column.kind]) for place, column in enumerate(columns) if column.header]
    return "".join(
        ",".join(MISSING if row[place] is None else cell(row[place]) for place, cell in shown) + "\n" for row in rows
    )
