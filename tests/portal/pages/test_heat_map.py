"""Heat maps of a month and reports beside the period before: exact on days of 92 and 100 quarter hours."""

from datetime import date, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import intervals_in
from portal.pages.comparing import Against, beside, compared, day_against, difference, percentage, year_before
from portal.pages.heat_map import LEVELS, heat_map, level_of, step_of
from portal.usage.intervals import MeterDay
from portal.usage.register_files import MonthlyUsage
from portal.usage.store import SourceFile
from tests.portal.pages.desk import signed_in
from tests.portal.pages.house import House
from tests.portal.pages.test_day_card import AUTUMN, PLAIN, SPRING, SVG, day_with
from tests.portal.world import esi

HERE = f"/usage/meters/{esi(1)}/report"


def month_around(day: date) -> list[tuple[date, MeterDay | None]]:
    """Three days, the middle one of which is the day; each quarter hour has its place as Wh."""
    days = [day + timedelta(days=ago) for ago in (-1, 0, 1)]
    return [(each, day_with(each, tuple(range(intervals_in(each))))) for each in days]


@pytest.mark.parametrize(("day", "count", "columns"), [(PLAIN, 96, 96), (SPRING, 92, 96), (AUTUMN, 100, 100)])
def test_each_day_has_a_cell_for_each_of_its_quarter_hours_and_no_other(day: date, count: int, columns: int) -> None:
    told = heat_map(month_around(day), by_hour=False)
    assert told is not None
    assert len(told.heads) == columns
    cells = [[cell for cell in row if cell != "\N{EN DASH}"] for _, row in told.rows]
    assert [len(row) for row in cells] == [96, count, 96]
    assert cells[1] == [f"0.{place:03}" for place in range(count)]
    assert told.svg.count("data-at=") == 96 + count + 96
    root = ElementTree.fromstring(told.svg.replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" '))
    titles = [title.text for title in root.iter(f"{SVG}title")][1:]
    assert len(titles) == len(set(titles)) == 96 + count + 96


@pytest.mark.parametrize(("day", "count"), [(PLAIN, 24), (SPRING, 23), (AUTUMN, 25)])
def test_hours_are_sums_of_their_four_quarter_hours(day: date, count: int) -> None:
    told = heat_map(month_around(day), by_hour=True)
    assert told is not None
    cells = [cell for cell in told.rows[1][1] if cell != "\N{EN DASH}"]
    assert cells == [f"0.{4 * 4 * hour + 6:03}" for hour in range(count)]
    assert ("01:00 again" in told.heads) == (day == AUTUMN)


def test_what_is_missing_is_hatched_and_what_is_estimated_is_dotted() -> None:
    values = (None, 5, 5, 5, 7, *(1,) * 91)
    day = day_with(PLAIN, values, (False, True, *(False,) * 94))
    told = heat_map([(PLAIN, day), (PLAIN + timedelta(days=1), None)], by_hour=False)
    assert told is not None
    assert told.rows[0][1][:3] == ["N/A", "0.005 E", "0.005"]
    assert told.rows[1][1] == ["N/A"] * 96
    assert told.svg.count('fill="url(#use-gap)"') == 1 + 96 + 1, "and once in the legend"
    assert told.svg.count('class="mark"') == 1 + 1
    assert "00:15 to 00:30, 0.005 kWh, estimated</title>" in told.svg
    assert "00:00 to 00:15, N/A, missing</title>" in told.svg
    by_hour = heat_map([(PLAIN, day)], by_hour=True)
    assert by_hour is not None
    assert by_hour.rows[0][1][:2] == ["N/A", "0.010"], "an hour that lacks a quarter hour is no hour"
    assert heat_map([(PLAIN, None)], by_hour=False) is None


@given(st.integers(0, 10**9))
def test_shades_reach_the_highest_value_and_are_used(highest_wh: int) -> None:
    step = step_of(highest_wh)
    assert step * LEVELS > highest_wh
    assert 0 <= level_of(highest_wh, step) < LEVELS
    assert highest_wh < 20 or level_of(highest_wh, step) >= LEVELS // 2
    assert level_of(-5, step) == 0


def test_a_day_is_laid_beside_another_by_wall_time() -> None:
    plain = day_with(PLAIN, tuple(range(96)))
    autumn = beside(AUTUMN, plain)
    assert autumn[:8] == list(range(8))
    assert autumn[8:12] == [None] * 4, "the hour that comes again has nothing beside it"
    assert autumn[12:] == list(range(8, 96))
    spring = beside(PLAIN, day_with(SPRING, tuple(range(92))))
    assert spring[:8] + spring[12:] == list(range(92))
    assert spring[8:12] == [None] * 4


def test_sums_are_compared_over_what_both_days_know() -> None:
    one = day_with(PLAIN, (None, 30, *(10,) * 94))
    other = day_with(PLAIN - timedelta(days=1), (10, None, *(20,) * 94))
    told = compared(one, PLAIN - timedelta(days=1), other)
    assert (told.common, told.total_wh, told.other_wh) == (94, 940, 1880)
    assert (told.difference, told.percentage) == ("-0.940", "-50.0 %")
    nothing = compared(one, PLAIN, None)
    assert (nothing.common, nothing.difference, nothing.percentage) == (0, "N/A", "N/A")


def test_a_percentage_of_nothing_is_not_available() -> None:
    assert (difference(5, 0), percentage(5, 0)) == ("+0.005", "N/A")
    assert (difference(None, 5), percentage(None, 5), percentage(5, None)) == ("N/A",) * 3
    assert (difference(5, 5), percentage(5, 5)) == ("0.000", "+0.0 %")


def test_the_day_before_the_week_before_and_the_year_before() -> None:
    day = date(2024, 2, 29)
    assert day_against(day, Against.DAY) == date(2024, 2, 28)
    assert day_against(day, Against.WEEK) == date(2024, 2, 22)
    assert day_against(day, Against.YEAR) == year_before(day) == date(2023, 2, 28)


async def test_a_heat_map_is_a_month_a_page_and_can_be_printed(house: House) -> None:
    for day in (date(2026, 5, 20), date(2026, 6, 3)):
        await house.report(day_with(day, (500, *(5,) * 95)))
    browser = await signed_in(house)
    address = f"{HERE}?report=daily_usage&view=current&start=2026-05-10&end=2026-06-10&show=hours"
    page = await browser.get(address)
    assert "06/01/2026 to 06/10/2026" in page.text
    assert page.text.count("data-at=") == 10 * 24
    assert "06/03 00:00 to 01:00, 0.515 kWh</title>" in page.text
    may = await browser.get(address + "&page=2026-05-10")
    assert "05/10/2026 to 05/31/2026" in may.text
    assert may.text.count("data-at=") == 22 * 24
    assert ">Next</a>" in may.text
    printed = await browser.get(address.replace(HERE, f"{HERE}/print"))
    assert printed.text.count("data-at=") == 32 * 24
    assert "show=hours" not in page.text[page.text.index("Export the full report") : page.text.index(">CSV</a>")]
    empty = await browser.get(f"{HERE}?report=daily_usage&view=current&start=2026-04-01&end=2026-04-10&show=hours")
    assert "No interval of these days is stored." in empty.text
    wrong = await browser.get(address.replace("show=hours", "show=waves"))
    assert wrong.status_code == 422


async def test_a_day_stands_beside_the_week_before_in_figure_and_table(house: House) -> None:
    day = date(2026, 6, 10)
    await house.report(day_with(day, (10, None, *(30,) * 94)))
    await house.report(day_with(day - timedelta(days=7), (20, 40, *(40,) * 94)))
    browser = await signed_in(house)
    page = (await browser.get(f"{HERE}?report=daily_usage&view=current&start={day}&end={day}&compare=week")).text
    assert 'class="other"' in page
    assert "Against Wed, 06/03/2026" in page
    assert "over the 95 intervals known of both" in page
    assert '<td class="n">0.020</td><td class="n">-0.010</td><td class="n">-50.0 %</td>' in page
    assert '<td class="n">0.040</td><td class="n">N/A</td><td class="n">N/A</td>' in page
    before = (await browser.get(f"{HERE}?report=daily_usage&view=current&start={day}&end={day}&compare=day")).text
    assert "06/09/2026: nothing is stored or kept of it" in before


async def test_months_stand_beside_the_year_before(house: House) -> None:
    def month(start: date, wh: int | None) -> MonthlyUsage:
        none = dict.fromkeys(("revised_at", "metered_w", "billed_w", "metered_va", "billed_va"))
        end = start + timedelta(days=27)
        return MonthlyUsage(esi_id=esi(1), start_date=start, end_date=end, actual_wh=wh, **none)

    kept = [month(date(2025, 4, 2), 200_000), month(date(2026, 4, 1), 250_000), month(date(2026, 5, 1), 90_000)]
    source = SourceFile(name="billing", sha256="a" * 64, received_at=house.clock.now())
    await house.registers.load(source, MonthlyUsage, lambda: iter(kept))
    browser = await signed_in(house)
    query = "report=monthly_usage&view=current&start=2026-04-01&end=2026-06-10&compare=year"
    page = (await browser.get(f"{HERE}?{query}")).text
    cells = ("250.000", "200.000", "+50.000", "+25.0 %")
    assert "".join(f'<td class="n">{cell}</td>' for cell in cells) in page
    assert '<td class="n">90.000</td>' + '<td class="n">N/A</td>' * 3 in page
    assert 'class="other"' in page
    assert page.index("Year before, kWh") < page.index("Metered kW")


async def test_nothing_of_before_the_meter_is_compared_with(house: House) -> None:
    """Reports do not reach behind the meter's installation, and so does no comparison."""
    browser = await signed_in(house)
    page = (await browser.get(f"{HERE}?report=daily_usage&view=current&start=2000-01-01&end=2026-06-10")).text
    bound = date.fromisoformat(page.split(" may be ")[1][:10])
    for day in (bound, bound - timedelta(days=1)):
        await house.report(day_with(day, (77,) * 96))
    address = f"{HERE}?report=daily_usage&view=current&start={bound}&end={bound}&compare=day"
    assert "0.077" in (shown := (await browser.get(address)).text)
    assert "nothing is stored or kept of it" in shown
