"""Logs, frozen registers, fast polls and snapshots over the air, from a meter that is scripted."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drivers.zigbee.device import SmartEnergyDevice
from gateway.errors import BadReading, Unreachable, Unsupported
from gateway.identifiers import MeterNumber
from gateway.ports import Assignment
from gateway.reads import Direction
from simulators.zigbee import zcl
from simulators.zigbee.octets import Octets, unsigned

Make = Callable[..., Any]

VERSIONS = pytest.mark.parametrize("version", [13, 14, 19])
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
END = 800_000_100
GET_PROFILE, FAST_POLL, TAKE_SNAPSHOT, GET_SNAPSHOT = 0x00, 0x03, 0x05, 0x06


class Logger:
    """A Metering server with a log of quarter hours, in front of a laboratory's meter."""

    def __init__(self, meter: Any, kept: list[int]) -> None:
        self._meter, self.kept = meter, kept
        self.asked: list[tuple[int, int, int]] = []
        self.strict = False
        self.gap = False
        self.most = 21
        self.refusing: int | None = None

    def attributes(self) -> Any:
        return self._meter.attributes()

    def attribute(self, attribute: int) -> Any:
        return self._meter.attribute(attribute)

    def reading(self, attributes: Any) -> Any:
        return self._meter.reading(attributes)

    def command(self, command: zcl.Command) -> zcl.Reply | int:
        octets = Octets(command.body)
        if self.refusing is not None:
            return self.refusing
        match command.header.command:
            case 0x00:
                return self._profile(octets.unsigned(1), octets.unsigned(4), octets.unsigned(1))
            case 0x03:
                return zcl.Reply(0x03, bytes((max(octets.unsigned(1), 5),)) + unsigned(END, 4))
            case 0x05:
                return zcl.Reply(0x05, unsigned(7, 4) + b"\x00")
            case 0x06:
                return zcl.Reply(
                    0x06,
                    unsigned(7, 4)
                    + unsigned(END, 4)
                    + b"\x01\x00\x01"
                    + unsigned(0x400, 4)
                    + b"\x04"
                    + unsigned(123_456, 6)
                    + b"\x01"
                    + unsigned(100_000, 6),
                )
        return 0x81

    def _profile(self, channel: int, end: int, count: int) -> zcl.Reply:
        self.asked.append((channel, end, count))
        if channel == 1:
            return zcl.Reply(0x00, unsigned(0, 4) + b"\x02\x03\x00")
        skipped = 0 if end == 0 else max(0, -(-(END - end) // 900))
        if self.strict and end and (END - end) % 900:
            return zcl.Reply(0x00, unsigned(0, 4) + b"\x03\x03\x00")
        told = self.kept[::-1][skipped:][: min(count, self.most)]
        if not told:
            return zcl.Reply(0x00, unsigned(0, 4) + b"\x05\x03\x00")
        ends_at = END - 900 * skipped - (900 if self.gap and end else 0)
        counts = b"".join(unsigned(each, 3) for each in told)
        return zcl.Reply(0x00, unsigned(ends_at, 4) + b"\x00\x03" + bytes((len(told),)) + counts)


def logging_meter(lab: Any, kept: list[int]) -> Logger:
    servers = lab.nodes[0].endpoints[9].servers
    servers[0x0702] = logger = Logger(lab.meters[0], kept)
    return logger


@VERSIONS
async def test_a_day_comes_oldest_first_in_five_frames(laboratory: Make, keep_up: Make, version: int) -> None:
    lab = await laboratory(1, version=version)
    logger = logging_meter(lab, [*range(150), 0xFFFFFF, 7])
    async with keep_up(lab.driver()) as driver:
        profile = await driver.profiles.profile(lab.assignment(0), Direction.DELIVERED, None, 96, 10)
    assert profile.wh == (*range(56, 150), None, 7)
    assert (profile.meter, profile.direction, profile.interval_s) == ("M0", Direction.DELIVERED, 900)
    assert profile.ends_at == EPOCH + timedelta(seconds=END)
    assert [count for _, _, count in logger.asked] == [21, 21, 21, 21, 12]


async def test_intervals_are_scaled_as_registers_are(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    logging_meter(lab, [3])
    lab.meters[0].put(0x0301, zcl.UINT24, 5)
    lab.meters[0].put(0x0302, zcl.UINT24, 10_000)
    async with keep_up(lab.driver()) as driver:
        profile = await driver.profiles.profile(lab.assignment(0), Direction.DELIVERED, None, 4, 10)
    assert profile.wh == (2,)


@pytest.mark.parametrize("strict", [False, True])
async def test_intervals_before_an_instant_end_there_or_earlier(laboratory: Make, keep_up: Make, strict: bool) -> None:
    lab = await laboratory(1)
    logger = logging_meter(lab, list(range(100)))
    logger.strict = strict
    before = EPOCH + timedelta(seconds=END - 899)
    async with keep_up(lab.driver()) as driver:
        profile = await driver.profiles.profile(lab.assignment(0), Direction.DELIVERED, before, 2, 10)
        old = EPOCH + timedelta(days=1)
        with pytest.raises(Unsupported, match="no intervals of that time"):
            await driver.profiles.profile(lab.assignment(0), Direction.DELIVERED, old, 2, 10)
    assert (profile.wh, profile.ends_at) == ((97, 98), EPOCH + timedelta(seconds=END - 900))


async def test_a_longer_answer_in_fragments_is_one_answer(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    logging_meter(lab, list(range(100))).most = 100
    async with keep_up(lab.driver()) as driver:
        await driver.read(lab.assignment(0), 10)
        (node,) = [one for one in driver._app.devices.values() if isinstance(one, SmartEnergyDevice)]
        assert node.meter is not None
        answer: Any = await node.meter.command(GET_PROFILE, 0, 0, 80, timeout=5, retries=0)
    assert list(answer.intervals) == list(range(99, 19, -1))


async def test_a_log_with_a_gap_is_refused(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    logging_meter(lab, list(range(100))).gap = True
    async with keep_up(lab.driver()) as driver:
        with pytest.raises(BadReading, match="gap"):
            await driver.profiles.profile(lab.assignment(0), Direction.DELIVERED, None, 42, 10)


async def test_what_a_meter_does_not_have_is_unsupported(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(2)
    logging_meter(lab, [1])
    async with keep_up(lab.driver()) as driver:
        profiles = driver.profiles
        for asking in (
            profiles.profile(lab.assignment(0), Direction.RECEIVED, None, 1, 10),
            profiles.profile(lab.assignment(1), Direction.DELIVERED, None, 1, 10),
            profiles.profile(lab.assignment(0), Direction.DELIVERED, None, 0, 10),
            profiles.frozen(lab.assignment(0), 10),
            profiles.take_snapshot(lab.assignment(1), 10),
            profiles.fast_poll(lab.assignment(1), 5, 15, 10),
        ):
            with pytest.raises(Unsupported):
                await asking


async def test_frozen_registers_are_those_of_the_last_freeze(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    lab.meters[0].put(0x0004, zcl.UINT48, 5_000)
    lab.meters[0].put(0x001F, zcl.UINT48, 700)
    lab.meters[0].put(0x0005, zcl.UINT16, 0x0100)
    async with keep_up(lab.driver()) as driver:
        frozen = await driver.profiles.frozen(lab.assignment(0), 10)
    latched = EPOCH + timedelta(seconds=800_000_000)
    assert (frozen.delivered_wh, frozen.received_wh) == (5_000, 700)
    assert (frozen.frozen_at.hour, frozen.frozen_at.minute) == (6, 0)
    assert timedelta(0) <= latched - frozen.frozen_at < timedelta(days=1)


async def test_a_fast_poll_and_a_snapshot_are_granted(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    logging_meter(lab, [1])
    async with keep_up(lab.driver()) as driver:
        granted = await driver.profiles.fast_poll(lab.assignment(0), 2, 15, 10)
        assert (granted.period_s, granted.ends_at) == (5, EPOCH + timedelta(seconds=END))
        assert await driver.profiles.take_snapshot(lab.assignment(0), 10) == 7
        taken = await driver.profiles.snapshot(lab.assignment(0), EPOCH, 0, 10)
    assert (taken.id, taken.wh, taken.tiers_wh) == (7, 123_456, (100_000,))


async def test_a_silent_meter_is_unreachable_within_its_time(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    logging_meter(lab, [1])
    async with keep_up(lab.driver()) as driver:
        await driver.read(lab.assignment(0), 10)
        lab.meters[0].silent = True
        with pytest.raises(Unreachable):
            await driver.profiles.profile(lab.assignment(0), Direction.DELIVERED, None, 1, 0.5)


async def test_a_log_outlives_a_lost_link(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    logging_meter(lab, list(range(100)))
    async with keep_up(lab.driver()) as driver:
        await driver.read(lab.assignment(0), 10)
        lab.server.drop()
        profile = await driver.profiles.profile(lab.assignment(0), Direction.DELIVERED, None, 30, 10)
    assert profile.wh == tuple(range(70, 100))


async def test_an_address_that_is_none_is_unsupported(laboratory: Make) -> None:
    lab = await laboratory(1)
    nobody = Assignment(meter=MeterNumber("M"), driver="radio", address="no address")
    with pytest.raises(Unsupported):
        async with asyncio.timeout(5):
            await lab.driver().profiles.frozen(nobody, 1)
