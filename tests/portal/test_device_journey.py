"""From the portal's desk to a home network and back, over the bus in one process, on virtual time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from gateway.database import Database
from gateway.dice import SeededDice
from gateway.errors import FailureReason
from gateway.han.messages import PingDevice, RemoveDevice
from gateway.han.notices import Answer, Heard, Text
from gateway.han.states import JOINING
from gateway.han.words import NEXT_STEP, Cause, Membership, Stage
from gateway.identifiers import GatewayId, MeterNumber
from gateway.keys import InstallCode
from gateway.links import Backoff, keep
from gateway.ports import Assignment, Ended
from gateway.read_policy import ReadLimits
from gateway.settings import GatewaySettings
from gateway.supervisor import Gateway
from mqtt.memory import MemoryBroker, MemoryBus, Weather
from portal.context import Portal
from portal.han.ask import DeviceRefusal, DeviceRefused, Given
from portal.han.history import find_command, find_device, words_of
from portal.han.shown import GatewayCommand
from portal.han.status import CommandKind, CommandStatus, is_open
from portal.han.tables import han_outbox
from portal.han.who_may import ManagedMeter
from portal.meters.assignment import standing
from portal.meters.steps import Step
from portal.reads.ask import Asked, AskRefusal, Refused
from portal.reads.status import ReadStatus
from portal.seed import SeedGateway
from portal.viewer import Viewer
from portal.visibility import VisibleMeter
from simulators.virtual_time import VirtualClock, run
from tests.gateway.fakes import DictionaryDriver, request, shelves
from tests.gateway.homes import CODE, DEVICE, DictionaryHome
from tests.portal.conftest import running
from tests.portal.world import CHEAP, GATEWAY, GUIDES, WORLD, settle, viewer, visible

NEXT = GatewayId("gw-3")
SECRET = bytes(range(32))


@dataclass
class Town:
    """A portal and its gateways over one broker; gateways and portal can be stopped and started again."""

    folder: Path
    clock: VirtualClock
    broker: MemoryBroker
    portal: Portal
    who: Viewer
    meter: VisibleMeter
    homes: dict[GatewayId, DictionaryHome] = field(default_factory=dict)
    drivers: dict[GatewayId, DictionaryDriver] = field(default_factory=dict)

    @asynccontextmanager
    async def gateway(self, id_: GatewayId, *meters: MeterNumber, grace_s: float = 5.0) -> AsyncIterator[Gateway]:
        """A gateway's life."""
        home = self.homes.setdefault(id_, DictionaryHome(self.clock))
        driver = self.drivers.setdefault(id_, DictionaryDriver(self.clock, home=home))
        settings = GatewaySettings(id=id_, database="", assignments=Path("none"), grace_s=grace_s)
        async with shelves(self.folder / id_, f"journal of {id_}") as kept:
            gateway = Gateway(
                settings=settings,
                limits=ReadLimits(),
                journal=kept.journal,
                devices=kept.devices,
                meters=kept.meters,
                collected=kept.collected,
                bus=MemoryBus(self.broker, id_, self.clock, SeededDice(2)),
                drivers={"desk": driver},
                assignments={each: Assignment(meter=each, driver="desk", address=each) for each in meters},
                clock=self.clock,
                boot_id=f"boot at {self.clock.now()}",
                sealing=SECRET,
            )
            stop = asyncio.Event()
            life = asyncio.create_task(gateway.run(stop))
            try:
                await self.clock.sleep(1)
                yield gateway
            finally:
                stop.set()
                await life

    async def shown(self, answer: Given | DeviceRefused) -> GatewayCommand:
        """A command as it stands."""
        assert isinstance(answer, Given), answer
        async with self.portal.database.reading() as connection:
            command = await find_command(connection, self.who, answer.id, self.clock.now())
        assert command is not None
        return command

    async def ended(self, answer: Given | DeviceRefused, timeout_s: float = 900) -> GatewayCommand:
        """A command once it is over."""
        assert isinstance(answer, Given), answer
        return await self.portal.devices.wait(
            answer.id, lambda: self.shown(answer), lambda found: not is_open(found.status), timeout_s
        )

    async def join(self) -> GatewayCommand:
        """A device on the network."""
        ended = await self.ended(await self.portal.devices.join(self.meter, self.who, DEVICE, CODE, 60))
        assert ended.status is CommandStatus.DONE, ended
        return ended

    @property
    def managed(self) -> ManagedMeter:
        """The meter as the TDSP manages it."""
        return ManagedMeter(meter=self.meter, since=None)

    async def step(self) -> tuple[Step, GatewayId | None]:
        """Where the meter stands."""
        async with self.portal.database.reading() as connection:
            here = await standing(connection, self.meter.id, lock=False)
        return here.step, here.gateway

    async def until_step(self, step: Step) -> None:
        """Wait for a step of the meter."""
        async with asyncio.timeout(900):
            while (await self.step())[0] is not step:
                await self.clock.sleep(0.5)


@asynccontextmanager
async def town(folder: Path, weather: Weather | None = None) -> AsyncIterator[Town]:
    """A portal in its small world with one more gateway, and no gateway alive yet."""
    clock = VirtualClock()
    database = Database.open(f"sqlite:///{folder}/portal.db")
    broker = MemoryBroker(clock, SeededDice(1), weather)
    bus = MemoryBus(broker, None, clock, SeededDice(3))
    async with AsyncExitStack() as exits:
        exits.push_async_callback(database.close)
        world = replace(WORLD, gateways=(*WORLD.gateways, SeedGateway(id=NEXT, tdsp="Hill Country Wires")))
        await settle(database, clock.now(), world)
        portal = Portal.over(database, bus, clock, SeededDice(4), GUIDES, passwords=CHEAP)
        await exits.enter_async_context(running(portal))
        serving = keep("the bus", lambda: bus.run(portal.desk.handle, portal.greet), clock, Backoff())
        exits.callback(asyncio.create_task(serving).cancel)
        who = await viewer(database, "wires.admin")
        yield Town(folder, clock, broker, portal, who, await visible(database, who, 1, clock.now()))


Scenario = Callable[[Town], Awaitable[None]]


def in_a_town(scenario: Scenario) -> Callable[[Path], None]:
    """Run a scenario on virtual time."""

    def wrapped(tmp_path: Path) -> None:
        async def play() -> None:
            async with town(tmp_path) as here:
                await scenario(here)

        run(play())

    wrapped.__name__ = scenario.__name__
    return wrapped


@in_a_town
async def test_a_join_goes_from_the_desk_to_active_with_its_timeline(here: Town) -> None:
    async with here.gateway(GATEWAY, here.meter.number):
        command = await here.join()
        assert [entry.stage for entry in command.timeline] == [*JOINING, Stage.ACTIVE]
        assert {entry.request for entry in command.timeline} == {command.id}
        assert command.info is not None
        async with here.portal.database.reading() as connection:
            device = await find_device(connection, here.managed, DEVICE)
            assert await connection.scalar(select(func.count()).select_from(han_outbox)) == 0
        assert device is not None
        assert (device.stage, device.info, device.timeline) == (Stage.ACTIVE, command.info, command.timeline)


@in_a_town
async def test_a_failed_join_says_why_and_what_to_do(here: Town) -> None:
    async with here.gateway(GATEWAY, here.meter.number):
        here.homes[GATEWAY].outside[DEVICE] = InstallCode.checked(bytes(16))
        ended = await here.ended(await here.portal.devices.join(here.meter, here.who, DEVICE, CODE, 60))
        assert (ended.status, ended.cause) == (CommandStatus.FAILED, Cause.WRONG_INSTALL_CODE)
        assert ended.next_step == NEXT_STEP[Cause.WRONG_INSTALL_CODE]
        assert ended.timeline[-1].stage is Stage.FAILED


@in_a_town
async def test_commands_and_notices_come_back_with_what_devices_say(here: Town) -> None:
    async with here.gateway(GATEWAY, here.meter.number):
        await here.join()
        devices = here.portal.devices
        assert (await here.ended(await devices.command(here.meter, here.who, PingDevice, DEVICE))).round_trip_ms == 1000
        told = await devices.notify(here.meter, here.who, None, lambda event: Text(event=event, text="Conserve"))
        command = await here.ended(told)
        assert (command.status, command.notice) == (CommandStatus.DONE, {**(command.notice or {}), "text": "Conserve"})
        assert isinstance(told, Given)
        assert command.event == told.event
        again = await devices.notify(here.meter, here.who, DEVICE, lambda event: Text(event=event, text="More"))
        assert (await here.ended(again)).event == (told.event or 0) + 1
        heard = Heard(device=DEVICE, answer=Answer.TEXT_CONFIRMED, event=told.event, at=here.clock.now())
        here.homes[GATEWAY].say(heard)
        await here.clock.sleep(2)
        async with here.portal.database.reading() as connection:
            words = await words_of(connection, here.managed, None, 10)
        assert [word.answer for word in words] == [Answer.TEXT_CONFIRMED, Answer.DELIVERED, Answer.DELIVERED]


@in_a_town
async def test_a_removal_cancels_the_join_that_is_under_way(here: Town) -> None:
    async with here.gateway(GATEWAY, here.meter.number):
        del here.homes[GATEWAY].outside[DEVICE]
        joining = await here.portal.devices.join(here.meter, here.who, DEVICE, CODE, 200)
        await here.clock.sleep(10)
        second = await here.portal.devices.join(here.meter, here.who, DEVICE, CODE, 200)
        assert isinstance(second, DeviceRefused)
        assert second.reason is DeviceRefusal.JOINING
        removal = await here.ended(await here.portal.devices.command(here.meter, here.who, RemoveDevice, DEVICE))
        assert removal.status is CommandStatus.DONE
        cancelled = await here.ended(joining)
        assert (cancelled.status, cancelled.cause) == (CommandStatus.FAILED, Cause.CANCELLED)


@in_a_town
async def test_a_command_to_a_gateway_that_is_away_expires_and_a_late_end_replaces_that(here: Town) -> None:
    async with here.gateway(GATEWAY, here.meter.number):
        await here.join()
    answer = await here.portal.devices.command(here.meter, here.who, PingDevice, DEVICE)
    expired = await here.ended(answer)
    assert (expired.status, expired.cause) == (CommandStatus.EXPIRED, Cause.EXPIRED)
    assert here.clock.now() - expired.asked_at < timedelta(seconds=80)
    async with here.gateway(GATEWAY, here.meter.number):
        await here.clock.sleep(120)
        assert (await here.shown(answer)).status is CommandStatus.EXPIRED
        assert here.homes[GATEWAY].executed.count(("ping", DEVICE)) == 0


@in_a_town
async def test_a_join_survives_the_gateways_death_in_every_second_of_it(here: Town) -> None:
    for seconds in range(1, 9):
        async with here.gateway(GATEWAY, here.meter.number, grace_s=0):
            answer = await here.portal.devices.join(here.meter, here.who, DEVICE, CODE, 60)
            await here.clock.sleep(seconds)
        home = here.homes[GATEWAY]
        if DEVICE in home.members or seconds > 3:
            home.members[DEVICE] = Membership.REGISTERED if seconds > 6 else Membership.JOINED
        async with here.gateway(GATEWAY, here.meter.number):
            ended = await here.ended(answer)
            assert ended.status in (CommandStatus.DONE, CommandStatus.FAILED), ended
            assert ended.timeline[-1].stage is (Stage.ACTIVE if ended.status is CommandStatus.DONE else Stage.FAILED)
            assert (DEVICE in home.members) is (ended.status is CommandStatus.DONE)


def test_lost_repeated_and_delayed_messages_change_nothing(tmp_path: Path) -> None:
    async def play() -> None:
        weather = Weather(lost=0.3, repeated=0.3, unconfirmed=0.05, delay_s=(0.0, 0.4))
        async with town(tmp_path, weather) as here, here.gateway(GATEWAY, here.meter.number):
            for _ in range(3):
                command = await here.join()
                await here.clock.sleep(30)
                command = await here.shown(Given(id=command.id))
                assert [entry.stage for entry in command.timeline] == [*JOINING, Stage.ACTIVE]
                removal = await here.portal.devices.command(here.meter, here.who, RemoveDevice, DEVICE)
                assert (await here.ended(removal)).status is CommandStatus.DONE
            assert here.homes[GATEWAY].executed.count(("join", DEVICE)) == 3

    run(play())


async def read(here: Town) -> ReadStatus | AskRefusal:
    """A read of the meter: how it ended, or why there was none."""
    answer = await here.portal.desk.ask(here.meter, here.who)
    if isinstance(answer, Refused):
        return answer.reason
    assert isinstance(answer, Asked)
    ended = await here.portal.desk.wait(answer.id, 200)
    assert ended is not None
    return ended.status


@in_a_town
async def test_a_meter_moves_to_another_gateway_with_its_hour(here: Town) -> None:
    async with here.gateway(GATEWAY, here.meter.number) as old, here.gateway(NEXT) as new:
        assert await read(here) is ReadStatus.DONE
        given = await here.portal.devices.assign(here.meter, here.who, (NEXT, "desk", "7"), None)
        withdrawal = await here.ended(given)
        assert (withdrawal.kind, withdrawal.gateway) == (CommandKind.WITHDRAW, GATEWAY)
        await here.until_step(Step.SERVED)
        assert await here.step() == (Step.SERVED, NEXT)
        assert here.meter.number not in old.assignments
        assert new.assignments[here.meter.number].address == "7"
        refused = await new.journal.claim(
            [request(77, here.clock.now(), here.meter.number)], here.clock.now(), ReadLimits(), new.assignments
        )
        assert isinstance(refused[0], Ended)
        assert refused[0].outcome.reason is FailureReason.LIMIT
        assert await read(here) is AskRefusal.HOUR
        await here.clock.sleep(3601)
        assert await read(here) is ReadStatus.DONE
        assert here.drivers[NEXT].executed == [here.meter.number]


@in_a_town
async def test_a_withdrawn_meter_cannot_be_read_until_it_is_assigned(here: Town) -> None:
    async with here.gateway(GATEWAY, here.meter.number):
        given = await here.portal.devices.withdraw(here.meter, here.who)
        assert await read(here) is AskRefusal.NO_GATEWAY
        assert (await here.ended(given)).status is CommandStatus.DONE
        assert await here.step() == (Step.UNSERVED, None)
        again = await here.portal.devices.withdraw(here.meter, here.who)
        assert isinstance(again, DeviceRefused)
        assert again.reason is DeviceRefusal.NO_GATEWAY
        joining = await here.portal.devices.join(here.meter, here.who, DEVICE, CODE, 60)
        assert isinstance(joining, DeviceRefused)
        assert joining.reason is DeviceRefusal.NO_GATEWAY
        given = await here.portal.devices.assign(here.meter, here.who, (GATEWAY, "desk", "1"), None)
        assert (await here.ended(given)).status is CommandStatus.DONE
        assert await read(here) is ReadStatus.DONE


@in_a_town
async def test_a_move_waits_for_gateways_that_are_away_and_goes_on_by_itself(here: Town) -> None:
    given = await here.portal.devices.assign(here.meter, here.who, (NEXT, "desk", "7"), None)
    assert isinstance(given, Given)
    await here.clock.sleep(3600)
    assert await here.step() == (Step.WITHDRAWING, GATEWAY)
    second = await here.portal.devices.withdraw(here.meter, here.who)
    assert isinstance(second, DeviceRefused)
    assert second.reason is DeviceRefusal.MOVING
    async with here.gateway(GATEWAY, here.meter.number):
        await here.until_step(Step.ASSIGNING)
    await here.clock.sleep(3600)
    async with here.gateway(NEXT):
        await here.until_step(Step.SERVED)
    assert await here.step() == (Step.SERVED, NEXT)


@in_a_town
async def test_a_meter_that_cannot_be_served_stays_unserved_and_keeps_its_successes(here: Town) -> None:
    async with here.gateway(GATEWAY, here.meter.number), here.gateway(NEXT):
        assert await read(here) is ReadStatus.DONE
        await here.portal.devices.assign(here.meter, here.who, (NEXT, "no such driver", "7"), None)
        await here.until_step(Step.UNSERVED)
        given = await here.portal.devices.assign(here.meter, here.who, (NEXT, "desk", "7"), None)
        assert (await here.ended(given)).status is CommandStatus.DONE
        assert await here.step() == (Step.SERVED, NEXT)
        assert await read(here) is AskRefusal.HOUR


@in_a_town
async def test_a_meter_joins_with_its_code_before_it_is_served(here: Town) -> None:
    async with here.gateway(GATEWAY, here.meter.number), here.gateway(NEXT):
        await here.portal.devices.assign(here.meter, here.who, (NEXT, "desk", DEVICE), CODE)
        await here.until_step(Step.SERVED)
        async with here.portal.database.reading() as connection:
            device = await find_device(connection, here.managed, DEVICE)
        assert device is not None
        assert [entry.stage for entry in device.timeline] == [*JOINING, Stage.ACTIVE]
        assert here.homes[NEXT].members == {DEVICE: Membership.REGISTERED}


@in_a_town
async def test_a_device_that_is_at_another_meter_is_refused_at_once(here: Town) -> None:
    other = await visible(here.portal.database, here.who, 2, here.clock.now())
    async with here.gateway(GATEWAY, here.meter.number, other.number):
        await here.join()
        answer = await here.portal.devices.join(other, here.who, DEVICE, CODE, 60)
        assert isinstance(answer, DeviceRefused)
        assert answer.reason is DeviceRefusal.AT_ANOTHER_METER
        await here.ended(await here.portal.devices.command(here.meter, here.who, RemoveDevice, DEVICE))
        ended = await here.ended(await here.portal.devices.join(other, here.who, DEVICE, CODE, 60))
        assert ended.status is CommandStatus.DONE
        async with here.portal.database.reading() as connection:
            assert await find_device(connection, here.managed, DEVICE) is None


@in_a_town
async def test_no_install_code_is_kept_anywhere(here: Town) -> None:
    async with here.gateway(GATEWAY, here.meter.number):
        await here.join()
    for path in [*here.folder.glob("portal.db*"), *(here.folder / GATEWAY).glob("gateway.db*")]:
        kept = path.read_bytes()
        assert CODE.reveal() not in kept
        assert CODE.reveal().hex().upper().encode() not in kept.upper()
