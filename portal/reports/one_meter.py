"""A report of one meter in any format: its text, or the file of its rows."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Protocol

from portal.reports import csv_text
from portal.reports.asked import Asked
from portal.reports.columns import COLUMNS, Row
from portal.reports.forms import TITLES, Format, Report
from portal.reports.register_json import register_json
from portal.reports.rows import Sources, rows_of
from portal.usage import daily_usage
from portal.visibility import VisibleMeter


class TableFile(Protocol):
    """A file of rows that is finished before its first byte can be sent."""

    def add(self, rows: Iterable[Row]) -> None:
        """Write rows behind those that are there."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


def table_file(target: IO[bytes], asked: Asked, made_at: datetime) -> TableFile:
    """An empty file of the format and the report that are asked for."""
    # Their libraries are large, and most of what runs never writes such a file.
    columns = COLUMNS[asked.report]
    if asked.format is Format.XLSX:
        from portal.reports.xlsx_file import XlsxFile

        return XlsxFile(target, TITLES[asked.report], columns, made_at)
    from portal.reports.parquet_file import ParquetFile

    return ParquetFile(target, columns)


_INTERVAL_SIGNS = {
    Format.CSV: "\n",
    Format.JSON: '{"start":',
    Format.LSE: "\n1",
    Format.GREEN_BUTTON: "<espi:IntervalReading>",
}
"""What stands once for each interval in a text of Daily Usage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A piece of a report's text, how many rows it has, and how many of these hold anything that was found."""

    text: str
    rows: int = 0
    found: int = 0
    is_header: bool = False


async def text(sources: Sources, meter: VisibleMeter, asked: Asked) -> AsyncIterator[str]:
    """The text of a report in a format that is text.

    The iteration raises BadInput for a value that no interval file can hold.
    """
    async for each in told(sources, meter, asked):
        yield each.text


async def told(sources: Sources, meter: VisibleMeter, asked: Asked) -> AsyncIterator[Told]:
    """The same with its counts; the header of a CSV is a piece of its own."""
    is_csv = asked.format is Format.CSV
    if asked.report is Report.DAILY_USAGE:
        is_header, sign = is_csv, _INTERVAL_SIGNS[asked.format]
        async for piece in daily_usage.report(sources.intervals, meter, asked, sources.rules):
            count = 0 if is_header else piece.count(sign)
            yield Told(text=piece, rows=count, found=count, is_header=is_header)
            is_header = False
        return
    columns = COLUMNS[asked.report]
    if is_csv:
        yield Told(text=csv_text.first_line(columns), is_header=True)
    async for made in rows_of(sources, asked.report, meter, asked.span):
        rows = made.rows
        words = csv_text.lines(columns, rows) if is_csv else register_json(asked.report, meter, asked.span, rows) + "\n"
        yield Told(text=words, rows=len(rows), found=made.found)
