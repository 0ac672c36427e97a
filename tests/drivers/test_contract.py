"""The one contract that every driver passes against its simulator; a new driver adds its bench to BENCHES."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Protocol

import pytest

from drivers.modbus import ModbusDriver
from drivers.modbus.profile import named
from drivers.zigbee import ZigBeeDriver
from gateway.clock import SystemClock
from gateway.dice import SeededDice
from gateway.errors import Fault as DriverFault
from gateway.errors import LinkLost, Unreachable, Unsupported
from gateway.identifiers import MeterNumber
from gateway.links import Backoff, keep
from gateway.ports import Assignment, Driver
from gateway.reads import RegisterRead
from simulators.faults import Fault, FaultKind
from simulators.modbus.faults import ModbusFault, ModbusFaultKind
from simulators.modbus.street import ModbusPlan, ModbusStreet
from simulators.world import StreetPlan, ZigBeeStreet

PROMPT_S = 3.0
"""How late a read may be at most in noticing that its time is over."""


class Bench(Protocol):
    """A simulated installation of four meters whose registers stand still, and a driver for it."""

    meters: list[Assignment]
    stranger: Assignment

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def driver(self) -> Driver: ...

    def delivered_wh(self, number: int) -> int: ...

    def silence(self, number: int) -> None: ...

    def cut(self) -> None: ...


class ZigBeeBench:
    """A street of Smart Energy meters behind a simulated co-processor, every register frozen."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._street = ZigBeeStreet(StreetPlan(meters=4, seed=11), self._clock)
        self._port = 0
        self._sims = list(self._street.meters.values())
        for sim in self._sims:
            sim.fault = Fault(kind=FaultKind.FROZEN)
        self.meters = [Assignment(meter=sim.number, driver="radio", address=sim.eui64) for sim in self._sims]
        self.stranger = Assignment(meter=MeterNumber("NOBODY"), driver="radio", address="00124B00DEADBEEF")

    async def open(self) -> None:
        self._port = await self._street.start(self._port)

    async def close(self) -> None:
        await self._street.close()

    def driver(self) -> Driver:
        settings = ZigBeeDriver.Settings(
            radio=f"socket://127.0.0.1:{self._port}", attempts=2, attempt_timeout_s=0.5, start_timeout_s=10
        )
        return ZigBeeDriver("radio", settings, self._clock, SeededDice(11))

    def delivered_wh(self, number: int) -> int:
        sim = self._sims[number]
        step = 1000 * (sim.model.multiplier or 1) // (sim.model.divisor or 1)
        return sim.registers().delivered_wh // step * step

    def silence(self, number: int) -> None:
        self._sims[number].fault = Fault(kind=FaultKind.SILENT)

    def cut(self) -> None:
        self._street.ncp.drop()


class ModbusBench:
    """A line of SunSpec meters, every register frozen."""

    def __init__(self, *, rtu: bool) -> None:
        self._clock, self._rtu, self._port = SystemClock(), rtu, 0
        plan = ModbusPlan(profile=named("sunspec-int"), name="sunspec-int", units=4, seed=11, rtu=rtu)
        self._street = ModbusStreet(plan, self._clock)
        for sim in self._street.meters:
            sim.fault = ModbusFault(kind=ModbusFaultKind.FROZEN)
        self.meters = [
            Assignment(meter=sim.meter.number, driver="line", address=f"{sim.unit}/sunspec-int")
            for sim in self._street.meters
        ]
        self.stranger = Assignment(meter=MeterNumber("NOBODY"), driver="line", address="99/sunspec-int")

    async def open(self) -> None:
        self._port = await self._street.line.start(self._port)

    async def close(self) -> None:
        await self._street.line.close()

    def driver(self) -> Driver:
        link = f"{'rtu+tcp' if self._rtu else 'tcp'}://127.0.0.1:{self._port}"
        settings = ModbusDriver.Settings(link=link, attempts=2, attempt_timeout_s=0.5, settle_s=0.1)
        return ModbusDriver("line", settings, self._clock, SeededDice(11))

    def delivered_wh(self, number: int) -> int:
        return self._street.meters[number].meter.registers().delivered_wh

    def silence(self, number: int) -> None:
        self._street.meters[number].fault = ModbusFault(kind=ModbusFaultKind.SILENT)

    def cut(self) -> None:
        self._street.line.drop()


BENCHES: dict[str, Callable[[], Bench]] = {
    "modbus": lambda: ModbusBench(rtu=False),
    "modbus-rtu": lambda: ModbusBench(rtu=True),
    "zigbee": ZigBeeBench,
}


@pytest.fixture(params=sorted(BENCHES))
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    installation = BENCHES[request.param]()
    await installation.open()
    yield installation
    await installation.close()


@asynccontextmanager
async def kept(driver: Driver) -> AsyncIterator[Driver]:
    running = asyncio.create_task(keep("bench", driver.run, SystemClock(), Backoff(first_s=0.02, last_s=0.1)))
    try:
        yield driver
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_driver_is_down_until_it_runs_and_up_once_it_reads(bench: Bench) -> None:
    driver = bench.driver()
    assert not driver.up
    async with kept(driver):
        await driver.read(bench.meters[0], 10)
        assert driver.up
    assert not driver.up


async def test_a_read_is_what_the_meter_holds_and_says_whose_and_when(bench: Bench) -> None:
    async with kept(bench.driver()) as driver:
        before = SystemClock().now()
        reads = await asyncio.gather(*(driver.read(meter, 10) for meter in bench.meters))
        assert [read.delivered_wh for read in reads] == [bench.delivered_wh(number) for number in range(4)]
        assert [read.meter for read in reads] == [meter.meter for meter in bench.meters]
        assert all(before <= read.read_at <= SystemClock().now() and read.path for read in reads)


async def test_reading_twice_gives_the_same(bench: Bench) -> None:
    async with kept(bench.driver()) as driver:
        first, second = await driver.read(bench.meters[0], 10), await driver.read(bench.meters[0], 10)
        assert (first.delivered_wh, first.scale) == (second.delivered_wh, second.scale)


async def test_a_silent_meter_is_unreachable_within_its_time_and_spares_the_others(bench: Bench) -> None:
    bench.silence(0)
    async with kept(bench.driver()) as driver:
        started = SystemClock().monotonic()
        silent, spoken = await asyncio.gather(
            driver.read(bench.meters[0], 2), driver.read(bench.meters[1], 2), return_exceptions=True
        )
        assert isinstance(silent, Unreachable)
        assert not isinstance(spoken, BaseException)
        assert SystemClock().monotonic() - started < 2 + PROMPT_S


async def test_meters_report_by_themselves_or_the_driver_has_no_such_thing(bench: Bench) -> None:
    driver = bench.driver()
    reporting = driver.reporting
    if reporting is None:
        assert isinstance(bench, ModbusBench), "a Modbus meter speaks when it is asked; the others report"
        return
    heard: asyncio.Queue[RegisterRead] = asyncio.Queue()
    reporting.listen(heard.put_nowait)
    async with kept(driver):
        await reporting.agree(bench.meters[0], 1, 10)
        assert [reporting.agreed(meter) for meter in bench.meters] == [True, False, False, False]
        report = await asyncio.wait_for(heard.get(), 10)
        assert (report.meter, report.delivered_wh) == (bench.meters[0].meter, bench.delivered_wh(0))
        for nobody in (bench.stranger, replace(bench.stranger, address="no address")):
            with pytest.raises(DriverFault):
                await reporting.agree(nobody, 1, 2)
            assert not reporting.agreed(nobody)
        with pytest.raises(Unsupported):
            await reporting.agree(bench.meters[1], 0, 10)


async def test_an_address_that_nobody_has_is_a_fault(bench: Bench) -> None:
    async with kept(bench.driver()) as driver:
        with pytest.raises(DriverFault):
            await driver.read(bench.stranger, 2)


async def test_an_address_that_is_none_is_unsupported(bench: Bench) -> None:
    async with kept(bench.driver()) as driver:
        with pytest.raises(Unsupported):
            await driver.read(Assignment(meter=MeterNumber("M"), driver="radio", address="no address"), 2)


async def test_without_a_connection_a_read_waits_its_time_and_is_link_lost(bench: Bench) -> None:
    with pytest.raises(LinkLost):
        await bench.driver().read(bench.meters[0], 0.1)


async def test_run_ends_with_link_lost_when_the_line_is_cut_and_can_run_again(bench: Bench) -> None:
    driver = bench.driver()
    for _ in range(2):
        running = asyncio.create_task(driver.run())
        await driver.read(bench.meters[0], 10)
        bench.cut()
        with pytest.raises(LinkLost):
            await asyncio.wait_for(running, 10)
        assert not driver.up


async def test_a_closed_installation_is_link_lost(bench: Bench) -> None:
    driver = bench.driver()
    await bench.close()
    with pytest.raises(LinkLost):
        await asyncio.wait_for(driver.run(), 30)


async def test_a_read_outlives_a_closed_installation_that_opens_in_time(bench: Bench) -> None:
    async with kept(bench.driver()) as driver:
        await driver.read(bench.meters[0], 10)
        await bench.close()
        read = asyncio.create_task(driver.read(bench.meters[1], 30))
        await bench.open()
        assert (await read).delivered_wh == bench.delivered_wh(1)


async def test_a_cancelled_read_leaves_the_driver_whole(bench: Bench) -> None:
    async with kept(bench.driver()) as driver:
        for meter in bench.meters:
            read = asyncio.create_task(driver.read(meter, 10))
            await asyncio.wait({read}, timeout=0.001)
            read.cancel()
            await asyncio.gather(read, return_exceptions=True)
        reads = await asyncio.gather(*(driver.read(meter, 10) for meter in bench.meters))
        assert [read.delivered_wh for read in reads] == [bench.delivered_wh(number) for number in range(4)]
