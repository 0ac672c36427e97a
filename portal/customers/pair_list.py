"""A CSV file of meters to add, to pairs: two values a row, the ESI ID and the meter number (pure; A.1, IMP-09)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from portal.customers.pairs import Pair, read_pair
from portal.locales.catalogues import N_
from portal.orders.meter_list import MOST_FAULTS, ROUNDED, BadList, ListFault, bare, not_csv

MOST_PAIRS = 100
_EXCEL = N_(
    "this is a number that Excel has rounded, and its last digits are lost: format the column as Text, enter it again "
    "and save it as CSV"
)
_NOT_ESI_ID = N_("this is not an ESI ID of 17 or 22 digits")
_NOT_NUMBER = N_("this is not a meter number of 1 to 20 letters, digits or hyphens")
_MISSING = N_("the meter number is missing: a row is an ESI ID and a meter number")
_THIRD = N_("a third value, or a comma at the end of the row: take it away")
_NOTHING = N_("the row is empty")
_NO_ROWS = N_("the list is empty: it needs a row for each meter")


@dataclass(frozen=True, slots=True, kw_only=True)
class PairList:
    """The pairs of a file in its order, each once."""

    pairs: tuple[Pair, ...]


def read_pairs(name: str, data: bytes) -> PairList | BadList:
    """A list that was given as the bytes of a CSV file with a name; every fault is named by row and column."""
    fault = not_csv(name, data)
    if fault is not None:
        return BadList(faults=(fault,))
    rows = re.split("\r\n|\r|\n", data.decode("utf-8-sig"))
    while rows and not rows[-1].strip():
        rows.pop()
    faults: list[ListFault] = []
    pairs: dict[Pair, None] = {}
    for number, row in enumerate(rows, 1):
        fields = [bare(field) for field in row.split(",")]
        here = list(_faults(number, fields))
        faults += here
        if not here:
            pair = read_pair(fields[0], fields[1])
            assert isinstance(pair, Pair), "its faults are none"
            pairs[pair] = None
    if not rows:
        faults.append(ListFault(row=1, column=1, what=_NO_ROWS))
    if len(pairs) > MOST_PAIRS:
        what = f"a list holds at most {MOST_PAIRS} meters, this one {len(pairs)}"
        faults.append(ListFault(row=MOST_PAIRS + 1, column=1, what=what))
    if faults:
        return BadList(faults=tuple(faults[:MOST_FAULTS]), more=max(0, len(faults) - MOST_FAULTS))
    return PairList(pairs=tuple(pairs))


def _faults(row: int, fields: list[str]) -> Iterator[ListFault]:
    """What is wrong with a row."""
    if not any(fields):
        yield ListFault(row=row, column=1, what=_NOTHING)
        return
    if len(fields) < 2:
        yield ListFault(row=row, column=2, what=_MISSING)
    if len(fields) > 2:
        yield ListFault(row=row, column=3, what=_THIRD)
    faults = read_pair(fields[0], fields[1] if len(fields) > 1 else "1")
    for column, field, words in ((1, "esi_id", _NOT_ESI_ID), (2, "meter_number", _NOT_NUMBER)):
        if isinstance(faults, dict) and field in faults:
            what = _EXCEL if ROUNDED.fullmatch(fields[column - 1]) else words
            yield ListFault(row=row, column=column, what=what)
