"""The customer meter list: which columns, in which order, and when it is a search instead (pure; guide 3.1, 8.1)."""

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from html import escape

from portal.visibility import VisibleMeter

SHOWN_AT_ONCE = 25
SHOW_ALL_UP_TO = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A meter of the list; customer and email are blank where the meter is attached to no customer account (MTR-03)."""

    meter: VisibleMeter
    customer: str = ""
    email: str = ""


class Column(StrEnum):
    """A column of the list, as it stands in the address."""

    CUSTOMER = "customer"
    EMAIL = "email"
    SERVICE_ADDRESS = "service_address"
    CITY = "city"
    STATE = "state"
    ESI_ID = "esi_id"
    NUMBER = "number"

    @property
    def heading(self) -> str:
        """The guide's heading (figures 7 and 33)."""
        return _HEADINGS[self]


_HEADINGS = {
    Column.CUSTOMER: "Customer",
    Column.EMAIL: "Email",
    Column.SERVICE_ADDRESS: "Service Address",
    Column.CITY: "City",
    Column.STATE: "State",
    Column.ESI_ID: "ESI ID",
    Column.NUMBER: "Meter Number",
}
ACCOUNT_COLUMNS = tuple(Column)
USAGE_COLUMNS = ACCOUNT_COLUMNS[2:]


class Screen(StrEnum):
    """What the meter list's page is, by how many meters there are."""

    LIST = "list"
    SEARCH = "search"
    SEARCH_ONLY = "search_only"


def screen(meters: int) -> Screen:
    """Up to 25 meters are listed, more are searched, and up to 500 can still be shown at once (MTR-05, MTR-06)."""
    if meters <= SHOWN_AT_ONCE:
        return Screen.LIST
    return Screen.SEARCH if meters <= SHOW_ALL_UP_TO else Screen.SEARCH_ONLY


def text_of(row: Row, column: Column) -> str:
    """What stands in a column."""
    if column in (Column.CUSTOMER, Column.EMAIL):
        return str(getattr(row, column))
    return str(getattr(row.meter, column))


def ordered(rows: Iterable[Row], column: Column, *, descending: bool) -> list[Row]:
    """Rows by one column as people sort: digits by their value, blanks last, equal rows by ESI ID."""
    by_esi_id = sorted(rows, key=lambda row: row.meter.esi_id)
    filled = [row for row in by_esi_id if text_of(row, column)]
    blank = [row for row in by_esi_id if not text_of(row, column)]
    return sorted(filled, key=lambda row: natural(text_of(row, column)), reverse=descending) + blank


@lru_cache(maxsize=8192)
def natural(text: str) -> list[tuple[int, int, str]]:
    """A key under which `4114 Elm` follows `312 Elm`."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text.casefold())
    return [(0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts]


def markup(rows: Iterable[Row], columns: Sequence[Column], chosen: Container[str] = ()) -> str:
    """The rows of the list's table, each with its checkbox; every text is escaped here. chosen are ticked ESI IDs."""
    return "\n".join(
        f"<tr>{_pick(row, place, chosen)}{_cells(row, tuple(columns))}</tr>" for place, row in enumerate(rows)
    )


def _pick(row: Row, place: int, chosen: Container[str]) -> str:
    """The checkbox of a row; the first has the name to which a fault of the choice leads."""
    esi_id = row.meter.esi_id
    ticked = " checked" if esi_id in chosen else ""
    where = f"{escape(row.meter.service_address)}, {escape(row.meter.city)}, {esi_id}"
    about = f'id="chosen{f"-{place}" if place else ""}" name="chosen" value="{esi_id}"'
    return f'<td class="pick"><input type="checkbox" {about} aria-label="{where}"{ticked}></td>'


@lru_cache(maxsize=4096)
def _cells(row: Row, columns: tuple[Column, ...]) -> str:
    return "".join(_cell(row, column) for column in columns)


def _cell(row: Row, column: Column) -> str:
    if column is Column.ESI_ID:
        return f'<td><a class="id" href="/usage/meters/{row.meter.esi_id}">{row.meter.esi_id}</a></td>'
    if column is Column.NUMBER:
        return f'<td><span class="id">{row.meter.number}</span></td>'
    return f"<td>{escape(text_of(row, column))}</td>"
