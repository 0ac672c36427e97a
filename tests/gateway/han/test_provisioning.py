"""Device commands at a gateway, on virtual time and a real journal: timelines, refusals, crashes, notices."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.errors import LinkLost
from gateway.han.messages import (
    DescribeDevice,
    DeviceChanged,
    DeviceReported,
    PingDevice,
    RekeyDevice,
    RemoveDevice,
)
from gateway.han.notices import (
    Answer,
    CancelText,
    Criticality,
    DeviceClass,
    Heard,
    LoadControl,
    Price,
    Text,
)
from gateway.han.states import JOINING
from gateway.han.words import NEXT_STEP, Cause, HanFault, Membership, Stage
from gateway.identifiers import Eui64
from gateway.keys import InstallCode
from gateway.messages import Command, CommandEnded, Mark, OutcomeStatus, Receipt
from gateway.ports import Delivery
from gateway.read_policy import ReadLimits
from gateway.settings import GatewaySettings
from gateway.supervisor import Gateway
from simulators.virtual_time import VirtualClock, run
from tests.gateway.fakes import GATEWAY, METER, OTHER, DictionaryDriver, NotebookBus, assignments, shelves
from tests.gateway.homes import CODE, DEVICE, SEALING, SECOND, DictionaryHome, ask, info, join, sealed, tell

ALL_STAGES = [*JOINING, Stage.ACTIVE]


@dataclass
class House:
    """A running gateway, its home network, and what it says."""

    clock: VirtualClock
    home: DictionaryHome
    driver: DictionaryDriver
    bus: NotebookBus
    gateway: Gateway

    async def handle(self, *commands: Command | Receipt, sent_at: datetime | None = None) -> None:
        """Let commands arrive as one batch."""
        await self.gateway.handle([Delivery(gateway=GATEWAY, message=each, sent_at=sent_at) for each in commands])

    async def ended(self, command: Command) -> CommandEnded:
        """How a command ended, once it is told."""
        async with asyncio.timeout(3600):
            while not (found := [each for each in self.bus.told(CommandEnded) if each.id == command.id]):
                self.bus.changed.clear()
                await self.bus.changed.wait()
        assert len({each.mark for each in found}) == 1
        return found[0]

    async def done(self, command: Command) -> CommandEnded:
        """The same for one that must succeed."""
        await self.handle(command)
        ended = await self.ended(command)
        assert ended.status is OutcomeStatus.DONE, ended
        return ended

    def timeline(self, device: Eui64 = DEVICE) -> list[Stage]:
        """The stages told of a device, in the order of their numbers."""
        entries = {each.mark.seq: each for each in self.bus.told(DeviceChanged) if each.device == device}
        return [entries[seq].stage for seq in sorted(entries)]

    def last(self, device: Eui64 = DEVICE) -> DeviceChanged:
        """The newest entry of a device's timeline."""
        return max((each for each in self.bus.told(DeviceChanged) if each.device == device), key=lambda e: e.mark.seq)

    def reported(self) -> list[tuple[Eui64, Answer]]:
        """What devices said, each once."""
        told = {each.mark.seq: each for each in self.bus.told(DeviceReported)}
        return [(told[seq].device, told[seq].heard.answer) for seq in sorted(told)]


@asynccontextmanager
async def living(
    folder: Path, home: DictionaryHome | None = None, clock: VirtualClock | None = None, **changes: object
) -> AsyncIterator[House]:
    """A gateway's life over a folder; ending the block is a clean stop."""
    clock = clock or VirtualClock()
    home = home or DictionaryHome(clock)
    driver, bus = DictionaryDriver(clock, home=home), NotebookBus()
    settings = GatewaySettings(id=GATEWAY, database="", assignments="", **changes)  # type: ignore[arg-type]  # by name
    async with shelves(folder) as kept:
        gateway = Gateway(
            settings=settings,
            limits=ReadLimits(),
            journal=kept.journal,
            devices=kept.devices,
            meters=kept.meters,
            collected=kept.collected,
            bus=bus,
            drivers={"desk": driver},
            assignments=assignments(METER, OTHER),
            clock=clock,
            boot_id="boot",
            sealing=SEALING,
        )
        stop = asyncio.Event()
        life = asyncio.create_task(gateway.run(stop))
        try:
            await clock.sleep(0.1)
            yield House(clock, home, driver, bus, gateway)
        finally:
            stop.set()
            await life


Test = Callable[[House], Awaitable[None]]


def in_a_house(test: Test) -> Callable[[Path], None]:
    """Run a test of one gateway's one life on virtual time."""

    def wrapped(tmp_path: Path) -> None:
        async def scenario() -> None:
            async with living(tmp_path) as house:
                await test(house)

        run(scenario())

    wrapped.__name__ = test.__name__
    return wrapped


@in_a_house
async def test_a_join_is_told_stage_by_stage_and_ends_active(house: House) -> None:
    command = join(1, house.clock.now())
    ended = await house.done(command)
    assert house.timeline() == ALL_STAGES
    assert (ended.info, ended.cause, ended.device) == (info(DEVICE), None, DEVICE)
    assert house.last().info == info(DEVICE)
    entries = house.bus.told(DeviceChanged)
    assert {entry.request for entry in entries} == {command.id}
    by_seq = sorted({entry.mark.seq: entry for entry in entries}.values(), key=lambda entry: entry.mark.seq)
    assert [entry.at for entry in by_seq] == sorted(entry.at for entry in by_seq)
    assert [entry.mark.seq for entry in by_seq] == list(range(1, len(ALL_STAGES) + 1))
    assert ended.mark.seq == len(ALL_STAGES) + 1
    assert not house.home.open_window


@in_a_house
async def test_a_repeated_join_is_executed_once_and_answered_again(house: House) -> None:
    command = join(1, house.clock.now())
    await house.handle(command, command)
    await house.handle(command)
    ended = await house.ended(command)
    await house.handle(command)
    assert len([each for each in house.bus.told(CommandEnded) if each == ended]) >= 2
    assert house.home.executed == [("join", DEVICE)]


@pytest.mark.parametrize("cause", [Cause.UNKNOWN_ISSUER, Cause.KEY_TABLE_FULL, Cause.LEFT_BY_ITSELF])
def test_a_failed_join_names_its_cause_and_the_next_step(tmp_path: Path, cause: Cause) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as house:
            house.home.faults[DEVICE] = (Stage.ANNOUNCED, cause)
            command = join(1, house.clock.now())
            await house.handle(command)
            ended = await house.ended(command)
            assert (ended.status, ended.cause, ended.next_step) == (OutcomeStatus.FAILED, cause, NEXT_STEP[cause])
            assert house.timeline() == [*ALL_STAGES[: ALL_STAGES.index(Stage.ANNOUNCED) + 1], Stage.FAILED]
            assert (house.last().cause, house.last().next_step) == (cause, NEXT_STEP[cause])
            assert house.last().detail == "It failed after announced."
            house.home.faults.clear()
            assert (await house.done(join(2, house.clock.now()))).info == info(DEVICE)

    run(scenario())


@in_a_house
async def test_a_wrong_code_and_a_silent_device_are_told_apart(house: House) -> None:
    house.home.outside[DEVICE] = InstallCode.checked(bytes(16))
    wrong, silent = join(1, house.clock.now()), join(2, house.clock.now(), SECOND)
    del house.home.outside[SECOND]
    await house.handle(wrong, silent)
    assert (await house.ended(wrong)).cause is Cause.WRONG_INSTALL_CODE
    assert (await house.ended(silent)).cause is Cause.WINDOW_EXPIRED


@in_a_house
async def test_a_code_that_was_sealed_for_another_device_is_not_used(house: House) -> None:
    command = replace(join(1, house.clock.now()), sealed_code=sealed(join(1, house.clock.now()).id, SECOND))
    await house.handle(command)
    ended = await house.ended(command)
    assert ended.cause is Cause.BAD_INSTALL_CODE
    assert house.timeline() == [Stage.REQUESTED, Stage.FAILED]
    assert house.home.executed == []


@in_a_house
async def test_refusals_leave_devices_as_they_are(house: House) -> None:
    now = house.clock.now()
    await house.done(join(1, now))
    elsewhere = join(2, house.clock.now(), meter=OTHER)
    late = replace(join(3, now), deadline_at=house.clock.now() - timedelta(seconds=1))
    strange = ask(PingDevice, 4, house.clock.now(), SECOND)
    await house.handle(elsewhere, late, strange)
    for command, cause in ((elsewhere, Cause.AT_ANOTHER_METER), (late, Cause.EXPIRED), (strange, Cause.UNKNOWN_DEVICE)):
        ended = await house.ended(command)
        assert (ended.status, ended.cause) == (OutcomeStatus.REFUSED, cause)
    assert house.timeline() == ALL_STAGES
    assert house.timeline(SECOND) == []


@in_a_house
async def test_a_device_has_one_command_at_a_time(house: House) -> None:
    await house.done(join(1, house.clock.now()))
    first, second = ask(RekeyDevice, 2, house.clock.now()), ask(PingDevice, 3, house.clock.now())
    await house.handle(first, second)
    assert (await house.ended(second)).cause is Cause.BUSY
    assert (await house.ended(first)).info == info(DEVICE)


@in_a_house
async def test_a_command_ends_though_the_bus_was_lost_while_it_was_taken_up(house: House) -> None:
    await house.done(join(1, house.clock.now()))
    for turns in range(12):
        command = ask(PingDevice, 10 + turns, house.clock.now())
        arriving = asyncio.create_task(house.handle(command))
        for _ in range(turns):
            await asyncio.sleep(0)
        arriving.cancel()
        await asyncio.gather(arriving, return_exceptions=True)
        await house.done(command)


@in_a_house
async def test_ping_and_describe_answer_with_what_they_are_for(house: House) -> None:
    await house.done(join(1, house.clock.now()))
    assert (await house.done(ask(PingDevice, 2, house.clock.now()))).round_trip_ms == 1000
    assert (await house.done(ask(DescribeDevice, 3, house.clock.now()))).info == info(DEVICE)


@in_a_house
async def test_a_device_that_does_not_answer_is_unreachable_at_the_deadline(house: House) -> None:
    await house.done(join(1, house.clock.now()))
    house.home.step_s = 1000
    command = ask(PingDevice, 2, house.clock.now())
    began = house.clock.now()
    await house.handle(command)
    ended = await house.ended(command)
    assert (ended.cause, ended.ended_at - began) == (Cause.UNREACHABLE, timedelta(seconds=30))
    house.home.step_s = 1
    assert (await house.done(ask(PingDevice, 3, house.clock.now()))).round_trip_ms == 1000


@in_a_house
async def test_the_drivers_fault_is_the_commands_cause(house: House) -> None:
    await house.done(join(1, house.clock.now()))
    house.home.troubles[DEVICE] = HanFault(Cause.REFUSED_BY_DEVICE, "status 0x81")
    command = ask(RekeyDevice, 2, house.clock.now())
    await house.handle(command)
    ended = await house.ended(command)
    assert (ended.status, ended.cause, ended.detail) == (
        OutcomeStatus.FAILED, Cause.REFUSED_BY_DEVICE, "status 0x81",
    )  # fmt: skip
    house.home.troubles[DEVICE] = LinkLost("pulled")  # type: ignore[assignment]  # the other fault of the port
    command = ask(RemoveDevice, 3, house.clock.now())
    await house.handle(command)
    assert (await house.ended(command)).cause is Cause.LINK_LOST
    assert house.timeline()[-2:] == [Stage.REMOVING, Stage.FAILED]


@in_a_house
async def test_a_removal_takes_the_device_off_and_may_be_repeated(house: House) -> None:
    await house.done(join(1, house.clock.now()))
    await house.done(ask(RemoveDevice, 2, house.clock.now()))
    assert house.home.members == {}
    await house.done(ask(RemoveDevice, 3, house.clock.now()))
    assert house.timeline()[-4:] == [Stage.REMOVING, Stage.REMOVED] * 2
    await house.done(join(4, house.clock.now()))
    assert house.timeline()[-1] is Stage.ACTIVE


@in_a_house
async def test_a_removal_during_a_join_cancels_it_and_closes_the_window(house: House) -> None:
    del house.home.outside[DEVICE]
    joining = join(1, house.clock.now(), window_s=200)
    await house.handle(joining)
    await house.clock.sleep(10)
    assert house.home.open_window
    removal = ask(RemoveDevice, 2, house.clock.now())
    await house.done(removal)
    assert not house.home.open_window
    cancelled = await house.ended(joining)
    assert (cancelled.status, cancelled.cause) == (OutcomeStatus.FAILED, Cause.CANCELLED)
    assert house.timeline()[-3:] == [Stage.WINDOW_OPEN, Stage.REMOVING, Stage.REMOVED]


def test_the_limit_of_devices_and_of_commands_are_settings(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path, devices_per_meter=1, commands_at_once=1) as house:
            first, second = join(1, house.clock.now()), join(2, house.clock.now(), SECOND)
            await house.handle(first, second)
            assert (await house.ended(second)).cause is Cause.BUSY
            await house.ended(first)
            third = join(3, house.clock.now(), SECOND)
            await house.handle(third)
            assert (await house.ended(third)).cause is Cause.DEVICE_LIMIT

    run(scenario())


@in_a_house
async def test_a_device_that_leaves_by_itself_is_gone_until_it_comes_back(house: House) -> None:
    await house.done(join(1, house.clock.now()))
    house.home.say(Heard(device=DEVICE, answer=Answer.LEFT, event=None, at=house.clock.now()))
    await house.clock.sleep(1)
    assert (house.last().stage, house.last().cause, house.last().request) == (
        Stage.FAILED, Cause.LEFT_BY_ITSELF, None,
    )  # fmt: skip
    house.home.say(Heard(device=DEVICE, answer=Answer.REJOINED, event=None, at=house.clock.now()))
    await house.clock.sleep(1)
    assert house.last().stage is Stage.ACTIVE
    assert house.reported() == [(DEVICE, Answer.LEFT), (DEVICE, Answer.REJOINED)]


@in_a_house
async def test_a_stranger_is_reported_once_in_a_while_and_belongs_to_no_meter(house: House) -> None:
    for _ in range(5):
        house.home.say(Heard(device=SECOND, answer=Answer.TURNED_AWAY, event=None, at=house.clock.now()))
    await house.clock.sleep(1)
    assert house.reported() == [(SECOND, Answer.TURNED_AWAY)]
    assert {each.meter for each in house.bus.told(DeviceReported)} == {None}
    await house.clock.sleep(601)
    house.home.say(Heard(device=SECOND, answer=Answer.TURNED_AWAY, event=None, at=house.clock.now()))
    await house.clock.sleep(1)
    assert len(house.reported()) == 2


@in_a_house
async def test_a_notice_reaches_one_device_or_all_of_a_meter(house: House) -> None:
    for of, device in ((1, DEVICE), (2, SECOND)):
        await house.done(join(of, house.clock.now(), device))
    text = Text(event=7, text="Conserve")
    await house.done(tell(3, house.clock.now(), text))
    await house.done(tell(4, house.clock.now(), replace(text, event=8), None))
    assert [(device, notice.event) for device, notice in house.home.told] == [  # type: ignore[union-attr]  # texts
        (DEVICE, 7), (DEVICE, 8), (SECOND, 8),
    ]  # fmt: skip
    assert house.reported() == [(DEVICE, Answer.DELIVERED)] * 2 + [(SECOND, Answer.DELIVERED)]
    house.home.troubles[SECOND] = HanFault(Cause.UNREACHABLE, "no answer")
    failing = tell(5, house.clock.now(), replace(text, event=9), None)
    await house.handle(failing)
    ended = await house.ended(failing)
    assert (ended.status, ended.cause) == (OutcomeStatus.FAILED, Cause.UNREACHABLE)
    assert ended.detail == f"1 of 2 were not told. {SECOND}: no answer"
    assert (SECOND, Answer.UNDELIVERED) in house.reported()


@in_a_house
async def test_a_notice_to_all_is_for_those_that_can_do_something_with_it(house: House) -> None:
    await house.done(join(1, house.clock.now()))
    event = LoadControl(
        event=7, classes=(DeviceClass.HVAC,), duration_min=30, criticality=Criticality.LEVEL_1, cooling_offset=20
    )
    unheard = tell(2, house.clock.now(), event, None)
    await house.handle(unheard)
    ended = await house.ended(unheard)
    assert (ended.status, ended.cause) == (OutcomeStatus.FAILED, Cause.UNKNOWN_DEVICE)
    assert ended.detail == f"No device of meter {METER} takes a LoadControl."
    assert house.home.told == []


@in_a_house
async def test_what_a_device_says_of_a_notice_is_told_with_its_number(house: House) -> None:
    await house.done(join(1, house.clock.now()))
    confirmed = Heard(device=DEVICE, answer=Answer.TEXT_CONFIRMED, event=7, at=house.clock.now())
    house.home.say(confirmed)
    [report, *_] = await house.bus.until_told(DeviceReported, 1)
    assert (report.meter, report.heard) == (METER, confirmed)


def test_reports_of_every_kind_are_repeated_in_order_until_receipted(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as house:
            ended = await house.done(join(1, house.clock.now()))
            before = len(house.bus.published)
            await house.clock.sleep(5)
            repeated = [each for each in house.bus.published[before:] if isinstance(each, DeviceChanged | CommandEnded)]
            assert [each.mark.seq for each in repeated[-ended.mark.seq :]] == list(range(1, ended.mark.seq + 1))
            await house.handle(Receipt(mark=Mark(journal="journal-1", seq=ended.mark.seq)))
            await house.clock.sleep(5)
            before = len(house.bus.told(CommandEnded))
            await house.clock.sleep(60)
            assert len(house.bus.told(CommandEnded)) == before

    run(scenario())


def test_notices_that_hold_outlive_a_restart_and_the_others_do_not(tmp_path: Path) -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        home = DictionaryHome(clock)
        async with living(tmp_path, home, clock) as house:
            await house.done(join(1, clock.now()))
            told_at = clock.now()
            await house.done(tell(2, told_at, Text(event=1, text="Old", duration_min=1)))
            await house.done(tell(3, clock.now(), Price(event=2, price=12)))
            await house.done(tell(4, clock.now(), Price(event=3, price=13)))
            await house.done(tell(5, clock.now(), Text(event=4, text="Taken back")))
            await house.done(tell(6, clock.now(), CancelText(event=4)))
            await clock.sleep(100)
        async with living(tmp_path, home, clock):
            [(device, price)] = home.remembered
            assert device == DEVICE
            assert isinstance(price, Price)
            assert price.event == 3
            assert price.starts_at is not None
            assert told_at < price.starts_at < clock.now() - timedelta(seconds=90)

    run(scenario())


def test_a_notice_that_was_told_as_undelivered_does_not_take_effect_after_a_restart(tmp_path: Path) -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        async with living(tmp_path, clock=clock) as house:
            await house.done(join(1, clock.now()))
            await house.done(tell(2, clock.now(), Text(event=1, text="Told")))
            house.home.troubles[DEVICE] = HanFault(Cause.UNREACHABLE, "off")
            for of, notice in ((3, Text(event=2, text="Untold")), (4, Price(event=3, price=10))):
                command = tell(of, clock.now(), notice)
                await house.handle(command)
                assert (await house.ended(command)).cause is Cause.UNREACHABLE
        async with living(tmp_path, clock=clock) as house:
            assert [notice.event for _, notice in house.home.remembered if isinstance(notice, Text | Price)] == [1]

    run(scenario())


@pytest.mark.parametrize("cut_after_s", [0.5, 2.5, 4.5, 6.5])
def test_a_join_that_a_stop_cuts_short_is_interrupted_and_leaves_nothing(tmp_path: Path, cut_after_s: float) -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        home = DictionaryHome(clock)
        command = join(1, clock.now())
        async with living(tmp_path, home, clock, grace_s=0) as house:
            await house.handle(command)
            await clock.sleep(cut_after_s)
        home.members[DEVICE] = Membership.JOINED  # as a killed process leaves it
        async with living(tmp_path, home, clock) as house:
            ended = await house.ended(command)
            assert (ended.status, ended.cause) == (OutcomeStatus.FAILED, Cause.INTERRUPTED)
            assert house.last().stage is Stage.FAILED
            assert home.members == {}
            assert [what for what, _ in home.executed] == ["join", "remove"]
            await house.done(join(2, clock.now()))

    run(scenario())


def test_a_join_whose_end_a_stop_cut_off_is_found_registered_and_becomes_active(tmp_path: Path) -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        home = DictionaryHome(clock)
        command = join(1, clock.now())
        async with living(tmp_path, home, clock, grace_s=0) as house:
            await house.handle(command)
            await clock.sleep(4.5)
        home.members[DEVICE] = Membership.REGISTERED
        async with living(tmp_path, home, clock) as house:
            ended = await house.ended(command)
            assert (ended.status, ended.info) == (OutcomeStatus.DONE, info(DEVICE))
            assert house.timeline()[-2:] == [Stage.REGISTERED, Stage.ACTIVE]
            assert [what for what, _ in home.executed] == ["join", "describe"]

    run(scenario())


@pytest.mark.parametrize("still_there", [False, True])
def test_a_removal_that_a_stop_cuts_short_is_carried_on_with(tmp_path: Path, still_there: bool) -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        home = DictionaryHome(clock)
        async with living(tmp_path, home, clock, grace_s=0) as house:
            await house.done(join(1, clock.now()))
            command = ask(RemoveDevice, 2, clock.now())
            await house.handle(command)
            await clock.sleep(0.5)
        if not still_there:
            home.members.clear()
        async with living(tmp_path, home, clock) as house:
            assert (await house.ended(command)).status is OutcomeStatus.DONE
            assert house.timeline()[-1] is Stage.REMOVED
            assert home.members == {}
            assert home.executed.count(("remove", DEVICE)) == 1 + still_there

    run(scenario())


def test_any_other_command_that_a_stop_cuts_short_is_interrupted(tmp_path: Path) -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        home = DictionaryHome(clock)
        async with living(tmp_path, home, clock, grace_s=0) as house:
            await house.done(join(1, clock.now()))
            command = ask(PingDevice, 2, clock.now())
            await house.handle(command)
            await clock.sleep(0.5)
        async with living(tmp_path, home, clock) as house:
            assert (await house.ended(command)).cause is Cause.INTERRUPTED
            assert home.executed.count(("ping", DEVICE)) == 1

    run(scenario())


@in_a_house
async def test_a_command_whose_sender_s_clock_is_off_keeps_its_time(house: House) -> None:
    theirs = house.clock.now() - timedelta(minutes=10)
    command = join(1, theirs)
    await house.handle(command, sent_at=theirs)
    assert (await house.ended(command)).status is OutcomeStatus.DONE


def test_a_join_whose_deadline_finds_the_journal_in_trouble_ends_when_that_is_over(tmp_path: Path) -> None:
    def alter(sql: str) -> None:
        with closing(sqlite3.connect(tmp_path / "gateway.db")) as connection:
            connection.execute(sql)

    async def scenario() -> None:
        async with living(tmp_path) as house:
            house.home.step_s = 1000
            command = join(1, house.clock.now())
            await house.handle(command)
            alter("ALTER TABLE devices RENAME TO elsewhere")
            await house.clock.sleep(320)
            alter("ALTER TABLE elsewhere RENAME TO devices")
            assert (await house.ended(command)).status is OutcomeStatus.FAILED
            assert house.last().stage is Stage.FAILED

    run(scenario())


def test_install_codes_are_gone_from_the_journal_once_the_join_has_ended(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as house:
            command = join(1, house.clock.now())
            await house.handle(command)
            assert len(await house.gateway.devices.open_commands()) == 1
            await house.ended(command)
            assert await house.gateway.devices.open_commands() == []

    run(scenario())
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("gateway.db*"))
    assert CODE.reveal() not in kept
    assert CODE.reveal().hex().encode() not in kept.lower()


def test_a_meter_without_a_home_network_and_one_that_is_not_assigned_are_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as house:
            foreign = replace(join(1, house.clock.now()), meter=type(METER)("UNKNOWN"))
            await house.handle(foreign)
            assert (await house.ended(foreign)).cause is Cause.UNKNOWN_METER
            house.driver.home = None
            homeless = join(2, house.clock.now())
            await house.handle(homeless)
            assert (await house.ended(homeless)).cause is Cause.NO_HOME_NETWORK

    run(scenario())
