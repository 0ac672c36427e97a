"""Quarter hours and days in the shapes of usage/interval and usage/daily."""

from datetime import date

import pytest

from gateway.clock import intervals_in
from gateway.identifiers import EsiId
from portal.smt.usage_entries import daily_entry, half_day, interval_entries
from portal.usage.intervals import Channel, MeterDay


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
    assert daily_entry(counting(day, Channel.CONSUMPTION))["reading"] == 4.56
    assert daily_entry(counting(day, Channel.CONSUMPTION, missing=7))["reading"] is None
