"""A report of one meter in any format: its text, or the file of its rows."""

from collections.abc import AsyncIterator, Iterable
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


async def text(sources: Sources, meter: VisibleMeter, asked: Asked) -> AsyncIterator[str]:
    """The text of a report in a format that is text; in CSV the first piece is the header.

    The iteration raises BadInput for a value that no interval file can hold.
    """
    if asked.report is Report.DAILY_USAGE:
        async for piece in daily_usage.report(sources.intervals, meter, asked):
            yield piece
        return
    columns = COLUMNS[asked.report]
    if asked.format is Format.CSV:
        yield csv_text.first_line(columns)
    async for found in rows_of(sources, asked.report, meter, asked.span):
        if asked.format is Format.CSV:
            yield csv_text.lines(columns, found.rows)
        else:
            yield register_json(asked.report, meter, asked.span, found.rows) + "\n"
