"""A whole street through the driver: every model of meter, every fault, both generations of EZSP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from drivers.zigbee import ZigBeeDriver
from gateway.clock import SystemClock
from gateway.dice import SeededDice
from gateway.errors import BadReading, FailureReason, Unreachable
from gateway.ports import Assignment
from simulators.faults import Fault, FaultKind
from simulators.world import StreetPlan, ZigBeeStreet

Make = Callable[..., Any]


@pytest.fixture(params=[13, 14, 16, 19])
async def street(request: pytest.FixtureRequest) -> AsyncIterator[ZigBeeStreet]:
    built = ZigBeeStreet(StreetPlan(meters=64, seed=7, version=request.param), SystemClock())
    yield built
    await built.close()


async def driver_of(street: ZigBeeStreet, **settings: Any) -> ZigBeeDriver:
    port = await street.start()
    told = ZigBeeDriver.Settings(radio=f"socket://127.0.0.1:{port}", attempt_timeout_s=0.5, attempts=2, **settings)
    return ZigBeeDriver("radio", told, SystemClock(), SeededDice(7))


def assignments(street: ZigBeeStreet) -> list[Assignment]:
    return [Assignment(meter=premise.meter, driver="radio", address=premise.eui64) for premise in street.premises]


async def test_every_model_of_meter_is_read_to_its_last_digit(street: ZigBeeStreet, keep_up: Make) -> None:
    for meter in street.meters.values():
        meter.fault = Fault(kind=FaultKind.FROZEN)
    async with keep_up(await driver_of(street)) as driver:
        reads = await asyncio.gather(*(driver.read(assignment, 30) for assignment in assignments(street)))
    for read in reads:
        meter = street.meter(read.meter)
        model, held = meter.model, meter.registers()
        digit_wh = 1000 * (model.multiplier or 1) // (model.divisor or 1)
        assert read.delivered_wh == held.delivered_wh // digit_wh * digit_wh
        assert read.received_wh == (held.received_wh // digit_wh * digit_wh if model.has_received else None)
        assert read.demand_w is not None
        assert abs(held.demand_w) - digit_wh < abs(read.demand_w) <= abs(held.demand_w)
        assert read.latched_at == (held.latched_at if model.has_snapshot_time else None)
        assert read.update_period_s == (model.update_period_s if model.tells_period else None)
        assert read.scale.assumed == (model.divisor is None)
    assert len({(read.scale.unit, read.scale.divisor) for read in reads}) >= 3


async def test_every_fault_is_its_own_meter_s(street: ZigBeeStreet, keep_up: Make) -> None:
    expected = {
        FaultKind.SILENT: Unreachable,
        FaultKind.GARBAGE: BadReading,
        FaultKind.ZERO_DIVISOR: BadReading,
        FaultKind.MULTIPLIER_ONLY: BadReading,
    }
    told = assignments(street)
    for assignment, kind in zip(told, expected, strict=False):
        street.set_fault(assignment.meter, Fault(kind=kind))
    street.set_fault(told[4].meter, Fault(kind=FaultKind.INVALID))
    async with keep_up(await driver_of(street)) as driver:
        results: list[Any] = await asyncio.gather(
            *(driver.read(each, 10) for each in told[:10]), return_exceptions=True
        )
    assert [type(result) for result in results[:4]] == list(expected.values())
    assert [getattr(result, "reason", None) for result in results[:2]] == [
        FailureReason.TIMEOUT,
        FailureReason.BAD_READING,
    ]
    assert (results[4].delivered_wh, results[4].demand_w) == (None, None)
    assert all(result.delivered_wh > 0 for result in results[5:])
