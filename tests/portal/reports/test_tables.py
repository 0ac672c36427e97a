"""Daily Usage as a workbook and as Parquet, read back with other libraries and held against what was stored."""

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import CENTRAL, central_midnight
from portal.reports.asked import Asked
from portal.reports.columns import COLUMNS, Column, Kind, Row
from portal.reports.forms import Format, Report
from portal.reports.one_meter import TableFile, table_file
from portal.reports.parquet_file import ParquetFile
from portal.reports.rows import Sources, rows_of
from portal.reports.xlsx_file import XlsxFile
from portal.usage.intervals import MeterDay
from portal.usage.registers import RegisterStore
from portal.usage.report_days import Span
from portal.usage.smt_write import CHANNEL_NAMES
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import StoredDay
from tests.portal.usage.files import FALL, METER, SPRING, meter_day
from tests.portal.usage.meter_days import meter_days
from tests.portal.usage.reports import NOW, SEEN, keep, span_of, store_at

QUARTER = timedelta(minutes=15)
FILE = st.lists(
    meter_days().map(lambda day: replace(day, esi_id=METER)),
    min_size=1,
    max_size=3,
    unique_by=lambda day: (day.day, day.channel),
)


@st.composite
def files(draw: st.DrawFn) -> list[list[MeterDay]]:
    """Two files of one meter, the second of which revises some of the first; the days of the change among them."""
    found = draw(st.lists(FILE, min_size=1, max_size=2))
    change = [meter_day([3] * 92, SPRING), meter_day([None, *[5] * 99], FALL)]
    again = [replace(day, values=tuple(None if wh is None else wh // 2 for wh in day.values)) for day in found[0]]
    return [*found, again, change]


async def table(store: SqlIntervalStore, asked: Asked) -> bytes:
    """A whole table as its file's bytes."""
    target = io.BytesIO()
    file: TableFile = table_file(target, asked, NOW)
    sources = Sources(intervals=store, registers=RegisterStore(store._database))
    async for piece in rows_of(sources, asked.report, SEEN, asked.span):
        file.add(piece.rows)
    file.close()
    return target.getvalue()


async def both(
    given_files: Sequence[Sequence[MeterDay]], written_as: Format, *, every_version: bool
) -> tuple[list[StoredDay], bytes]:
    """What a store holds of some files, and the table of it."""
    span = span_of([day.day for file in given_files for day in file], every_version=every_version)
    with TemporaryDirectory() as folder:
        async with store_at(Path(folder) / "usage.db") as store:
            await keep(store, given_files)
            stored = await (store.versions if every_version else store.current)(METER, span.first, span.last)
            made = await table(store, Asked(span=span, format=written_as))
    ordered = sorted(stored, key=lambda each: (each.data.day, each.data.channel, -each.version))
    return ordered, made


def expected_parquet(days: Sequence[StoredDay]) -> list[dict[str, Any]]:
    """The rows of a Parquet file, by the naive reading of each meter-day."""
    return [
        {
            "esi_id": str(METER),
            "day": each.data.day,
            "revised_at": each.data.revised_at,
            "wh": wh,
            "estimated": None if wh is None else each.data.estimated[place],
            "channel": CHANNEL_NAMES[each.data.channel],
            "start": central_midnight(each.data.day) + place * QUARTER,
            "version": each.version,
            "received_at": each.received_at,
        }
        for each in days
        for place, wh in enumerate(each.data.values)
    ]


def expected_sheet(days: Sequence[StoredDay]) -> list[tuple[Any, ...]]:
    """The rows of a sheet, by the naive reading of each meter-day."""
    rows: list[tuple[Any, ...]] = []
    for each in days:
        revised = each.data.revised_at
        told = revised.astimezone(CENTRAL).replace(tzinfo=None) if revised else "N/A"
        for place, wh in enumerate(each.data.values):
            start = central_midnight(each.data.day) + place * QUARTER
            here, there = start.astimezone(CENTRAL), (start + QUARTER).astimezone(CENTRAL)
            rows.append(
                (
                    str(METER),
                    datetime.combine(each.data.day, time()),
                    told,
                    here.time(),
                    there.time(),
                    "N/A" if wh is None else wh / 1000,
                    "N/A" if wh is None else "AE"[each.data.estimated[place]],
                    CHANNEL_NAMES[each.data.channel],
                    start.replace(tzinfo=None),
                    here.isoformat()[-6:],
                )
            )
    return rows


def sheets(data: bytes) -> list[list[tuple[Any, ...]]]:
    """The rows of each sheet of a workbook."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    return [list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets]


@pytest.mark.parametrize("every_version", [False, True])
@given(given_files=files())
@settings(max_examples=12, deadline=None)
async def test_parquet_holds_every_interval_in_utc_and_integer_wh(
    given_files: list[list[MeterDay]], every_version: bool
) -> None:
    days, data = await both(given_files, Format.PARQUET, every_version=every_version)
    found = pq.read_table(io.BytesIO(data))
    assert found.to_pylist() == expected_parquet(days)
    assert found.schema.field("wh").type == pa.int64()
    assert found.schema.field("start").type == pa.timestamp("us", tz="UTC")


@pytest.mark.parametrize("every_version", [False, True])
@given(given_files=files())
@settings(max_examples=6, deadline=None)
async def test_a_sheet_holds_real_dates_and_numbers_and_na_where_nothing_is(
    given_files: list[list[MeterDay]], every_version: bool
) -> None:
    days, data = await both(given_files, Format.XLSX, every_version=every_version)
    (sheet,) = sheets(data)
    assert sheet[0] == tuple(column.header for column in COLUMNS[Report.DAILY_USAGE] if column.header)
    assert sheet[1:] == expected_sheet(days)


async def test_the_same_data_make_the_same_file(tmp_path: Path) -> None:
    async with store_at(tmp_path / "usage.db") as store:
        await keep(store, [[meter_day()]])
        for written_as in (Format.XLSX, Format.PARQUET):
            asked = Asked(span=Span(first=date(2026, 5, 1), last=date(2026, 5, 31)), format=written_as)
            assert await table(store, asked) == await table(store, asked)


COLUMNS_OF_TWO = (
    Column(header="ESIID", field="esi_id", kind=Kind.ESI_ID),
    Column(header="NOTE", field="note", kind=Kind.TEXT),
)
ROWS: list[Row] = [(METER, f"={number}+1") for number in range(10)]


def test_a_full_sheet_is_followed_by_another_with_its_own_header() -> None:
    target = io.BytesIO()
    book = XlsxFile(target, "Daily Usage", COLUMNS_OF_TWO, NOW, most_rows=5)
    book.add(ROWS)
    book.close()
    found = openpyxl.load_workbook(io.BytesIO(target.getvalue()))
    assert found.sheetnames == ["Daily Usage", "Daily Usage 2", "Daily Usage 3"]
    held = [list(sheet.iter_rows(values_only=True)) for sheet in found.worksheets]
    assert [len(each) for each in held] == [5, 5, 3]
    assert {each[0] for each in held} == {("ESIID", "NOTE")}
    assert [row for each in held for row in each[1:]] == [(METER, f"={number}+1") for number in range(10)]
    assert {sheet.freeze_panes for sheet in found.worksheets} == {"A2"}


def test_texts_of_a_sheet_are_texts_and_never_formulas() -> None:
    target = io.BytesIO()
    book = XlsxFile(target, "Daily Usage", COLUMNS_OF_TWO, NOW)
    book.add(ROWS)
    book.close()
    with ZipFile(io.BytesIO(target.getvalue())) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert f'<c r="A2" t="inlineStr"><is><t>{METER}</t></is></c>' in sheet


def test_row_groups_of_parquet_are_bounded() -> None:
    target = io.BytesIO()
    file = ParquetFile(target, COLUMNS_OF_TWO, rows_in_group=4)
    file.add(ROWS[:3])
    file.add(ROWS[3:])
    file.close()
    found = pq.ParquetFile(io.BytesIO(target.getvalue()))
    assert [found.metadata.row_group(number).num_rows for number in range(found.num_row_groups)] == [4, 4, 2]
    assert found.read().column("note").to_pylist() == [row[1] for row in ROWS]


def test_an_empty_table_is_a_whole_file_with_its_columns() -> None:
    target = io.BytesIO()
    file = ParquetFile(target, COLUMNS[Report.DAILY_READS])
    file.close()
    found = pq.read_table(io.BytesIO(target.getvalue()))
    assert found.num_rows == 0
    assert found.column_names[:3] == ["esi_id", "read_date", "revised_at"]
    assert NOW.tzinfo is UTC
