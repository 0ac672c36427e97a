"""Reads through the real zigpy and bellows against the simulated co-processor, on both generations of EZSP."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import BadReading, Fault, Unauthorised, Unreachable, Unsupported
from simulators.zigbee import zcl

Make = Callable[..., Any]


@pytest.mark.parametrize("version", [13, 14])
async def test_64_meters_read_exactly_what_their_registers_hold(laboratory: Make, keep_up: Make, version: int) -> None:
    lab = await laboratory(64, version=version)
    async with keep_up(lab.driver()) as driver:
        reads = await asyncio.gather(*(driver.read(lab.assignment(number), 20) for number in range(64)))
    assert [read.delivered_wh for read in reads] == [1_000_003 * number + 1 for number in range(64)]
    assert {(read.received_wh, read.demand_w) for read in reads} == {(7, -250)}
    assert [read.meter for read in reads] == [f"M{number}" for number in range(64)]
    assert reads[10].path == "radio 0x100A ep 9 lqi 200"


@pytest.mark.parametrize("version", [13, 14])
async def test_what_a_meter_does_not_have_stays_none(laboratory: Make, keep_up: Make, version: int) -> None:
    lab = await laboratory(1, version=version)
    for attribute in (0x0001, 0x0007, 0x000A, 0x0200, 0x0400):
        lab.meters[0].put(attribute, 0, None)
    async with keep_up(lab.driver()) as driver:
        read = await driver.read(lab.assignment(0), 5)
    assert read.delivered_wh == 1
    assert (read.received_wh, read.demand_w, read.flags) == (None, None, None)
    assert (read.latched_at, read.update_period_s) == (None, None)


async def test_a_known_meter_takes_one_frame_and_its_nameplate_is_read_again_when_it_is_old(
    laboratory: Make, keep_up: Make
) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.driver()) as driver:
        asked = []
        for _ in range(3):
            await driver.read(lab.assignment(0), 5)
            asked.append(lab.meters[0].asked)
        assert asked == [2, 3, 4]
    async with keep_up(lab.driver(nameplate_s=0)) as driver:
        await driver.read(lab.assignment(0), 5)
        before = lab.meters[0].asked
        await driver.read(lab.assignment(0), 5)
        assert lab.meters[0].asked == before + 2


async def test_a_scale_that_changed_is_seen_once_the_old_one_is_no_longer_believed(
    laboratory: Make, keep_up: Make
) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.driver(nameplate_s=0)) as driver:
        assert (await driver.read(lab.assignment(0), 5)).delivered_wh == 1
        lab.meters[0].put(0x0302, zcl.UINT24, 100)
        assert (await driver.read(lab.assignment(0), 5)).delivered_wh == 10


async def test_neither_multiplier_nor_divisor_is_one_to_one(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    lab.meters[0].put(0x0301, 0, None)
    lab.meters[0].put(0x0302, 0, None)
    async with keep_up(lab.driver()) as driver:
        read = await driver.read(lab.assignment(0), 5)
    assert (read.delivered_wh, read.scale.assumed) == (1000, True)


async def test_binary_coded_decimal_is_decoded(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    lab.meters[0].put(0x0300, zcl.ENUM8, 0x80)
    lab.meters[0].put(0x0000, zcl.UINT48, 0x001234567890)
    lab.meters[0].put(0x0400, zcl.INT24, 0x1500)
    async with keep_up(lab.driver()) as driver:
        read = await driver.read(lab.assignment(0), 5)
    assert (read.delivered_wh, read.demand_w) == (1_234_567_890, 1500)


FAULTS = [
    ("zero divisor", lambda meter: meter.put(0x0302, zcl.UINT24, 0), BadReading, "no scale"),
    ("only a multiplier", lambda meter: meter.put(0x0302, 0, None), BadReading, "only one"),
    ("gas", lambda meter: meter.put(0x0300, zcl.ENUM8, 0x01), BadReading, "not one of energy"),
    ("bad digits", lambda meter: (meter.put(0x0300, zcl.ENUM8, 0x80), meter.put(0, zcl.UINT48, 0xABC)), BadReading, ""),
    ("garbage", lambda meter: setattr(meter, "instead", b"\x00\x00\x00\x25\x01"), BadReading, "not a frame"),
    ("empty answer", lambda meter: setattr(meter, "instead", b""), BadReading, "did not answer"),
    ("other attributes", lambda meter: setattr(meter, "instead", b"\x34\x12\x86"), BadReading, "did not answer"),
    ("a string", lambda meter: setattr(meter, "instead", b"\x06\x03\x00\x42\x02hi"), BadReading, "not a number"),
    ("not allowed", lambda meter: setattr(meter, "instead", b"\x06\x03\x7e"), Unauthorised, "does not let us"),
    ("silent", lambda meter: setattr(meter, "silent", True), Unreachable, "answers to"),
]


@pytest.mark.parametrize(("spoil", "fault", "words"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
async def test_a_meter_at_fault_fails_alone_and_in_words(
    laboratory: Make, keep_up: Make, spoil: Callable[[Any], Any], fault: type[Fault], words: str
) -> None:
    lab = await laboratory(2)
    spoil(lab.meters[0])
    async with keep_up(lab.driver(attempts=2)) as driver:
        reads = (driver.read(lab.assignment(number), 5) for number in range(2))
        told: list[Any] = await asyncio.gather(*reads, return_exceptions=True)
    bad, good = told
    assert type(bad) is fault
    assert words in str(bad)
    assert good.delivered_wh == 1_000_004


async def test_a_meter_that_falls_silent_after_its_first_read_is_unreachable(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.driver(attempts=2)) as driver:
        await driver.read(lab.assignment(0), 5)
        lab.meters[0].silent = True
        with pytest.raises(Unreachable):
            await driver.read(lab.assignment(0), 5)


async def test_the_caller_s_time_limit_holds_whatever_the_settings_say(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    lab.meters[0].delay_s = 60
    async with keep_up(lab.driver(attempt_timeout_s=60.0)) as driver:
        started = lab.clock.monotonic()
        with pytest.raises(Unreachable, match=r"within 0\.3 s"):
            await driver.read(lab.assignment(0), 0.3)
        assert lab.clock.monotonic() - started < 2


async def test_a_slow_meter_is_read_because_each_attempt_waits_longer(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.driver(attempt_timeout_s=0.2)) as driver:
        await driver.read(lab.assignment(0), 5)
        lab.meters[0].delay_s = 0.3
        assert (await driver.read(lab.assignment(0), 5)).delivered_wh == 1


async def test_a_meter_without_a_link_key_is_unauthorised(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    del lab.memory.link_keys[0]
    lab.coprocessor.keys._slots.clear()
    async with keep_up(lab.driver()) as driver:
        with pytest.raises(Unauthorised, match="no authorised link key"):
            await driver.read(lab.assignment(0), 5)


async def test_a_co_processor_that_has_forgotten_an_address_is_told_it(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    messages = lab.coprocessor.messages
    messages._eui64_of = lambda nwk: next(
        (eui64 for eui64, known in messages._addresses.values() if known == nwk), None
    )
    async with keep_up(lab.driver()) as driver:
        assert (await driver.read(lab.assignment(0), 5)).delivered_wh == 1


async def test_a_node_without_metering_is_unsupported(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1, servers=(0x0000,))
    async with keep_up(lab.driver()) as driver:
        with pytest.raises(Unsupported, match="no Metering server"):
            await driver.read(lab.assignment(0), 5)


async def test_a_stranger_s_address_is_unreachable_and_nonsense_unsupported(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.driver(attempts=1, attempt_timeout_s=0.1)) as driver:
        with pytest.raises(Unreachable, match="no node"):
            await driver.read(lab.assignment(5), 5)
        nonsense = lab.assignment(0)
        object.__setattr__(nonsense, "address", "42")
        with pytest.raises(Unsupported, match="EUI-64"):
            await driver.read(nonsense, 5)


async def test_no_more_meters_are_asked_at_once_than_the_settings_allow(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(6)
    for meter in lab.meters:
        meter.delay_s = 0.05
    async with keep_up(lab.driver(concurrency=2, attempt_timeout_s=2.0)) as driver:
        reads = [asyncio.create_task(driver.read(lab.assignment(number), 10)) for number in range(6)]
        await asyncio.wait(reads, return_when=asyncio.FIRST_COMPLETED)
        assert sum(meter.asked > 0 for meter in lab.meters) <= 3
        await asyncio.gather(*reads)
