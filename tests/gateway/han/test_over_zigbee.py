"""A gateway's device commands over the real driver, a co-processor that enforces security, and devices with a life."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.han.execution import STILL_HAS_KEY
from gateway.han.messages import (
    DescribeDevice,
    DeviceChanged,
    DeviceReported,
    JoinDevice,
    PingDevice,
    RemoveDevice,
    RotateNetworkKey,
)
from gateway.han.notices import Answer, Price, Text
from gateway.han.states import JOINING
from gateway.han.words import Cause, DeviceType, Stage
from gateway.messages import AssignMeter, Command, CommandEnded, GatewayState, OutcomeStatus, ReadEnded
from gateway.ports import Delivery
from gateway.read_policy import ReadLimits
from gateway.settings import GatewaySettings
from gateway.supervisor import Gateway
from simulators.zigbee import zcl
from simulators.zigbee.life import Device
from simulators.zigbee.life import Stage as Standing
from tests.drivers.conftest import Laboratory
from tests.drivers.homes import CODE, NEWCOMER, OTHER_CODE
from tests.gateway.fakes import GATEWAY, METER, NotebookBus, request, shelves
from tests.gateway.homes import SEALING, ask, number, sealed, tell

LIMIT_S = 60.0


@dataclass
class House:
    """A running gateway at a laboratory's radio."""

    gateway: Gateway
    bus: NotebookBus
    lab: Laboratory

    async def done(self, command: Command) -> CommandEnded:
        """Give a command; how it ended."""
        if not isinstance(command, RotateNetworkKey):
            command = replace(command, meter=self.lab.assignment(0).meter)
        await self.gateway.handle([Delivery(gateway=GATEWAY, message=command)])
        async with asyncio.timeout(LIMIT_S):
            while not (found := [each for each in self.bus.told(CommandEnded) if each.id == command.id]):
                self.bus.changed.clear()
                await self.bus.changed.wait()
        return found[0]

    def timeline(self) -> list[Stage]:
        """The newcomer's stages so far."""
        entries = {each.mark.seq: each.stage for each in self.bus.told(DeviceChanged) if each.device == NEWCOMER}
        return [entries[seq] for seq in sorted(entries)]


@asynccontextmanager
async def living(folder: Path, lab: Laboratory) -> AsyncIterator[House]:
    """A gateway's life over a folder, with the laboratory's radio."""
    bus = NotebookBus()
    async with shelves(folder) as kept:
        assignment = lab.assignment(0)
        gateway = Gateway(
            settings=GatewaySettings(id=GATEWAY, database="", assignments=Path("none"), grace_s=1),
            limits=ReadLimits(),
            journal=kept.journal,
            devices=kept.devices,
            meters=kept.meters,
            collected=kept.collected,
            bus=bus,
            drivers={"radio": lab.homely(folder)},
            assignments={assignment.meter: assignment},
            clock=SystemClock(),
            boot_id="boot",
            sealing=SEALING,
        )
        stop = asyncio.Event()
        life = asyncio.create_task(gateway.run(stop))
        try:
            async with asyncio.timeout(LIMIT_S):
                while not any(link.up for state in bus.told(GatewayState) for link in state.links):
                    bus.changed.clear()
                    await bus.changed.wait()
            yield House(gateway, bus, lab)
        finally:
            stop.set()
            await life


@pytest.fixture
async def lab() -> AsyncIterator[Laboratory]:
    """One meter and a display outside."""
    laboratory = Laboratory(1)
    await laboratory.open()
    yield laboratory
    await laboratory.close()


@pytest.fixture
async def display(lab: Laboratory) -> Device:
    return lab.newcomer()


def join(of: int) -> JoinDevice:
    """A join of the display under the code on its label."""
    now = SystemClock().now()
    return JoinDevice(
        id=number(of),
        meter=METER,
        device=NEWCOMER,
        sealed_code=sealed(number(of), NEWCOMER, CODE),
        window_s=30,
        requested_at=now,
        deadline_at=now + timedelta(seconds=LIMIT_S),
    )


async def joined(house: House, display: Device, of: int) -> CommandEnded:
    """The display joins."""
    asked = asyncio.create_task(house.done(join(of)))
    async with asyncio.timeout(LIMIT_S):
        while Stage.WINDOW_OPEN not in house.timeline():
            house.bus.changed.clear()
            await house.bus.changed.wait()
    display.power_on()
    return await asked


async def test_a_display_joins_is_asked_told_and_removed(tmp_path: Path, lab: Laboratory, display: Device) -> None:
    async with living(tmp_path, lab) as house:
        ended = await joined(house, display, 1)
        assert ended.status is OutcomeStatus.DONE, ended
        assert house.timeline() == [*JOINING, Stage.ACTIVE]
        assert ended.info is not None
        assert ended.info.type is DeviceType.IN_HOME_DISPLAY
        now = SystemClock().now()
        pinged = await house.done(ask(PingDevice, 2, now, NEWCOMER))
        assert pinged.round_trip_ms is not None
        described = await house.done(ask(DescribeDevice, 3, now, NEWCOMER))
        assert described.info is not None
        assert described.info.suite == ended.info.suite
        for of, notice in ((4, Text(event=1, text="Conserve")), (5, Price(event=2, price=12))):
            assert (await house.done(tell(of, now, notice, NEWCOMER))).status is OutcomeStatus.DONE
        told = [(each.heard.answer, each.heard.event) for each in house.bus.told(DeviceReported)]
        assert (Answer.DELIVERED, 1) in told
        assert (Answer.DELIVERED, 2) in told
        assert (await house.done(ask(RemoveDevice, 6, now, NEWCOMER))).status is OutcomeStatus.DONE
        assert house.timeline()[-2:] == [Stage.REMOVING, Stage.REMOVED]


async def test_who_did_not_hear_of_its_removal_is_shut_out_by_a_new_network_key(
    tmp_path: Path, lab: Laboratory, display: Device
) -> None:
    async with living(tmp_path, lab) as house:
        await joined(house, display, 1)
        await display.power_off()
        now = SystemClock().now()
        removed = await house.done(ask(RemoveDevice, 2, now, NEWCOMER))
        assert (removed.status, removed.detail) == (OutcomeStatus.DONE, STILL_HAS_KEY)
        assert lab.memory.network is not None
        before = lab.memory.network.network_key
        change = RotateNetworkKey(
            id=number(3), driver=None, requested_at=now, deadline_at=now + timedelta(seconds=LIMIT_S)
        )
        changed = await house.done(change)
        assert (changed.status, changed.meter) == (OutcomeStatus.DONE, None), changed
        after = lab.memory.network.network_key
        assert after != before
        display.power_on()
        async with asyncio.timeout(LIMIT_S):
            assert await display.reached(Standing.GAVE_UP, Standing.REGISTERED) is Standing.GAVE_UP
    async with living(tmp_path, lab) as house:
        assert await house.done(change) == changed, "the end is told again, and the key stays"
        assert lab.memory.network.network_key == after


async def test_what_holds_is_remembered_by_the_driver_after_a_restart(
    tmp_path: Path, lab: Laboratory, display: Device
) -> None:
    async with living(tmp_path, lab) as house:
        await joined(house, display, 1)
        now = SystemClock().now()
        assert (await house.done(tell(2, now, Text(event=7, text="Conserve"), NEWCOMER))).status is OutcomeStatus.DONE
    async with living(tmp_path, lab) as house:
        pinged = await house.done(ask(PingDevice, 3, SystemClock().now(), NEWCOMER))
        assert pinged.status is OutcomeStatus.DONE, pinged


async def test_a_wrong_code_is_named_over_the_air(tmp_path: Path, lab: Laboratory) -> None:
    display = lab.newcomer(code=OTHER_CODE.reveal())
    async with living(tmp_path, lab) as house:
        ended = await joined(house, display, 1)
        assert (ended.status, ended.cause) == (OutcomeStatus.FAILED, Cause.WRONG_INSTALL_CODE), ended
        assert house.timeline()[-1] is Stage.FAILED


async def test_a_join_cut_short_by_a_stop_is_settled_at_the_next_start(
    tmp_path: Path, lab: Laboratory, display: Device
) -> None:
    command = join(1)
    async with living(tmp_path, lab) as house:
        asked = asyncio.create_task(house.done(command))
        async with asyncio.timeout(LIMIT_S):
            while Stage.WINDOW_OPEN not in house.timeline():
                house.bus.changed.clear()
                await house.bus.changed.wait()
    asked.cancel()
    async with living(tmp_path, lab) as house:
        ended = await house.done(command)
        assert (ended.status, ended.cause) == (OutcomeStatus.FAILED, Cause.INTERRUPTED), ended
        assert (await joined(house, display, 2)).status is OutcomeStatus.DONE


async def test_a_meter_of_the_network_is_read_through_an_assignment_at_run_time(
    tmp_path: Path, lab: Laboratory
) -> None:
    lab.meters[0].put(0x0007, zcl.UTC, None)  # it tells no snapshot time, so its value is never stale
    async with living(tmp_path, lab) as house:
        there = lab.assignment(0)
        again = AssignMeter(
            id=number(1), meter=there.meter, driver="radio", address=there.address, sealed_code=None, successes=()
        )
        assert (await house.done(again)).status is OutcomeStatus.DONE
        await house.gateway.handle([Delivery(gateway=GATEWAY, message=request(2, SystemClock().now(), there.meter))])
        [read, *_] = await asyncio.wait_for(house.bus.until_told(ReadEnded, 1), LIMIT_S)
        assert read.status is OutcomeStatus.DONE, read
