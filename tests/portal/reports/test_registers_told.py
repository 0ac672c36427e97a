"""Daily Meter Reads and Monthly Usage in their formats, held against a naive model of the reads that were kept."""

import csv
import hashlib
import io
import json
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import CENTRAL
from portal.reports.asked import Asked
from portal.reports.forms import Format, Report
from portal.reports.one_meter import table_file, text
from portal.reports.rows import Sources, rows_of
from portal.usage.register_files import DailyRead, MonthlyUsage
from portal.usage.registers import RegisterStore
from portal.usage.report_days import Span
from portal.usage.store import SourceFile
from tests.portal.usage.files import METER
from tests.portal.usage.meter_days import INSTANTS
from tests.portal.usage.reports import NOW, SEEN, store_at

FIRST = date(2026, 3, 6)
SPAN = 5
WH = st.none() | st.integers(0, 999_999_999_999)
DAYS = st.integers(-1, SPAN).map(lambda back: FIRST + timedelta(days=back))


def daily_reads() -> st.SearchStrategy[list[DailyRead]]:
    one = st.builds(
        DailyRead,
        esi_id=st.just(METER),
        read_date=DAYS,
        revised_at=st.none() | INSTANTS,
        start_wh=WH,
        end_wh=WH,
        usage_wh=WH,
    )
    return st.lists(one, max_size=6, unique_by=lambda read: read.read_date)


def monthly_usage() -> st.SearchStrategy[list[MonthlyUsage]]:
    one = st.builds(
        MonthlyUsage,
        esi_id=st.just(METER),
        start_date=DAYS,
        end_date=DAYS.map(lambda day: day + timedelta(days=30)),
        revised_at=st.none() | INSTANTS,
        actual_wh=WH,
        metered_w=WH,
        billed_w=WH,
        metered_va=WH,
        billed_va=WH,
    )
    return st.lists(one, max_size=6, unique_by=lambda read: read.start_date)


async def told(files: list[list[Any]], kind: type[Any], report: Report, *, every_version: bool) -> dict[Format, bytes]:
    """A report of files of reads in each of its formats."""
    span = Span(first=FIRST, last=FIRST + timedelta(days=SPAN - 1), every_version=every_version)
    made: dict[Format, bytes] = {}
    with TemporaryDirectory() as folder:
        async with store_at(Path(folder) / "usage.db") as store:
            registers = RegisterStore(store._database)
            for number, file in enumerate(files):
                sha256 = hashlib.sha256(f"{number}".encode()).hexdigest()
                source = SourceFile(name=f"{number}", sha256=sha256, received_at=NOW + timedelta(seconds=number))
                await registers.load(source, kind, lambda file=file: iter(file))  # type: ignore[misc]  # each its own
            sources = Sources(intervals=store, registers=registers)
            for each in (Format.CSV, Format.JSON):
                asked = Asked(report=report, span=span, format=each)
                made[each] = "".join([piece async for piece in text(sources, SEEN, asked)]).encode()
            for each in (Format.XLSX, Format.PARQUET):
                target = io.BytesIO()
                table = table_file(target, Asked(report=report, span=span, format=each), NOW)
                async for piece in rows_of(sources, report, SEEN, span):
                    table.add(piece.rows)
                table.close()
                made[each] = target.getvalue()
    return made


def model(files: list[list[Any]], day_of: Any, *, every_version: bool) -> list[tuple[int, Any]]:
    """Version and read of what a report holds, by date, the newest first; a read that repeats another is no version."""
    kept: dict[date, list[tuple[int, Any]]] = {}
    for version, file in enumerate(files, 1):
        for read in file:
            known = kept.setdefault(day_of(read), [])
            if not known or known[-1][1] != read:
                known.append((version, read))
    inside = [day for day in sorted(kept) if FIRST <= day < FIRST + timedelta(days=SPAN)]
    return [each for day in inside for each in (kept[day][::-1] if every_version else kept[day][-1:])]


def text_cell(value: Any) -> str:
    """A value as the CSV says it."""
    if value is None:
        return "N/A"
    if isinstance(value, datetime):
        return value.astimezone(CENTRAL).strftime("%m/%d/%Y %H:%M:%S")
    if isinstance(value, date):
        return value.strftime("%m/%d/%Y")
    return f"{value // 1000}.{value % 1000:03d}"


def sheet_cell(value: Any) -> Any:
    """A value as a sheet holds it."""
    if isinstance(value, datetime):
        return value.astimezone(CENTRAL).replace(tzinfo=None)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001  # a sheet's dates have no zone
    return "N/A" if value is None else value / 1000


def rows_of_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode())))


def rows_of_sheet(data: bytes) -> list[tuple[Any, ...]]:
    (sheet,) = openpyxl.load_workbook(io.BytesIO(data)).worksheets
    return list(sheet.iter_rows(values_only=True))


@pytest.mark.parametrize("every_version", [False, True])
@given(files=st.lists(daily_reads(), max_size=3))
@settings(max_examples=15, deadline=None)
async def test_rpt_13_daily_reads_have_a_row_for_every_day_and_na_for_what_is_missing(
    files: list[list[DailyRead]], every_version: bool
) -> None:
    """RPT-13: "N/A where start or end read is missing"."""
    made = await told(files, DailyRead, Report.DAILY_READS, every_version=every_version)
    found = model(files, lambda read: read.read_date, every_version=every_version)
    by_day = {read.read_date for _, read in found}
    rows: list[tuple[int | None, tuple[Any, ...]]] = [
        (version, (read.read_date, read.revised_at, read.start_wh, read.end_wh, read.usage_wh))
        for version, read in found
    ]
    days = [FIRST + timedelta(days=number) for number in range(SPAN)]
    rows += [(None, (day, None, None, None, None)) for day in days if day not in by_day]
    rows.sort(key=lambda row: (row[1][0], -(row[0] or 0)))
    header, *lines = rows_of_csv(made[Format.CSV])
    assert header == ["ESIID", "READ_DATE", "REVISION_DATE", "START_READING", "END_READING", "USAGE_KWH"]
    assert lines == [[f"'{METER}", *map(text_cell, row)] for _, row in rows]
    sheet = rows_of_sheet(made[Format.XLSX])
    assert sheet == [tuple(header), *((METER, *map(sheet_cell, row)) for _, row in rows)]
    names = ("read_date", "revised_at", "start_wh", "end_wh", "usage_wh")
    table = pq.read_table(io.BytesIO(made[Format.PARQUET])).to_pylist()
    assert [(each["version"], tuple(each[name] for name in names)) for each in table] == rows
    object_ = json.loads(made[Format.JSON])
    assert (object_["esi_id"], object_["view"]) == (METER, "versions" if every_version else "current")
    assert [(each["version"], each["read_date"], each["end_wh"]) for each in object_["reads"]] == [
        (version, row[0].isoformat(), row[3]) for version, row in rows
    ]


@pytest.mark.parametrize("every_version", [False, True])
@given(files=st.lists(monthly_usage(), max_size=3))
@settings(max_examples=15, deadline=None)
async def test_rpt_14_monthly_usage_is_what_was_reported_and_na_for_what_was_not(
    files: list[list[MonthlyUsage]], every_version: bool
) -> None:
    """RPT-14: "it is what the TDSP reports to the REP; N/A where kWh missing"."""
    made = await told(files, MonthlyUsage, Report.MONTHLY_USAGE, every_version=every_version)
    found = model(files, lambda read: read.start_date, every_version=every_version)
    rows = [
        (
            version,
            (
                read.start_date, read.end_date, read.revised_at, read.actual_wh, read.metered_w, read.billed_w,
                read.metered_va, read.billed_va,
            ),
        )
        for version, read in found
    ]  # fmt: skip
    header, *lines = rows_of_csv(made[Format.CSV])
    assert ",".join(header) == (
        "ESIID,START_DATE,END_DATE,REVISION_DATE,ACTUAL_KWH,METERED_KW,BILLED_KW,METERED_KVA,BILLED_KVA"
    )
    assert lines == [[f"'{METER}", *map(text_cell, row)] for _, row in rows]
    assert rows_of_sheet(made[Format.XLSX])[1:] == [(METER, *map(sheet_cell, row)) for _, row in rows]
    table = pq.read_table(io.BytesIO(made[Format.PARQUET])).to_pylist()
    names = (
        "start_date", "end_date", "revised_at", "actual_wh", "metered_w", "billed_w", "metered_va", "billed_va",
    )  # fmt: skip
    assert [(each["version"], tuple(each[name] for name in names)) for each in table] == rows
    periods = json.loads(made[Format.JSON])["periods"]
    assert [(each["version"], each["start_date"], each["actual_wh"]) for each in periods] == [
        (version, row[0].isoformat(), row[3]) for version, row in rows
    ]
