"""Household loads: registers that never run backwards, energy that adds up, days of 92, 96 and 100 intervals."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import central_midnight, intervals_in
from simulators.load_shape import FIRST_DAY, Home, HouseholdLoad

HOMES = (Home(), Home(solar=True), Home(vacant=True), Home(electric_car=True, mean_wh_per_day=61_000))
instants = st.datetimes(datetime(2020, 1, 2), datetime(2031, 12, 30)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
homes = st.sampled_from(HOMES)
DAYS = (date(2026, 3, 8), date(2026, 7, 8), date(2026, 11, 1), date(2025, 12, 31))


@given(homes, instants, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_registers_never_run_backwards(home: Home, at: datetime, later: timedelta) -> None:
    delivered, received = HouseholdLoad("k", home).energy(at, at + later)
    assert delivered >= 0
    assert received >= 0


@given(homes, st.lists(instants, min_size=3, max_size=3).map(sorted))
def test_energy_adds_up_over_any_cut(home: Home, cut: list[datetime]) -> None:
    load = HouseholdLoad("k", home)
    first, second, whole = load.energy(cut[0], cut[1]), load.energy(cut[1], cut[2]), load.energy(cut[0], cut[2])
    assert (first[0] + second[0], first[1] + second[1]) == whole


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("home", HOMES)
def test_a_days_intervals_are_what_the_registers_grow_by(home: Home, day: date) -> None:
    load = HouseholdLoad("k", home)
    intervals = load.day(day)
    assert len(intervals.delivered) == len(intervals.received) == intervals_in(day)
    ends = central_midnight(day), central_midnight(day + timedelta(days=1))
    assert (sum(intervals.delivered), sum(intervals.received)) == load.energy(*ends)
    for index in (0, 7, 8, 11, 47, intervals_in(day) - 1):
        start = intervals.start + timedelta(minutes=15) * index
        assert load.interval_wh(start) == (intervals.delivered[index], intervals.received[index])


@given(homes, instants)
def test_demand_is_the_power_of_the_interval(home: Home, at: datetime) -> None:
    load = HouseholdLoad("k", home)
    start = at - timedelta(seconds=at.timestamp() % 900)
    delivered, received = load.interval_wh(start)
    assert load.demand_w(at) == (delivered - received) * 4


def test_an_empty_house_repeats_its_register() -> None:
    load = HouseholdLoad("k", Home(vacant=True))
    at = datetime(2026, 7, 8, tzinfo=UTC)
    assert load.delivered_wh(at) == load.delivered_wh(at + timedelta(days=300)) > 0
    assert load.demand_w(at) == 0


def test_a_solar_home_gives_by_day_and_never_by_night() -> None:
    load = HouseholdLoad("k", Home(solar=True))
    for day in DAYS:
        intervals = load.day(day)
        noon = len(intervals.received) // 2
        assert intervals.received[noon] > 0
        assert not any(intervals.received[:20] + intervals.received[-16:])
        assert not any(taken and given for taken, given in zip(intervals.delivered, intervals.received, strict=True))


def test_a_home_without_a_roof_of_panels_gives_nothing() -> None:
    load = HouseholdLoad("k", Home())
    assert load.received_wh(datetime(2026, 7, 8, 18, tzinfo=UTC)) == 0


def test_summer_takes_more_than_spring_in_texas() -> None:
    load = HouseholdLoad("k", Home())
    july = sum(sum(load.day(date(2026, 7, day)).delivered) for day in range(1, 31))
    april = sum(sum(load.day(date(2026, 4, day)).delivered) for day in range(1, 31))
    assert july > 1.3 * april


def test_days_differ_and_keys_differ_and_both_repeat() -> None:
    load = HouseholdLoad("k", Home())
    assert load.day(DAYS[1]) == HouseholdLoad("k", Home()).day(DAYS[1])
    assert load.day(DAYS[1]).delivered != load.day(DAYS[1] + timedelta(days=7)).delivered
    assert load.day(DAYS[1]).delivered != HouseholdLoad("l", Home()).day(DAYS[1]).delivered


def test_a_load_has_a_beginning() -> None:
    with pytest.raises(ValueError, match="begin"):
        HouseholdLoad("k", Home()).day(FIRST_DAY - timedelta(days=1))
