"""Rows of a table as an Excel workbook: real dates and numbers, ESI IDs as text, and more sheets where one is full."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import IO, Any

import xlsxwriter

from gateway.clock import CENTRAL
from portal.reports.columns import MISSING, Column, Kind, Row

MOST_ROWS = 1_048_576
"""What a sheet of Excel holds, its header included."""
_FORMATS = {
    Kind.DATE: "mm/dd/yyyy",
    Kind.LOCAL: "mm/dd/yyyy hh:mm:ss",
    Kind.UTC: "yyyy-mm-dd hh:mm:ss",
    Kind.CLOCK: "hh:mm",
    Kind.THOUSANDTHS: "0.000",
    Kind.COUNT: "0",
}
_WIDTHS = {Kind.ESI_ID: 25, Kind.LOCAL: 20, Kind.UTC: 20, Kind.TEXT: 20}
_NARROW = 13


class XlsxFile:
    """A workbook that is written row by row; the memory it needs does not grow with them."""

    def __init__(
        self, target: IO[bytes], title: str, columns: Sequence[Column], made_at: datetime, most_rows: int = MOST_ROWS
    ) -> None:
        self._book = xlsxwriter.Workbook(target, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"})
        self._book.set_properties({"title": title, "created": made_at.astimezone(UTC).replace(tzinfo=None)})
        self._title, self._most_rows = title, most_rows
        self._columns = [(place, column) for place, column in enumerate(columns) if column.header]
        self._formats = {kind: self._book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
        self._bold = self._book.add_format({"bold": True})
        self._right = self._book.add_format({"align": "right"})
        self._sheets = self._row = 0
        self._sheet = self._next_sheet()

    def add(self, rows: Iterable[Row]) -> None:
        """Write rows behind those that are there."""
        for row in rows:
            if self._row == self._most_rows:
                self._sheet = self._next_sheet()
            for at, (place, write) in enumerate(self._writers):
                value = row[place]
                if value is None:
                    self._sheet.write_string(self._row, at, MISSING, self._right)
                else:
                    write(self._row, at, value)
            self._row += 1

    def close(self) -> None:
        """Finish the workbook; nothing may be added after it."""
        self._book.close()

    def _next_sheet(self) -> Any:
        """A further sheet with the header, which stays in sight when one scrolls."""
        self._sheets += 1
        name = self._title if self._sheets == 1 else f"{self._title} {self._sheets}"
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for at, (_, column) in enumerate(self._columns):
            sheet.set_column(at, at, max(_WIDTHS.get(column.kind, _NARROW), len(column.header) + 2))
            sheet.write_string(0, at, column.header, self._bold)
        self._writers = [(place, self._writer(sheet, column.kind)) for place, column in self._columns]
        self._row = 1
        return sheet

    def _writer(self, sheet: Any, kind: Kind) -> Callable[[int, int, Any], object]:
        """How a sheet takes values of a kind. Texts are never looked at for formulas or numbers."""
        style = self._formats.get(kind)
        if kind is Kind.THOUSANDTHS:
            return lambda row, at, value: sheet.write_number(row, at, value / 1000, style)
        if kind is Kind.COUNT:
            return lambda row, at, value: sheet.write_number(row, at, value, style)
        if kind in (Kind.DATE, Kind.CLOCK):
            return lambda row, at, value: sheet.write_datetime(row, at, value, style)
        if kind in (Kind.LOCAL, Kind.UTC):
            zone = CENTRAL if kind is Kind.LOCAL else UTC
            return lambda row, at, value: sheet.write_datetime(
                row, at, value.astimezone(zone).replace(tzinfo=None), style
            )
        if kind is Kind.ESTIMATED:
            return lambda row, at, value: sheet.write_string(row, at, "E" if value else "A")
        return lambda row, at, value: sheet.write_string(row, at, str(value))
