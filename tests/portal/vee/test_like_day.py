"""Like days: the published table for each weekday and holiday, and days aligned by the wall clock."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import intervals_in
from portal.usage.slots import labels, slots_in
from portal.vee.holidays import holidays, is_holiday
from portal.vee.like_day import Reference, likeness, look_up
from portal.vee.settings import VeeSettings
from tests.portal.usage.files import FALL, SPRING

POLICY = VeeSettings(older_like_days=False)
WEEK = {name: date(2026, 5, 11 + place) for place, name in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))}


@pytest.mark.parametrize(
    ("day", "references"),
    [
        ("Mon", ["2026-05-04", "2026-04-27"]),
        ("Tue", ["2026-05-05", "2026-05-06", "2026-05-07"]),
        ("Wed", ["2026-05-06", "2026-05-12", "2026-05-05", "2026-05-07"]),
        ("Thu", ["2026-05-07", "2026-05-13", "2026-05-06", "2026-05-12", "2026-05-05"]),
        ("Fri", ["2026-05-08", "2026-05-01", "2026-04-24", "2026-04-17"]),
        ("Sat", ["2026-05-09", "2026-05-02", "2026-04-25", "2026-04-18"]),
        ("Sun", ["2026-05-10", "2026-05-03", "2026-04-26", "2026-04-19"]),
    ],
)
def test_each_weekday_has_the_references_of_the_published_table(day: str, references: list[str]) -> None:
    assert [each.isoformat() for each in look_up(WEEK[day], POLICY)] == references


@pytest.mark.parametrize(
    ("holiday", "references"),
    [
        ("2026-01-01", ["2025-12-28", "2025-12-21"]),
        ("2026-05-25", ["2026-05-24", "2026-05-17"]),
        ("2026-07-04", ["2026-06-28", "2026-06-21"]),
        ("2026-09-07", ["2026-09-06", "2026-08-30"]),
        ("2026-11-26", ["2026-11-22", "2026-11-15"]),
        ("2026-12-25", ["2026-12-20", "2026-12-13"]),
        ("2027-07-05", ["2027-07-04", "2027-06-27"]),
    ],
)
def test_a_holiday_is_like_the_two_sundays_before_it(holiday: str, references: list[str]) -> None:
    day = date.fromisoformat(holiday)
    assert is_holiday(day)
    assert [each.isoformat() for each in look_up(day, POLICY)] == references


def test_the_six_holidays_are_those_of_nerc() -> None:
    named = {"2023-01-02", "2023-05-29", "2023-07-04", "2023-09-04", "2023-11-23", "2023-12-25"}
    assert {day.isoformat() for day in holidays(2023)} == named


@given(st.integers(2000, 2089))
def test_a_year_has_six_holidays_none_of_them_on_a_sunday(year: int) -> None:
    assert len(holidays(year)) == 6
    assert all(day.weekday() != 6 and day.year == year for day in holidays(year))


def test_an_ordinary_day_is_not_like_a_holiday_unless_the_policy_says_so() -> None:
    after = date(2026, 6, 1)  # the Monday after Memorial Day
    assert look_up(after, POLICY) == (date(2026, 5, 18),)
    assert look_up(after, VeeSettings(older_like_days=False, holidays_as_reference=True))[0] == date(2026, 5, 25)


def test_earlier_weeks_serve_when_the_table_has_no_day() -> None:
    wednesday = WEEK["Wed"]
    assert look_up(wednesday, VeeSettings())[4:] == (date(2026, 4, 29), date(2026, 4, 22), date(2026, 4, 15))


@given(st.dates(date(2010, 2, 1), date(2080, 1, 1)), st.booleans(), st.booleans())
def test_a_reference_always_lies_before_its_day_and_comes_once(day: date, older: bool, holidays_too: bool) -> None:
    policy = VeeSettings(older_like_days=older, holidays_as_reference=holidays_too)
    found = look_up(day, policy)
    assert len(set(found)) == len(found)
    assert all(day - timedelta(days=28) <= each < day for each in found)


def quarters(day: date) -> Reference:
    """A day whose values say which quarter of the wall clock they are, so that a shift is seen."""
    values = [int(labels(slot)[0].replace(":", "")) for slot in slots_in(intervals_in(day))]
    return Reference(values=values, usable=[True] * len(values))


@pytest.mark.parametrize("day", [FALL, SPRING, FALL + timedelta(days=7), SPRING + timedelta(days=7)])
def test_days_of_92_96_and_100_quarter_hours_are_aligned_by_the_wall_clock(day: date) -> None:
    count = intervals_in(day)
    history = {each: quarters(each) for each in look_up(day, POLICY)}
    for place, value in enumerate(quarters(day).values):
        found = likeness(day, count, (place,), history, POLICY)
        assert found is not None
        assert found.values == (value,)


def test_the_hour_that_summer_time_skips_makes_its_day_no_reference_for_that_hour() -> None:
    after = SPRING + timedelta(days=7)
    found = likeness(after, 96, (8, 9, 10, 11), {each: quarters(each) for each in look_up(after, POLICY)}, POLICY)
    assert found is not None
    assert SPRING not in found.days
    assert len(found.days) == 3


def test_of_the_usable_days_no_more_than_three_are_averaged_and_halves_rounded_up() -> None:
    thursday = WEEK["Thu"]
    days = look_up(thursday, POLICY)
    history = {day: Reference(values=[place + 1] * 96, usable=[place != 1] * 96) for place, day in enumerate(days)}
    found = likeness(thursday, 96, (0, 95), history, POLICY)
    assert found is not None
    assert (found.days, found.values) == ((days[0], days[2], days[3]), (3, 3))
    two = {day: history[day] for day in (days[2], days[3])}
    assert (likeness(thursday, 96, (0,), two, POLICY) or found).values == (4,)


def test_a_day_that_lacks_one_of_the_quarter_hours_is_no_reference_for_them() -> None:
    day = WEEK["Fri"]
    first, second, *_ = look_up(day, POLICY)
    lacking = Reference(values=[None, *[5] * 95], usable=[True] * 96)
    whole = Reference(values=[9] * 96, usable=[True] * 96)
    found = likeness(day, 96, (0, 1), {first: lacking, second: whole}, POLICY)
    assert found is not None
    assert (found.days, found.values) == ((second,), (9, 9))
    assert likeness(day, 96, (0,), {first: lacking}, POLICY) is None
