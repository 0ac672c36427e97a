"""Devices that take their time, as those on the market do: the driver's own patience is enough for a join."""

from dataclasses import replace
from pathlib import Path

from gateway.clock import SystemClock
from gateway.han.words import Stage
from simulators.zigbee.timing import REALISTIC
from tests.drivers.homes import Timeline
from tests.world.homestead import PLAN, homestead

PATIENCE_S = 60


async def test_a_sleepy_device_of_the_field_joins_within_the_driver_s_own_patience(tmp_path: Path) -> None:
    """It polls every 4 s, and computes for 11 s and 16 s in key establishment."""
    async with homestead(tmp_path, replace(PLAN, timing=REALISTIC)) as here:
        clock, timeline = SystemClock(), Timeline()
        began_s = clock.monotonic()
        info = await here.join(here.label("appliance"), timeline, window_s=180)
        assert timeline.stages[-1] is Stage.REGISTERED
        assert info.sleepy
        assert clock.monotonic() - began_s < PATIENCE_S
