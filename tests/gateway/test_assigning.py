"""Meters that come and go while a gateway runs, on virtual time and a real journal."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.errors import FailureReason
from gateway.han.messages import DeviceChanged, PingDevice, RemoveDevice
from gateway.han.states import JOINING
from gateway.han.words import Cause, Membership, Stage
from gateway.identifiers import MeterNumber
from gateway.keys import InstallCode
from gateway.messages import (
    AssignMeter,
    CommandEnded,
    MeterCommand,
    OutcomeStatus,
    ReadEnded,
    RequestRead,
    WithdrawMeter,
)
from simulators.virtual_time import VirtualClock, run
from tests.gateway.fakes import METER, request
from tests.gateway.han.test_provisioning import House, living
from tests.gateway.homes import DEVICE, DictionaryHome, ask, join, number, sealed

NEW = MeterNumber("900000999")


def assign(
    of: int, meter: MeterNumber = NEW, *, code: bool = False, successes: tuple[datetime, ...] = ()
) -> AssignMeter:
    return AssignMeter(
        id=number(of), meter=meter, driver="desk", address=DEVICE if code else "7",
        sealed_code=sealed(number(of)) if code else None, successes=successes,
    )  # fmt: skip


def withdraw(of: int, meter: MeterNumber = METER) -> WithdrawMeter:
    return WithdrawMeter(id=number(of), meter=meter)


async def read(house: House, asked: RequestRead) -> ReadEnded:
    await house.gateway.reads.handle([asked])
    while not (found := [each for each in house.bus.outcomes if each.id == asked.id]):
        house.bus.changed.clear()
        await house.bus.changed.wait()
    return found[0]


async def carried_out(house: House, command: MeterCommand) -> CommandEnded:
    await house.handle(command)
    return await house.ended(command)


def test_an_assigned_meter_can_be_read_and_a_withdrawn_one_cannot(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as house:
            unknown = await read(house, request(1, house.clock.now(), NEW))
            assert unknown.reason is FailureReason.UNKNOWN_METER
            assert (await carried_out(house, assign(2))).status is OutcomeStatus.DONE
            assert house.gateway.state().meters == 3
            done = await read(house, request(3, house.clock.now(), NEW))
            assert done.status is OutcomeStatus.DONE
            ended = await carried_out(house, withdraw(4, NEW))
            assert ended.successes == (done.accepted_at,)
            assert (await read(house, request(5, house.clock.now(), NEW))).reason is FailureReason.UNKNOWN_METER

    run(scenario())


def test_what_was_told_wins_over_the_file_at_every_start(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as house:
            await carried_out(house, assign(1))
            await carried_out(house, withdraw(2))
            await carried_out(house, replace(assign(3, MeterNumber("900000117")), address="elsewhere"))
        async with living(tmp_path) as house:
            assert {meter: each.address for meter, each in house.gateway.assignments.items()} == {
                NEW: "7", MeterNumber("900000117"): "elsewhere",
            }  # fmt: skip

    run(scenario())


def test_the_hour_goes_with_the_meter(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path / "old") as house:
            done = await read(house, request(1, house.clock.now()))
            ended = await carried_out(house, withdraw(2))
        assert ended.successes is not None
        async with living(tmp_path / "new", clock=house.clock) as other:
            await carried_out(other, withdraw(3))
            await carried_out(other, assign(4, METER, successes=ended.successes))
            refused = await read(other, request(5, other.clock.now()))
            assert refused.reason is FailureReason.LIMIT
            assert refused.next_allowed_at == (done.accepted_at or other.clock.now()) + timedelta(hours=1)
            back = await carried_out(other, withdraw(6))
        async with living(tmp_path / "old", clock=house.clock) as house:
            slightly_off = tuple(at + timedelta(seconds=3) for at in back.successes or ())
            await carried_out(house, assign(7, METER, successes=slightly_off))
            refused = await read(house, request(8, house.clock.now()))
            assert (refused.used_today, refused.reason) == (1, FailureReason.LIMIT)

    run(scenario())


def test_a_withdrawal_waits_for_the_meter_s_open_read(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as house:
            house.driver.takes_s = 20
            asked = request(1, house.clock.now())
            await house.gateway.reads.handle([asked])
            command = withdraw(2)
            await house.handle(command)
            await house.clock.sleep(10)
            assert house.bus.told(CommandEnded) == []
            ended = await house.ended(command)
            assert ended.successes == (asked.requested_at,)

    run(scenario())


def test_a_withdrawal_is_idempotent_and_knows_a_meter_that_is_not_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as house:
            command = withdraw(1, NEW)
            first = await carried_out(house, command)
            assert (first.status, first.successes) == (OutcomeStatus.DONE, ())
            await house.handle(command)
            assert await house.ended(command) == first

    run(scenario())


def test_a_withdrawal_ends_though_the_bus_was_lost_while_it_was_taken_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as house:
            for turns in range(12):
                command = withdraw(10 + turns, NEW)
                arriving = asyncio.create_task(house.handle(command))
                for _ in range(turns):
                    await asyncio.sleep(0)
                arriving.cancel()
                await asyncio.gather(arriving, return_exceptions=True)
                assert (await carried_out(house, command)).status is OutcomeStatus.DONE

    run(scenario())


def test_a_withdrawal_that_a_stop_cuts_short_ends_after_the_next_start(tmp_path: Path) -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        command = withdraw(2)
        async with living(tmp_path, clock=clock, grace_s=0) as house:
            house.driver.takes_s = 90
            await house.gateway.reads.handle([request(1, clock.now())])
            await house.handle(command)
            await clock.sleep(1)
        async with living(tmp_path, clock=clock) as house:
            ended = await house.ended(command)
            assert (ended.status, ended.successes) == (OutcomeStatus.DONE, ())
            assert METER not in house.gateway.assignments

    run(scenario())


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (replace(assign(1, code=True), driver="radio"), "no driver 'radio'; it has desk"),
        (replace(assign(1, code=True), address="not an address"), "EUI-64"),
    ],
)
def test_an_assignment_that_cannot_be_is_refused_in_words(tmp_path: Path, command: AssignMeter, words: str) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as house:
            ended = await carried_out(house, command)
            assert (ended.status, ended.cause) == (OutcomeStatus.REFUSED, Cause.BAD_COMMAND)
            assert words in ended.detail
            assert NEW not in house.gateway.assignments

    run(scenario())


def test_two_meters_do_not_share_an_address(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as house:
            await carried_out(house, assign(1))
            ended = await carried_out(house, assign(2, MeterNumber("900000998")))
            assert (ended.status, ended.cause) == (OutcomeStatus.REFUSED, Cause.AT_ANOTHER_METER)
            await carried_out(house, withdraw(3, NEW))
            assert (await carried_out(house, assign(4, MeterNumber("900000998")))).status is OutcomeStatus.DONE

    run(scenario())


def test_a_meter_with_an_install_code_joins_before_it_is_assigned(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as house:
            assert (await carried_out(house, assign(1, code=True))).status is OutcomeStatus.DONE
            assert house.timeline() == [*JOINING, Stage.ACTIVE]
            assert {entry.meter for entry in house.bus.told(DeviceChanged)} == {NEW}
            assert house.gateway.assignments[NEW].address == DEVICE
            assert await house.gateway.devices.active(NEW) == []
            await carried_out(house, withdraw(2, NEW))
            await house.clock.sleep(5)
            assert house.timeline()[-2:] == [Stage.REMOVING, Stage.REMOVED]
            assert house.home.members == {}

    run(scenario())


def test_a_meter_that_does_not_join_is_not_assigned(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as house:
            house.home.outside[DEVICE] = InstallCode.checked(bytes(16))
            ended = await carried_out(house, assign(1, code=True))
            assert (ended.status, ended.cause) == (OutcomeStatus.FAILED, Cause.WRONG_INSTALL_CODE)
            assert NEW not in house.gateway.assignments
            assert house.timeline()[-1] is Stage.FAILED

    run(scenario())


def test_a_device_of_a_meter_cannot_become_a_meter_elsewhere(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as house:
            await house.done(join(1, house.clock.now()))
            ended = await carried_out(house, assign(2, code=True))
            assert (ended.status, ended.cause) == (OutcomeStatus.REFUSED, Cause.AT_ANOTHER_METER)
            await house.done(ask(PingDevice, 3, house.clock.now()))

    run(scenario())


@pytest.mark.parametrize("registered", [False, True])
def test_a_meter_s_join_that_a_stop_cuts_short_is_settled_at_the_next_start(tmp_path: Path, registered: bool) -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        home = DictionaryHome(clock)
        command = assign(1, code=True)
        async with living(tmp_path, home, clock, grace_s=0) as house:
            await house.handle(command)
            await clock.sleep(3.5)
        if registered:
            home.members[DEVICE] = Membership.REGISTERED
        async with living(tmp_path, home, clock) as house:
            ended = await house.ended(command)
            assert ended.cause is (None if registered else Cause.INTERRUPTED)
            assert (NEW in house.gateway.assignments) is registered

    run(scenario())


def test_a_withdrawal_waits_until_the_journal_is_there_again(tmp_path: Path) -> None:
    def alter(sql: str) -> None:
        with closing(sqlite3.connect(tmp_path / "gateway.db")) as connection:
            connection.execute(sql)

    async def scenario() -> None:
        async with living(tmp_path) as house:
            alter("ALTER TABLE assignments RENAME TO elsewhere")
            command = withdraw(1)
            await house.handle(command)
            await house.clock.sleep(40)
            assert house.bus.told(CommandEnded) == []
            alter("ALTER TABLE elsewhere RENAME TO assignments")
            assert (await house.ended(command)).status is OutcomeStatus.DONE
            assert METER not in house.gateway.assignments

    run(scenario())


def test_a_meter_whose_leaving_a_stop_cut_short_is_gone_after_the_next_start_and_may_come_back(tmp_path: Path) -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        home = DictionaryHome(clock)
        command = withdraw(2, NEW)
        async with living(tmp_path, home, clock, grace_s=0) as house:
            await carried_out(house, assign(1, code=True))
            await house.handle(command)
            await clock.sleep(home.step_s / 2)
        async with living(tmp_path, home, clock) as house:
            await house.ended(command)
            assert house.last().stage is Stage.REMOVED
            assert home.members == {}
            assert (await carried_out(house, assign(3, code=True))).status is OutcomeStatus.DONE

    run(scenario())


@pytest.mark.parametrize("again", [False, True], ids=["remove", "join"])
def test_a_meter_is_not_taken_off_its_network_as_a_device_of_its_own(tmp_path: Path, again: bool) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as house:
            await carried_out(house, assign(1, code=True))
            now = house.clock.now()
            command = join(2, now, meter=NEW) if again else ask(RemoveDevice, 2, now, meter=NEW)
            await house.handle(command)
            ended = await house.ended(command)
            assert (ended.status, ended.cause) == (OutcomeStatus.REFUSED, Cause.BAD_COMMAND)
            assert house.home.members == {DEVICE: Membership.REGISTERED}
            await house.done(ask(PingDevice, 3, now, meter=NEW))

    run(scenario())
