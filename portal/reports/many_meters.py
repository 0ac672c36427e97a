"""A report of many meters as one file: a CSV with one header, one JSON object, one workbook, an archive of feeds."""

import asyncio
import json
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import IO, Protocol

from portal.reports.asked import Asked, file_name
from portal.reports.forms import AS_FILES, MEDIA_TYPES, Format, Report, View
from portal.reports.one_meter import TableFile, table_file, told
from portal.reports.rows import Sources, rows_of
from portal.usage.daily_csv import csv_of_many
from portal.usage.report_days import Span
from portal.usage.smt_write import FIRST_LINE
from portal.visibility import VisibleMeter

ZIP_TYPE = "application/zip"
ZIP_DATE = (1980, 1, 1, 0, 0, 0)
"""The time of every entry, so that the same data make the same archive."""


class ReportFile(Protocol):
    """A file that meters are added to; at_once says how many of them together are written fastest."""

    at_once: int

    async def add(self, seen: Sequence[VisibleMeter], span: Span) -> tuple[int, int]:
        """Write the reports of some meters, one after the other.

        Returns how many rows or intervals were written, and how many of them hold anything that was found.
        """
        ...

    async def close(self) -> None:
        """Finish the file."""
        ...


def report_file(target: IO[bytes], sources: Sources, asked: Asked, made_at: datetime, *, many: bool) -> ReportFile:
    """An empty file for a report, of many meters or of one."""
    if asked.format in AS_FILES:
        return _Table(table_file(target, asked, made_at), sources, asked)
    if asked.report is Report.DAILY_USAGE and asked.format is Format.CSV and not asked.utc:
        return _UsageCsv(target, sources)
    if asked.format is Format.GREEN_BUTTON and many:
        return _Archive(target, sources, asked)
    if asked.format is Format.JSON and many:
        return _JsonList(target, sources, asked)
    return _Text(target, sources, asked)


def name_and_type(about: str, asked: Asked, *, many: bool) -> tuple[str, str]:
    """The name and media type of a report's file."""
    name = file_name(about, asked)
    if asked.format is Format.GREEN_BUTTON and many:
        return f"{name.rpartition('.')[0]}.zip", ZIP_TYPE
    return name, MEDIA_TYPES[asked.format]


class _Table:
    """A workbook or a Parquet file. Its library's work is done beside the loop, which meanwhile keeps the lease."""

    at_once = 1

    def __init__(self, table: TableFile, sources: Sources, asked: Asked) -> None:
        self._table, self._sources, self._asked = table, sources, asked

    async def add(self, seen: Sequence[VisibleMeter], span: Span) -> tuple[int, int]:
        """See ReportFile."""
        rows = found = 0
        loop = asyncio.get_running_loop()
        for meter in seen:
            async for piece in rows_of(self._sources, self._asked.report, meter, span):
                await loop.run_in_executor(None, self._table.add, piece.rows)
                rows, found = rows + len(piece.rows), found + piece.found
        return rows, found

    async def close(self) -> None:
        """See ReportFile."""
        await asyncio.get_running_loop().run_in_executor(None, self._table.close)


class _Text:
    """Pieces of text one behind the other; of a CSV the header stands once."""

    at_once = 1

    def __init__(self, target: IO[bytes], sources: Sources, asked: Asked) -> None:
        self._target, self._sources, self._asked = target, sources, asked
        self._has_header = False

    async def add(self, seen: Sequence[VisibleMeter], span: Span) -> tuple[int, int]:
        """See ReportFile."""
        rows = found = 0
        for meter in seen:
            async for piece in told(self._sources, meter, replace(self._asked, span=span)):
                rows, found = rows + piece.rows, found + piece.found
                if not (piece.is_header and self._has_header):
                    self._target.write(piece.text.encode())
                self._has_header = self._has_header or piece.is_header
        return rows, found

    async def close(self) -> None:
        """See ReportFile."""


class _UsageCsv:
    """The CSV of Daily Usage, whose rows the kernel writes for many meters at once."""

    at_once = 100

    def __init__(self, target: IO[bytes], sources: Sources) -> None:
        self._target, self._sources = target, sources
        self._target.write(FIRST_LINE.encode())

    async def add(self, seen: Sequence[VisibleMeter], span: Span) -> tuple[int, int]:
        """See ReportFile."""
        rows, is_header = 0, True
        async for piece in csv_of_many(self._sources.intervals, seen, span):
            if not is_header:
                self._target.write(piece)
                rows += piece.count(b"\n")
            is_header = False
        return rows, rows

    async def close(self) -> None:
        """See ReportFile."""


class _JsonList:
    """One object whose `meters` are the objects that each meter has by itself."""

    at_once = 1

    def __init__(self, target: IO[bytes], sources: Sources, asked: Asked) -> None:
        self._target, self._one = target, _Text(target, sources, asked)
        span, view = asked.span, View.VERSIONS if asked.span.every_version else View.CURRENT
        head = {"report": str(asked.report), "start": f"{span.first}", "end": f"{span.last}", "view": str(view)}
        self._between = f'{json.dumps(head, separators=(",", ":"))[:-1]},"meters":[\n'

    async def add(self, seen: Sequence[VisibleMeter], span: Span) -> tuple[int, int]:
        """See ReportFile."""
        rows = found = 0
        for meter in seen:
            self._target.write(self._between.encode())
            self._between = ","
            more = await self._one.add([meter], span)
            rows, found = rows + more[0], found + more[1]
        return rows, found

    async def close(self) -> None:
        """See ReportFile."""
        self._target.write((self._between if self._between != "," else "").encode() + b"]}\n")


class _Archive:
    """A zip archive of a feed for each meter: readers of Green Button take one usage point from a file."""

    at_once = 1

    def __init__(self, target: IO[bytes], sources: Sources, asked: Asked) -> None:
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED)
        self._sources, self._asked = sources, asked

    async def add(self, seen: Sequence[VisibleMeter], span: Span) -> tuple[int, int]:
        """See ReportFile."""
        rows = found = 0
        for meter in seen:
            entry = zipfile.ZipInfo(file_name(meter.esi_id, replace(self._asked, span=span)), ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with self._zip.open(entry, "w", force_zip64=True) as target:
                more = await _Text(target, self._sources, self._asked).add([meter], span)
            rows, found = rows + more[0], found + more[1]
        return rows, found

    async def close(self) -> None:
        """See ReportFile."""
        self._zip.close()
