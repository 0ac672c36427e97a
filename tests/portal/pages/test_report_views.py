"""What a usage report's page tells: each version's source and step, absent months, and few questions for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from portal.pages.bar_chart import Period, bar_chart
from portal.pages.chart import WIDTH
from portal.pages.version_steps import MOST_RUNS, versions_of
from portal.usage.intervals import Channel, MeterDay
from portal.usage.register_files import MonthlyUsage
from portal.usage.store import SourceFile, StoredDay
from tests.portal.pages.desk import signed_in
from tests.portal.pages.house import House
from tests.portal.world import esi

DAY, AUTUMN = date(2026, 6, 10), date(2025, 11, 2)
HERE = f"/usage/meters/{esi(1)}/report"
CAME = datetime(2026, 6, 12, tzinfo=UTC)


def version(number: int, values: list[int | None], estimated: set[int] = frozenset(), day: date = DAY) -> StoredDay:  # type: ignore[assignment]  # it is only read
    """A day in one version."""
    flags = tuple(place in estimated for place in range(len(values)))
    data = MeterDay(
        esi_id=esi(1), day=day, channel=Channel.CONSUMPTION, revised_at=None, values=tuple(values), estimated=flags
    )
    return StoredDay(version=number, received_at=CAME + timedelta(days=number), data=data)


def changed(values: list[int | None], **places: int | None) -> list[int | None]:
    """The same values but for some places, p7=5."""
    told = {int(name[1:]): value for name, value in places.items()}
    return [told.get(place, value) for place, value in enumerate(values)]


def test_each_version_is_named_with_its_source_and_told_by_its_step_from_the_one_before() -> None:
    plain: list[int | None] = [100] * 96
    first, second = changed(plain, p7=None), changed(plain, p8=150, p9=None)
    third = changed(second, p8=120, p40=90)
    days = [version(9, third), version(4, second, {8}), version(1, first)]
    told = versions_of(days, {1: "one.csv", 4: "four.csv"})
    newest, middle, oldest = told.steps
    assert [(each.version, each.source) for each in told.steps] == [(9, "N/A"), (4, "four.csv"), (1, "one.csv")]
    assert (oldest.changed, oldest.step, oldest.where) == (None, "", "")
    assert (middle.changed, middle.step, middle.where) == (3, "+50 Wh", "01:45 to 02:30")
    assert middle.notes == ["1 came", "1 went missing", "1 actual, now estimated"]
    assert (newest.changed, newest.step, newest.where) == (2, "-40 Wh", "02:00 to 02:15, 10:00 to 10:15")
    assert newest.notes == ["1 estimated, now actual"]
    rows = {row.hours: [(cell.value, cell.changed, cell.step) for cell in row.cells] for row in told.rows}
    assert rows["02:00 to 02:15"] == [("0.120", True, "-30 Wh"), ("0.150 E", True, "+50 Wh"), ("0.100", False, "")]
    assert rows["01:45 to 02:00"] == [("0.100", False, ""), ("0.100", True, ""), ("N/A", False, "")]
    assert list(rows) == ["01:45 to 02:00", "02:00 to 02:15", "02:15 to 02:30", "10:00 to 10:15"]


def test_a_step_of_many_places_names_the_first_and_counts_the_rest() -> None:
    old: list[int | None] = [100] * 100
    new: list[int | None] = [100 + place % 2 for place in range(100)]
    (newest, _) = versions_of([version(2, new, day=AUTUMN), version(1, old, day=AUTUMN)], {}).steps
    assert newest.where.startswith("00:15 to 00:30, 00:45 to 01:00 CDT, 01:15 CDT to 01:30 CDT")
    assert newest.where.endswith(f" and {50 - MOST_RUNS} more")
    assert (newest.changed, newest.step) == (50, "+50 Wh")


def test_a_version_of_the_same_values_changed_nothing() -> None:
    same: list[int | None] = [5] * 96
    told = versions_of([version(2, same), version(1, same)], {})
    assert told.rows == []
    assert (told.steps[0].changed, told.steps[0].step) == (0, "±0 Wh")


def test_no_label_of_a_figure_is_cut_at_its_edge() -> None:
    svg = bar_chart([Period(f"{month:02}/2026", 5) for month in range(1, 25)], "Months", "months")
    ends = [
        float(part.split('"')[0]) + 7 * 7 / 2
        for part in svg.split('class="axis" x="')[1:]
        if "/2026" in part.split("<")[0]
    ]
    assert len(ends) == 8
    assert max(ends) <= WIDTH


def month(start: date, end: date) -> MonthlyUsage:
    """A billed month."""
    return MonthlyUsage(
        esi_id=esi(1),
        start_date=start,
        end_date=end,
        revised_at=None,
        actual_wh=290_000,
        metered_w=None,
        billed_w=None,
        metered_va=None,
        billed_va=None,
    )


async def test_a_month_without_any_record_is_shown_as_not_available(house: House) -> None:
    billed = [month(date(2025, 12, 31), date(2026, 2, 28)), month(date(2026, 5, 2), date(2026, 6, 1))]
    source = SourceFile(name="billing.csv", sha256="a" * 64, received_at=house.clock.now())
    await house.registers.load(source, MonthlyUsage, lambda: iter(billed))
    browser = await signed_in(house)
    query = "report=monthly_usage&view=versions&start=2025-12-15&end=2026-06-10"
    page = (await browser.get(f"{HERE}?{query}")).text
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    assert [row[: len("03/01/2026")] for row in body.split("<tr><td>")[1:]] == [
        "12/31/2025",
        "03/01/2026",
        "04/01/2026",
        "05/02/2026",
    ]
    assert body.count("billing.csv") == 2
    assert "4 bars, 2 not available" in page


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are asked of intervals meanwhile."""
    asked: list[str] = []

    def note(*told: Any) -> None:
        statement = str(told[2])
        if any(name in statement for name in ("_blocks", "sealed_months", "source_files", "usage_meters")):
            asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield asked
    event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize(("view", "most"), [("current", 5), ("versions", 6)])
async def test_a_page_of_a_report_asks_little_of_the_intervals(house: House, view: str, most: int) -> None:
    day = version(1, [5] * 96).data
    for ago in range(9):
        await house.report(MeterDay(**{**_fields(day), "day": DAY - timedelta(days=ago)}))
    browser = await signed_in(house)
    query = f"report=daily_usage&view={view}&start={DAY - timedelta(days=9)}&end={DAY}"
    with counted() as asked:
        page = await browser.get(f"{HERE}?{query}")
    assert "0.480" in page.text
    assert 1 <= len(asked) <= most, asked


def _fields(day: MeterDay) -> dict[str, Any]:
    return {name: getattr(day, name) for name in day.__slots__}


async def test_a_read_that_a_report_asks_for_leads_back_to_that_report(house: House) -> None:
    browser = await signed_in(house)
    address = f"{HERE}?report=daily_usage&view=current&start=2026-06-01&end=2026-06-10&page=2026-06-03"
    page = await browser.get(address)
    after = await browser.send(page, f"/usage/meters/{esi(1)}/reads", {})
    assert str(after.url).endswith(address)
    assert f'<a href="{address.replace("&", "&amp;")}">Click here</a>' in after.text
    request = await house.bus.request()
    await house.desk.handle([house.answers().done(request)])
    refused = await browser.send(page, f"/usage/meters/{esi(1)}/reads", {})
    assert refused.status_code == 429
    assert f'<a href="{address.replace("&", "&amp;")}">Back to the report</a>' in refused.text


@pytest.mark.parametrize(
    "back", ["https://example.com/", "//example.com", "/usage/orders", f"/usage/meters/{esi(2)}/report", "\x00"]
)
async def test_a_read_leads_back_to_nothing_but_the_meters_own_report(house: House, back: str) -> None:
    browser = await signed_in(house)
    page = await browser.get(HERE)
    after = await browser.send(page, f"/usage/meters/{esi(1)}/reads", {"back": back})
    assert after.url.path == f"/usage/meters/{esi(1)}"
