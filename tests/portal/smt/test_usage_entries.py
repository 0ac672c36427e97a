"""Quarter hours and days in the shapes of usage/interval and usage/daily."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gateway.clock import intervals_in
from gateway.identifiers import EsiId
from portal.smt.report_entries import monthly_entry
from portal.smt.usage_entries import daily_entries, half_day, interval_entries
from portal.usage.intervals import Channel, MeterDay
from portal.usage.register_files import DailyRead, MonthlyUsage


def counting(day: date, channel: Channel, missing: int | None = None) -> MeterDay:
    """A day of which quarter hour n counts n Wh."""
    count = intervals_in(day)
    return MeterDay(
        esi_id=EsiId("10443720000000001"),
        day=day,
        channel=channel,
        revised_at=None,
        values=tuple(None if place == missing else place for place in range(count)),
        estimated=(False,) * count,
    )


@pytest.mark.parametrize(
    ("label", "text"),
    [("00:00", " 12:00 am"), ("01:15", " 01:15 am"), ("12:30", " 12:30 pm"), ("23:45", " 11:45 pm")],
)
def test_times_are_told_by_halves_of_the_day(label: str, text: str) -> None:
    assert half_day(label) == text


def test_the_hour_that_comes_twice_is_told_twice_and_the_one_that_is_skipped_not_at_all() -> None:
    fall = interval_entries([counting(date(2025, 11, 2), Channel.CONSUMPTION)])
    spring = interval_entries([counting(date(2026, 3, 8), Channel.CONSUMPTION)])
    assert (len(fall), len(spring)) == (100, 92)
    assert [entry["starttime"] for entry in fall].count(" 01:30 am") == 2
    assert " 02:00 am" not in {entry["starttime"] for entry in spring}


def test_both_channels_stand_side_by_side_and_a_missing_value_is_null() -> None:
    day = date(2026, 5, 6)
    entries = interval_entries([counting(day, Channel.CONSUMPTION, missing=7), counting(day, Channel.GENERATION)])
    assert len(entries) == 96
    assert (entries[7]["consumption"], entries[7]["consumption_est_act"]) == (None, None)
    assert (entries[7]["generation"], entries[7]["generation_est_act"]) == (0.007, "A")


def test_a_day_that_lacks_a_quarter_hour_has_no_total() -> None:
    day = date(2026, 5, 6)
    (whole,) = daily_entries([counting(day, Channel.CONSUMPTION)], [])
    (lacking,) = daily_entries([counting(day, Channel.CONSUMPTION, missing=7)], [])
    assert (whole["reading"], lacking["reading"]) == (4.56, None)


def test_the_tdsps_read_of_a_day_says_what_was_used_and_its_registers_are_texts() -> None:
    day, next_day = date(2026, 5, 6), date(2026, 5, 7)
    read = DailyRead(
        esi_id=EsiId("10443720000000001"),
        read_date=next_day,
        revised_at=None,
        start_wh=72_366_148,
        end_wh=72_404_005,
        usage_wh=37_860,
    )
    quarters = [counting(day, Channel.CONSUMPTION), counting(next_day, Channel.GENERATION)]
    first, second = daily_entries(quarters, [read])
    assert first == {"date": "05/06/2026", "reading": 4.56, "startreading": None, "endreading": None}
    assert second == {
        "date": "05/07/2026",
        "reading": 37.86,
        "startreading": "72366.148",
        "endreading": "72404.005",
    }
    unsaid = replace(read, read_date=day, usage_wh=None)
    assert daily_entries(quarters, [unsaid])[0]["reading"] == 4.56, "the quarter hours know what the read does not"


def test_a_billed_month_is_told_in_numbers_and_what_is_missing_is_null() -> None:
    month = MonthlyUsage(
        esi_id=EsiId("10443720000000001"), start_date=date(2020, 12, 30), end_date=date(2021, 1, 28),
        revised_at=datetime(2021, 1, 29, 15, 55, 6, tzinfo=UTC), actual_wh=290_000, metered_w=4_250, billed_w=0,
        metered_va=None, billed_va=None,
    )  # fmt: skip
    assert json.dumps(monthly_entry(month)) == (
        '{"startdate": "12/30/2020", "enddate": "01/28/2021", "actl_kwh_usg": 290, "mtrd_kwh_usg": 4.25, '
        '"blld_kwh_usg": 0, "mtrd_kva_usg": null, "blld_kva_usg": null, "lastupdate": "01/29/2021 09:55:06", '
        '"errmsg": "Success"}'
    )
