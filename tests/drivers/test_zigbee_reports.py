"""Meters that report by themselves, through the driver: believed as reads are, whole or not at all."""

# zigpy's numbers are unannotated.
# mypy: disable-error-code="no-untyped-call, arg-type"

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import zigpy.types as t

from drivers.zigbee import ZigBeeDriver
from drivers.zigbee.application import SmartEnergyApplication
from gateway.clock import SystemClock
from gateway.dice import SeededDice
from gateway.errors import Unreachable, Unsupported
from gateway.ports import Assignment
from gateway.reads import RegisterRead
from simulators.faults import Fault, FaultKind
from simulators.world import StreetPlan, ZigBeeStreet
from simulators.zigbee import zcl, zdo
from simulators.zigbee.air.weather import Weather
from simulators.zigbee.aps import ALL_AWAKE, ZDO
from simulators.zigbee.nodes import Node
from simulators.zigbee.reporting import packed
from tests.drivers.conftest import kept
from tests.drivers.homes import VERSIONS
from tests.simulators.air.tshark import dissected
from tests.world.homestead import SkippingClock

Make = Callable[..., Any]

EVERY_S = 60
LIMIT_S = 20.0
LEAST_METERS = 12
UNICAST = t.AddrModeAddress(addr_mode=t.AddrMode.NWK, address=0)


def body_of(**numbers: tuple[int, int, int]) -> bytes:
    """The records of a report: (attribute, type, number) each."""
    [body] = packed([(attribute, zcl.Value(kind, number)) for attribute, kind, number in numbers.values()], 73)
    return body


WHOLE = body_of(
    sum=(0x0000, 0x25, 42),
    back=(0x0001, 0x25, 42),
    at=(0x0007, 0xE2, 42),
    bits=(0x0200, 0x18, 0),
    now=(0x0400, 0x2A, 1),
)
"""Registers that no meter of a street has."""


@dataclass
class Listening:
    """A street, a driver on its radio, and what it heard of the street's meters."""

    street: ZigBeeStreet
    clock: SkippingClock
    driver: ZigBeeDriver
    told: asyncio.Queue[RegisterRead] = field(default_factory=asyncio.Queue)

    @property
    def meters(self) -> list[Assignment]:
        return [Assignment(meter=each.meter, driver="radio", address=each.eui64) for each in self.street.premises]

    @property
    def app(self) -> SmartEnergyApplication:
        app = self.driver._app
        assert isinstance(app, SmartEnergyApplication)
        return app

    def node(self, number: int) -> Node:
        node = self.street.radio.named(int(self.street.premises[number].eui64, 16))
        assert node is not None
        return node

    async def agree(self, number: int = 0) -> None:
        await self.driver.reporting.agree(self.meters[number], EVERY_S, LIMIT_S)

    async def heard(self) -> RegisterRead:
        return await asyncio.wait_for(self.told.get(), LIMIT_S)

    async def says(self, number: int, body: bytes, *, endpoint: int = 0, encrypted: bool = True) -> bool:
        """A meter sends a report of its own making, from whatever endpoint."""
        node = self.node(number)
        message = node.compose(
            cluster=0x0702,
            payload=zcl.request(200, zcl.REPORT, body, general=True, from_server=True),
            endpoints=(endpoint or next(iter(node.endpoints)), 1),
            encrypted=encrypted,
        )
        return await self.street.radio.send(node, message)

    async def announces(self, node: Node, identity: zdo.Identity) -> None:
        """A node says who it is, or who it would be."""
        announcement = node.compose(
            cluster=zdo.DEVICE_ANNOUNCE,
            payload=zdo.announcement(identity, 9),
            destination=ALL_AWAKE,
            profile=ZDO,
            endpoints=(0, 0),
            encrypted=False,
        )
        await self.street.radio.send(node, announcement)

    async def dropped(self, reason: str) -> None:
        """Until a report was dropped for a reason."""
        await until(lambda: self.driver.reporting.dropped[reason] > 0)


async def until(holds: Callable[[], bool]) -> None:
    """Until something holds of which nobody is told."""
    async with asyncio.timeout(LIMIT_S):
        while not holds():  # noqa: ASYNC110  # as said
            await asyncio.sleep(0)


@asynccontextmanager
async def listening(plan: StreetPlan) -> AsyncIterator[Listening]:
    clock = SkippingClock()
    street = ZigBeeStreet(plan, clock, SystemClock())
    try:
        radio = f"socket://127.0.0.1:{await street.start()}"
        settings = ZigBeeDriver.Settings(radio=radio, attempts=2, attempt_timeout_s=2.0)
        async with kept(ZigBeeDriver("radio", settings, clock, SeededDice(7))) as driver:
            here = Listening(street, clock, driver)
            driver.reporting.listen(here.told.put_nowait)
            yield here
    finally:
        await street.close()


@VERSIONS
async def test_a_report_of_every_model_is_what_a_read_would_have_been(version: int) -> None:
    async with listening(StreetPlan(meters=LEAST_METERS, version=version)) as here:
        for sim in here.street.meters.values():
            sim.fault = Fault(kind=FaultKind.FROZEN)
        for number in range(LEAST_METERS):
            await here.agree(number)
            assert here.driver.reporting.agreed(here.meters[number])
        here.clock.skip(EVERY_S)
        reports = [await here.heard() for _ in range(LEAST_METERS)]
        before = here.street.reads()
        for report in reports:
            number = next(place for place, each in enumerate(here.meters) if each.meter == report.meter)
            read = await here.driver.read(here.meters[number], LIMIT_S)
            assert replace(report, read_at=read.read_at, path=read.path) == read
            assert report.path == f"{read.path} reported"
            assert read.received_wh is not None or not here.street.meter(read.meter).model.has_received
        assert set(before.values()) == {1}, "a report is no read: only what was asked before it was one"
        assert here.app.plain_dropped == 0


async def test_reports_come_again_and_again_with_the_registers_of_their_instant() -> None:
    async with listening(StreetPlan(meters=1)) as here:
        await here.agree()
        values: list[int] = []
        for _ in range(3):
            here.clock.skip(EVERY_S)
            told = (await here.heard()).delivered_wh
            assert told is not None
            values.append(told)
        assert values == sorted(set(values)), "a home that is lived in uses energy in a minute"


@VERSIONS
@pytest.mark.parametrize("profile", [0x0109, 0xFFFF, 0x0104, 0xC05E])
async def test_a_plain_report_is_dropped_whatever_its_profile(version: int, profile: int) -> None:
    async with listening(StreetPlan(meters=1, version=version)) as here:
        await here.agree()
        body = bytes((0x18, 9, zcl.REPORT)) + body_of(sum=(0x0000, 0x25, 42), status=(0x0200, 0x18, 0))
        here.app.packet_received(
            t.ZigbeePacket(
                src=t.AddrModeAddress(addr_mode=t.AddrMode.NWK, address=here.node(0).nwk),
                src_ep=t.uint8_t(next(iter(here.node(0).endpoints))),
                dst=UNICAST,
                dst_ep=t.uint8_t(1),
                profile_id=t.uint16_t(profile),
                cluster_id=t.uint16_t(0x0702),
                data=t.SerializableBytes(body),
            )
        )
        assert here.app.plain_dropped == (profile in (0x0109, 0xFFFF))
        here.clock.skip(EVERY_S)
        report = await here.heard()
        assert report.delivered_wh is not None
        assert report.delivered_wh > 42
        assert here.told.empty()


async def test_a_meter_that_reports_plain_over_the_air_is_not_heard_and_counted() -> None:
    async with listening(StreetPlan(meters=1)) as here:
        await here.agree()
        await here.says(0, body_of(sum=(0x0000, 0x25, 42)), encrypted=False)
        await until(lambda: here.app.plain_dropped == 1)
        assert not here.driver.reporting.dropped


async def test_a_report_of_a_part_is_dropped_and_said_why(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "drivers.zigbee.reporting")
    async with listening(StreetPlan(meters=1)) as here:
        await here.agree()
        assert await here.says(0, body_of(sum=(0x0000, 0x25, 42)))
        await here.dropped("BadReading")
        assert here.told.empty()
    assert "the report lacks 0x" in caplog.text


async def test_a_report_with_a_collection_of_nothing_is_not_unpacked() -> None:
    async with listening(StreetPlan(meters=1)) as here:
        await here.agree()
        assert await here.says(0, bytes.fromhex("0000 48 00 ffff") * 11)
        here.clock.skip(EVERY_S)
        assert (await here.heard()).meter == here.meters[0].meter
        assert not here.driver.reporting.dropped


async def test_what_was_not_asked_for_is_not_heard() -> None:
    async with listening(StreetPlan(meters=2)) as here:
        await here.driver.read(here.meters[0], LIMIT_S)
        assert await here.says(0, WHOLE)
        assert not here.driver.reporting.agreed(here.meters[0])
        await here.agree(1)
        here.clock.skip(EVERY_S)
        assert (await here.heard()).meter == here.meters[1].meter
        assert here.told.empty()


@VERSIONS
@pytest.mark.parametrize("known", [True, False], ids=["impostor known", "impostor unknown"])
async def test_a_member_of_the_network_cannot_report_in_the_name_of_a_meter(version: int, known: bool) -> None:
    async with listening(StreetPlan(meters=2, version=version)) as here:
        await here.agree(0)
        if known:
            await here.driver.read(here.meters[1], LIMIT_S)
        meter, impostor = here.node(0), here.node(1)
        await here.announces(impostor, replace(meter.identity, nwk=impostor.nwk))
        device = here.app.devices[t.EUI64(meter.eui64.to_bytes(8, "little"))]
        await until(lambda: device.nwk == impostor.nwk)
        assert await here.says(1, WHOLE, endpoint=next(iter(meter.endpoints)))
        if not known:
            await here.dropped("Unreachable")
        here.clock.skip(EVERY_S)
        await here.driver.read(here.meters[1], LIMIT_S)
        assert here.told.empty()


async def test_a_meter_that_came_back_is_to_be_asked_again_and_heard_meanwhile() -> None:
    async with listening(StreetPlan(meters=1)) as here:
        await here.agree()
        await here.announces(here.node(0), here.node(0).identity)
        await until(lambda: not here.driver.reporting.agreed(here.meters[0]))
        here.clock.skip(EVERY_S)
        assert (await here.heard()).meter == here.meters[0].meter
        await here.agree()
        assert here.driver.reporting.agreed(here.meters[0])


async def test_a_new_connection_asks_anew() -> None:
    async with listening(StreetPlan(meters=1)) as here:
        await here.agree()
        here.street.ncp.drop()
        await until(lambda: not here.driver.reporting.agreed(here.meters[0]))
        await here.agree()
        here.clock.skip(EVERY_S)
        assert (await here.heard()).meter == here.meters[0].meter


async def test_a_report_that_the_air_lost_is_followed_by_the_next() -> None:
    async with listening(StreetPlan(meters=1)) as here:
        await here.agree()
        here.street.radio.sky.weather = Weather(loss=1.0)
        for span_s in (EVERY_S, 2, 2, 2):
            here.clock.skip(span_s)
            for _ in range(20):
                await asyncio.sleep(0)
        assert here.told.empty()
        here.street.radio.sky.weather = Weather()
        here.clock.skip(EVERY_S)
        assert (await here.heard()).meter == here.meters[0].meter


async def test_a_scale_that_is_old_is_read_anew_before_a_report_counts() -> None:
    async with listening(StreetPlan(meters=1)) as here:
        await here.agree()
        here.clock.skip(1000)
        first = await here.heard()
        here.street.meter(here.meters[0].meter).fault = Fault(kind=FaultKind.ZERO_DIVISOR)
        here.clock.skip(1000)
        await here.dropped("BadReading")
        assert here.told.empty()
        assert first.scale.divisor


async def test_who_does_not_report_or_does_not_answer_has_not_agreed(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(2)
    async with keep_up(lab.driver()) as driver:
        with pytest.raises(Unsupported, match="does not report"):
            await driver.reporting.agree(lab.assignment(0), EVERY_S, LIMIT_S)
        lab.meters[1].silent = True
        with pytest.raises(Unreachable):
            await driver.reporting.agree(lab.assignment(1), EVERY_S, 2)
        assert not any(driver.reporting.agreed(lab.assignment(number)) for number in range(2))


async def test_wireshark_reads_the_same_value_out_of_a_captured_report(tmp_path: Path) -> None:
    plan = StreetPlan(meters=1, capture=tmp_path / "reports.pcapng")
    async with listening(plan) as here:
        here.street.meter(here.meters[0].meter).fault = Fault(kind=FaultKind.FROZEN)
        await here.agree()
        here.clock.skip(EVERY_S)
        report = await here.heard()
        network, link = here.street.memory.network, here.node(0).link_key
        assert network is not None
        assert link is not None
        keys = [network.key.key, link]
    capture = tmp_path / "reports.pcapng"
    seen = dissected(capture, keys, "-V", "-Y", "zbee_zcl.cmd.id == 0x0a")
    for words in (
        "Command: Report Attributes (0x0a)",
        f"Uint48: {report.delivered_wh} ",
        f"Int24: {report.demand_w}\n",
        "Reading Snapshot Time (0x0007)",
        "Status (0x0200)",
    ):
        assert words in seen
    assert report.scale.divisor == 1000, "what is shown is watt-hours"
    assert dissected(capture, keys, "-Y", "_ws.malformed") == ""
    assert "Encrypted Payload" not in dissected(capture, keys, "-V")
