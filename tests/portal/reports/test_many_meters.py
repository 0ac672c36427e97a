"""Reports of many meters as one file say what those of each meter say, and nothing twice."""

import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from zipfile import ZipFile

import pytest

from portal.reports.asked import Asked
from portal.reports.forms import Format, Report
from portal.reports.many_meters import name_and_type, report_file
from portal.reports.one_meter import text
from portal.reports.rows import Sources
from portal.usage.registers import RegisterStore
from portal.usage.report_days import Span
from tests.portal.usage.files import FALL, METER, OTHER, SPRING, file_of, meter_day, read
from tests.portal.usage.lse_files import read_lse
from tests.portal.usage.reports import NOW, SEEN, keep, store_at

SPAN = Span(first=date(2025, 11, 1), last=date(2026, 3, 31))
MANY = [replace(SEEN, esi_id=OTHER), SEEN]
FILES = [
    [
        meter_day([number + 1 for number in range(100)], FALL, METER),
        meter_day([number + 7 for number in range(92)], SPRING, OTHER),
        meter_day([None, *range(91)], SPRING, METER),
    ]
]


async def written(
    folder: Path, written_as: Format, *, utc: bool = False, many: bool = True, report: Report = Report.DAILY_USAGE
) -> tuple[bytes, list[str], tuple[int, int]]:
    """A file of two meters, the texts of each by itself, and the counts."""
    asked = Asked(report=report, span=SPAN, format=written_as, utc=utc)
    async with store_at(folder / "usage.db") as store:
        await keep(store, FILES)
        sources = Sources(intervals=store, registers=RegisterStore(store._database))
        target = io.BytesIO()
        file = report_file(target, sources, asked, NOW, many=many)
        rows = found = 0
        for meter in MANY:
            more = await file.add([meter], SPAN)
            rows, found = rows + more[0], found + more[1]
        await file.close()
        alone = ["".join([piece async for piece in text(sources, meter, asked)]) for meter in MANY]
    return target.getvalue(), alone, (rows, found)


@pytest.mark.parametrize("utc", [False, True])
async def test_a_csv_has_one_header(tmp_path: Path, utc: bool) -> None:
    data, alone, counts = await written(tmp_path, Format.CSV, utc=utc)
    header = alone[0].splitlines(keepends=True)[0]
    assert data.decode() == header + "".join(each.removeprefix(header) for each in alone)
    assert counts == (284, 284)
    if not utc:
        assert read(data) == read(file_of(data.decode().splitlines()[1:]))


async def test_lse_is_a_block_behind_the_other(tmp_path: Path) -> None:
    data, alone, counts = await written(tmp_path, Format.LSE)
    assert data.decode() == "".join(alone)
    assert len(read_lse(data)) == 3
    assert counts == (284, 284)


async def test_json_is_one_object_of_what_each_meter_has(tmp_path: Path) -> None:
    data, alone, counts = await written(tmp_path, Format.JSON)
    told = json.loads(data)
    assert {name: told[name] for name in ("report", "start", "end", "view")} == {
        "report": "daily_usage",
        "start": "2025-11-01",
        "end": "2026-03-31",
        "view": "current",
    }
    assert told["meters"] == [json.loads(each) for each in alone]
    assert counts == (284, 284)


async def test_json_of_no_meter_is_a_whole_object(tmp_path: Path) -> None:
    asked = Asked(span=SPAN, format=Format.JSON)
    target = io.BytesIO()
    async with store_at(tmp_path / "usage.db") as store:
        sources = Sources(intervals=store, registers=RegisterStore(store._database))
        file = report_file(target, sources, asked, NOW, many=True)
        await file.close()
    assert json.loads(target.getvalue())["meters"] == []


async def test_green_button_is_an_archive_of_the_feeds(tmp_path: Path) -> None:
    data, alone, counts = await written(tmp_path, Format.GREEN_BUTTON)
    with ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert [archive.read(name).decode() for name in names] == alone
    assert names == [f"daily-usage_{each.esi_id}_2025-11-01_2026-03-31_current.xml" for each in MANY]
    assert counts == (283, 283)  # a missing value has no reading


def test_an_archive_is_named_as_one() -> None:
    asked = Asked(span=SPAN, format=Format.GREEN_BUTTON)
    name = "daily-usage_order-7_2025-11-01_2026-03-31_current"
    assert name_and_type("order-7", asked, many=True) == (f"{name}.zip", "application/zip")
    assert name_and_type("order-7", asked, many=False)[0] == f"{name}.xml"


async def test_days_without_a_read_are_rows_that_hold_nothing(tmp_path: Path) -> None:
    data, _, counts = await written(tmp_path, Format.CSV, report=Report.DAILY_READS)
    assert counts == (302, 0)
    assert len(data.splitlines()) == 303
