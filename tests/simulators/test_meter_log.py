"""A meter's own records agree with its registers to the watt-hour, on both days on which clocks change."""

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.clock import central_midnight, intervals_in
from simulators.load_shape import Home, HouseholdLoad
from simulators.meter_log import OFF_PEAK, PEAK, MeterLog, tier_at

LOAD = HouseholdLoad("10443720000000116", Home(solar=True))
NOON = datetime(2026, 7, 8, 17, 7, 30, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def test_the_log_adds_up_to_the_registers() -> None:
    log = MeterLog(LOAD)
    end = log.newest_end(NOON, None)
    assert end == datetime(2026, 7, 8, 17, tzinfo=UTC)
    wh = log.intervals(NOON, end, 96)
    assert len(wh) == 96
    assert sum(delivered for delivered, _ in wh) == LOAD.delivered_wh(end) - LOAD.delivered_wh(end - 96 * QUARTER)
    assert wh[0] == LOAD.interval_wh(end - QUARTER)


def test_the_log_reaches_back_so_far_and_knows_nothing_of_the_future() -> None:
    log = MeterLog(LOAD, days=2)
    assert len(log.intervals(NOON, log.newest_end(NOON, None), 1000)) == 191
    assert log.newest_end(NOON, NOON + timedelta(days=1)) == log.newest_end(NOON, None)


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 7, 8), date(2026, 11, 1)])
def test_the_tiers_of_a_day_add_up_to_what_was_delivered(day: date) -> None:
    log, start = MeterLog(LOAD), central_midnight(day)
    end = start + intervals_in(day) * QUARTER
    grown = [log.tier_wh(end, tier) - log.tier_wh(start, tier) for tier in (PEAK, OFF_PEAK)]
    assert sum(grown) == LOAD.delivered_wh(end) - LOAD.delivered_wh(start)
    assert (grown[0] > 0) is (day.weekday() < 5)


def test_a_tier_grows_within_an_interval_too() -> None:
    log = MeterLog(LOAD)
    tier = tier_at(NOON)
    later = NOON + timedelta(minutes=5)
    assert log.tier_wh(later, tier) - log.tier_wh(NOON, tier) == LOAD.delivered_wh(later) - LOAD.delivered_wh(NOON)


def test_registers_are_frozen_at_central_midnight() -> None:
    frozen = MeterLog(LOAD).frozen(NOON)
    assert frozen.at == datetime(2026, 7, 8, 5, tzinfo=UTC)
    assert frozen.delivered_wh == LOAD.delivered_wh(frozen.at)


def test_the_peak_is_the_largest_quarter_hour_of_the_month() -> None:
    peak = MeterLog(LOAD).peak_demand(NOON)
    first = central_midnight(date(2026, 7, 1))
    quarters = (NOON - first) // QUARTER
    every = [LOAD.interval_wh(first + n * QUARTER)[0] * 4 for n in range(quarters)]
    assert peak.demand_w == max(every)
    assert peak.at == first + (every.index(max(every)) + 1) * QUARTER
