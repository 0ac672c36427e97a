"""The day of quarter hours: its figure, its table twin and its way from day to day."""

from datetime import date
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import intervals_in
from portal.pages.chart import GRID_LINES, day_chart, in_words, step_wh
from portal.pages.day_view import bars_of, series_of
from portal.usage.intervals import Channel, MeterDay
from tests.portal.pages.house import House
from tests.portal.world import esi

PLAIN, SPRING, AUTUMN = date(2026, 6, 30), date(2026, 3, 8), date(2026, 11, 1)
SVG = "{http://www.w3.org/2000/svg}"


def day_with(day: date, values: tuple[int | None, ...], estimated: tuple[bool, ...] | None = None) -> MeterDay:
    return MeterDay(
        esi_id=esi(1),
        day=day,
        channel=Channel.CONSUMPTION,
        revised_at=None,
        values=values,
        estimated=estimated or (False,) * len(values),
    )


@pytest.mark.parametrize(("day", "count"), [(PLAIN, 96), (SPRING, 92), (AUTUMN, 100)])
def test_a_day_has_as_many_bars_as_it_has_quarter_hours(day: date, count: int) -> None:
    assert intervals_in(day) == count
    series = series_of(day_with(day, tuple(range(1, count + 1))))
    assert series.svg.count("<rect") == count
    assert series.rows.startswith('<tr><td class="t">00:00 to 00:15</td><td class="n">0.001</td><td>actual</td></tr>')
    assert series.rows.count("<tr>") == series.count == count
    assert "23:45 to 00:00" in series.rows.splitlines()[-1]


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    hours = [bar.hours for bar in bars_of(day_with(AUTUMN, (1,) * 100))]
    assert len(set(hours)) == 100
    assert hours[4] == "01:00 CDT to 01:15 CDT"
    assert hours[8] == "01:00 CST to 01:15 CST"


def test_a_missing_value_is_a_gap_and_n_a_never_zero() -> None:
    series = series_of(day_with(PLAIN, (None, 0, *(5,) * 94)))
    assert series.svg.count("<rect") == 95
    assert (series.known, series.total_wh) == (95, 470)
    assert '00:00 to 00:15</td><td class="n">N/A</td><td>not available</td>' in series.rows
    nothing = series_of(day_with(PLAIN, (None,) * 96))
    assert (nothing.total_wh, nothing.highest_wh, nothing.highest_at) == (None, None, "")
    assert in_words(bars_of(day_with(PLAIN, (None,) * 96))) == "96 intervals of 15 minutes, none available."


def test_the_figure_says_in_words_what_it_shows() -> None:
    series = series_of(day_with(PLAIN, (*(100,) * 95, 1070), (True, *(False,) * 95)))
    assert (
        "96 intervals of 15 minutes; total 10.570 kWh; highest 1.070 kWh at 23:45; 1 estimated, 0 missing."
    ) in series.svg
    assert "<title>00:00 to 00:15, 0.100 kWh, estimated</title>" in series.svg


@given(highest=st.integers(0, 10**9))
def test_the_grid_reaches_the_highest_bar_with_few_lines(highest: int) -> None:
    step = step_wh(highest)
    assert step * GRID_LINES >= highest
    assert str(step).rstrip("0") in {"1", "2", "5"}


@given(values=st.lists(st.none() | st.integers(0, 10**9), min_size=96, max_size=96))
def test_any_day_makes_a_wellformed_figure_within_its_frame(values: list[int | None]) -> None:
    bars = bars_of(day_with(PLAIN, tuple(values)))
    drawn = ElementTree.fromstring(
        day_chart(bars, 'hostile <title> & "name"').replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ')
    )
    for rect in drawn.iter(f"{SVG}rect"):
        assert 46 <= float(rect.attrib["x"]) <= 760
        assert 9.9 <= float(rect.attrib["y"]) <= 198.1
        assert float(rect.attrib["height"]) >= 0


async def test_the_page_shows_the_newest_day_and_leads_to_the_one_before(house: House) -> None:
    browser = house.client()
    await browser.sign_in("rep.admin")
    place = f"/usage/meters/{esi(1)}"
    assert "No intervals of this meter are stored yet." in (await browser.get(place)).text
    await house.report(day_with(date(2026, 6, 29), (250,) * 96))
    await house.report(day_with(PLAIN, (500,) * 96))
    page = (await browser.get(place)).text
    assert "Tue, 06/30/2026" in page
    assert "48.000 <small>kWh</small>" in page
    assert page.count("<td>actual</td>") == 96
    assert 'aria-label="Next day"' not in page
    before = (await browser.get(f"{place}?day=2026-06-29")).text
    assert "24.000 <small>kWh</small>" in before
    assert '<a class="button" href="?day=2026-06-30" aria-label="Next day">' in before
    assert "No interval of this day is stored." in (await browser.get(f"{place}?day=2026-06-28")).text
    for strange in ("0001-01-01", "9999-12-31", "x", "2026-13-01"):
        assert (await browser.get(f"{place}?day={strange}")).status_code == 200, strange


async def test_nobody_elses_days_are_shown(house: House) -> None:
    await house.report(day_with(PLAIN, (500,) * 96))
    browser = house.client()
    await browser.sign_in("blue.admin")
    answer = await browser.get(f"/usage/meters/{esi(1)}?day=2026-06-30")
    assert answer.status_code == 404
    assert "48.000" not in answer.text
