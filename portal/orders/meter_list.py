"""A list of meters, as JSON or as an imported CSV file, to identifiers: pure, every fault named by row and column.

One value a row, all of them ESI IDs or all of them meter numbers; no header, no other text, no comma at the end of a
row (guide 3.1.2, 8.1.2, A.1; IMP-01 to IMP-05, IMP-10).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from gateway.identifiers import EsiId, MeterNumber

MOST_FAULTS = 50
ROUNDED = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]+")
_ENDING = ".csv"
ONE_KIND = "a list holds ESI IDs or meter numbers, not both"


class By(StrEnum):
    """What the values of a list are."""

    ESI_ID = "esi_id"
    METER_NUMBER = "meter_number"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFault:
    """What is wrong with a value, rows and columns counted from 1."""

    row: int
    column: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterList:
    """The identifiers of a list in its order, each once; repeated counts those that came again."""

    by: By
    values: tuple[str, ...]
    repeated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BadList:
    """A list that is refused whole; of many faults the first are told, more counts the others."""

    faults: tuple[ListFault, ...]
    more: int = 0

    @property
    def words(self) -> str:
        """The first fault as a sentence."""
        first, count = self.faults[0], len(self.faults) + self.more
        others = f" There are {count - 1} more faults." if count > 1 else ""
        return f"Row {first.row}, column {first.column}: {first.what}.{others}"


def read_values(values: Iterable[str], by: By, most: int) -> MeterList | BadList:
    """A list that was given as values, one a row."""
    return _checked(((row, [value]) for row, value in enumerate(values, 1)), by, most)


def read_file(name: str, data: bytes, by: By, most: int) -> MeterList | BadList:
    """A list that was given as the bytes of a CSV file with a name."""
    fault = not_csv(name, data)
    if fault is not None:
        return BadList(faults=(fault,))
    rows = re.split("\r\n|\r|\n", data.decode("utf-8-sig"))
    while rows and not rows[-1].strip():
        rows.pop()
    return _checked(((number, row.split(",")) for number, row in enumerate(rows, 1)), by, most)


def not_csv(name: str, data: bytes) -> ListFault | None:
    """Why bytes are no CSV at all, before a row of them is looked at."""
    if not name.lower().endswith(_ENDING):
        return ListFault(row=1, column=1, what="the file's name does not end with .csv: save it as CSV, then import it")
    if data.startswith(b"PK"):
        return ListFault(row=1, column=1, what="the file is a workbook or an archive, not CSV: save it as CSV")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        return ListFault(
            row=1, column=1, what="the file is not plain text in UTF-8: save it as CSV, not as Unicode Text"
        )
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        column = data.count(b",", data.rfind(b"\n", 0, error.start) + 1, error.start) + 1
        return ListFault(row=row, column=column, what="a byte that is not text in UTF-8")
    return None


def _checked(rows: Iterable[tuple[int, list[str]]], by: By, most: int) -> MeterList | BadList:
    faults: list[ListFault] = []
    values: dict[str, None] = {}
    count = 0
    for row, fields in rows:
        count += 1
        here = list(_faults(row, fields, by))
        faults += here
        if not here:
            values[bare(fields[0])] = None
    if not faults and not count:
        faults.append(ListFault(row=1, column=1, what="the list is empty: it needs a row for each meter"))
    if not faults and len(values) > most:
        faults.append(
            ListFault(row=most + 1, column=1, what=f"a list holds at most {most} meters, this one {len(values)}")
        )
    if faults:
        return BadList(faults=tuple(faults[:MOST_FAULTS]), more=max(0, len(faults) - MOST_FAULTS))
    return MeterList(by=by, values=tuple(values), repeated=count - len(values))


def bare(field: str) -> str:
    """A value without what CSV and spreadsheets put around it: blanks, quotes, the apostrophe that makes it a text."""
    field = field.strip()
    if len(field) > 1 and field[0] == field[-1] == '"':
        field = field[1:-1].strip()
    return field.removeprefix("'")


def _faults(row: int, fields: list[str], by: By) -> Iterator[ListFault]:
    """What is wrong with a row."""
    if len(fields) > 1 and not any(field.strip() for field in fields[1:]):
        yield ListFault(row=row, column=2, what="a comma at the end of the row: take it away")
    elif len(fields) > 1:
        yield ListFault(row=row, column=2, what="a second value: a row holds one meter")
    what = _wrong_value(bare(fields[0]), row, by)
    if what is not None:
        yield ListFault(row=row, column=1, what=what)


def _wrong_value(value: str, row: int, by: By) -> str | None:
    """Why a value is no identifier of the list's kind, None if it is one."""
    told = repr(value[:40])
    if not value:
        return "the row is empty"
    if ROUNDED.fullmatch(value):
        return (
            f"{told} is a number that Excel has rounded, and its last digits are lost: "
            "format the column as Text, enter it again and save it as CSV"
        )
    if not any(sign.isdigit() for sign in value):
        return f"{told} is a header, and the list has none" if row == 1 else f"{told} is text and no meter"
    is_esi_id, is_number = EsiId.pattern.fullmatch(value), MeterNumber.pattern.fullmatch(value)
    if by is By.ESI_ID and not is_esi_id:
        if value.isascii() and value.isdigit() and len(value) > 10:
            return f"{told} has {len(value)} digits, and an ESI ID has 17 or 22"
        return f"{told} is not an ESI ID of 17 or 22 digits; {ONE_KIND}" if is_number else f"{told} is not an ESI ID"
    if by is By.METER_NUMBER and is_esi_id:
        return f"{told} is an ESI ID; {ONE_KIND}"
    if by is By.METER_NUMBER and not is_number:
        return f"{told} is not a meter number of 1 to 20 letters, digits or hyphens"
    return None
