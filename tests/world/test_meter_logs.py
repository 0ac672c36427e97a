"""A meter's own log through the driver, to the watt-hour, on days of 92, 96 and 100 quarter hours."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gateway.clock import central_midnight
from gateway.ports import Assignment
from gateway.reads import Direction
from simulators.world import StreetPlan
from tests.world.homestead import LIMIT_S, homestead

DAYS = [(date(2026, 3, 8), 92), (date(2026, 6, 17), 96), (date(2026, 11, 1), 100)]


@pytest.mark.parametrize(("day", "count"), DAYS)
async def test_a_day_of_intervals_and_midnights_registers_are_those_of_the_meter(
    tmp_path: Path, day: date, count: int
) -> None:
    next_day = day + timedelta(days=1)
    noon = datetime(next_day.year, next_day.month, next_day.day, 18, 30, tzinfo=UTC)
    async with homestead(tmp_path, StreetPlan(meters=16), noon) as here:
        for premise in here.street.premises:
            meter, model = here.street.meter(premise.meter), here.street.meter(premise.meter).model
            at = Assignment(meter=premise.meter, driver="radio", address=premise.eui64)
            logged = meter.load.day(day)
            for direction, wh in ((Direction.DELIVERED, logged.delivered), (Direction.RECEIVED, logged.received)):
                if direction is Direction.RECEIVED and not model.has_received:
                    continue
                told = await here.driver.profiles.profile(at, direction, central_midnight(next_day), count, LIMIT_S)
                assert (told.ends_at, told.interval_s) == (central_midnight(next_day), 900)
                digit_wh = 1000 * (model.multiplier or 1) // (model.divisor or 1)
                assert [each and each // digit_wh * digit_wh for each in wh] == list(told.wh), (premise.meter, model)
            frozen = await here.driver.profiles.frozen(at, LIMIT_S)
            held = meter.log.frozen(here.clock.now())
            assert frozen.frozen_at == held.at == central_midnight(next_day)
            assert frozen.delivered_wh == held.delivered_wh // digit_wh * digit_wh
