"""A whole home behind the pages: portal, MQTT, gateway, driver and the simulated radio, all real, in this process."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import select

from drivers.zigbee import ZigBeeDriver
from gateway.clock import SystemClock
from gateway.config import Secret
from gateway.database import Database
from gateway.dice import SeededDice
from gateway.han.words import Stage
from gateway.identifiers import MeterNumber
from gateway.links import Backoff, keep
from gateway.messages import GatewayState
from gateway.ports import Assignment, Delivery
from gateway.read_policy import ReadLimits
from gateway.settings import GatewaySettings
from gateway.supervisor import Gateway
from portal.app import full_app
from portal.context import Portal
from portal.han.tables import han_devices
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from portal.vee.overview import Overview
from simulators.home_devices import FIRST_ROGUE, HomeDevice, home_device
from simulators.lab import write_certificates
from simulators.world import StreetPlan, ZigBeeStreet
from simulators.zigbee.kinds import KINDS, ROGUES
from simulators.zigbee.life import Device
from tests.drivers.homes import MASTER_KEY
from tests.gateway.fakes import shelves
from tests.mqtt.places import embedded
from tests.portal.conftest import running
from tests.portal.pages.house import House
from tests.portal.people.stand import TEAM_WORLD, Office
from tests.portal.wire import WireBus
from tests.portal.world import CHEAP, GATEWAY, GUIDES, settle

PLAN = StreetPlan(meters=1, devices=len(KINDS))
SECRET = bytes(range(32))
LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class LivingHome:
    """The house with its portal, and the home at meter 1 of its world."""

    house: House
    portal: Portal
    street: ZigBeeStreet
    clock: SystemClock

    @property
    def office(self) -> Office:
        """Acts as people of the world, without pages."""
        return Office.over(self.house.database, self.clock)

    def label(self, kind: str) -> HomeDevice:
        """The home's device of a kind, as it is printed."""
        number = FIRST_ROGUE + list(ROGUES).index(kind) if kind in ROGUES else list(KINDS).index(kind)
        return home_device(PLAN.seed, 0, 0, number, self.street.premises[0])

    def device(self, kind: str) -> Device:
        """A device itself."""
        return self.street.homes.device(self.label(kind).eui64)

    def switch_on(self, kind: str) -> None:
        """Put a device into joining mode."""
        self.street.power_on(self.label(kind).eui64)

    async def recorded(self, kind: str, stage: Stage) -> None:
        """Wait until the portal has heard that a device of the home is at a stage."""
        label = self.label(kind)
        found = select(han_devices.c.stage).where(han_devices.c.device == label.eui64)

        async def look() -> Stage | None:
            async with self.house.database.reading() as connection:
                stood: Stage | None = await connection.scalar(found)
                return stood

        reached = await self.portal.devices.wait(label.eui64, look, lambda stood: stood is stage, LIMIT_S)
        assert reached is stage, reached

    def press(self, kind: str, button: str) -> None:
        """What a person in the room does."""
        front = self.device(kind).behaviour
        assert front is not None
        front.press(button, None, self.clock.now())  # type: ignore[attr-defined]  # displays and thermostats have one


@asynccontextmanager
async def living_home(folder: Path) -> AsyncIterator[LivingHome]:
    """The home, with its gateway up; nobody has joined yet."""
    clock = SystemClock()
    async with AsyncExitStack() as exits:
        street = ZigBeeStreet(PLAN, clock)
        exits.push_async_callback(street.close)
        broker = await exits.enter_async_context(embedded())
        certificates = tuple(write_certificates(street, folder / "certificates"))
        (folder / "vault.key").write_text(MASTER_KEY, encoding="ascii")
        settings = ZigBeeDriver.Settings(
            radio=f"socket://127.0.0.1:{await street.start()}",
            database=folder / "network.db",
            certificates=certificates,
            vault_key=Secret(file=folder / "vault.key"),
        )
        premise = street.premises[0]
        meter = MeterNumber(premise.meter)
        kept = await exits.enter_async_context(shelves(folder))
        gateway = Gateway(
            settings=GatewaySettings(id=GATEWAY, database="", assignments=Path("none"), grace_s=1.0),
            limits=ReadLimits(),
            journal=kept.journal,
            devices=kept.devices,
            meters=kept.meters,
            collected=kept.collected,
            bus=broker.bus(GATEWAY),
            drivers={"radio": ZigBeeDriver("radio", settings, clock, SeededDice(7))},
            assignments={meter: Assignment(meter=meter, driver="radio", address=premise.eui64)},
            clock=clock,
            boot_id="a boot",
            sealing=SECRET,
        )
        wall = TEAM_WORLD.meters[0]
        world = replace(TEAM_WORLD, meters=(replace(wall, number=meter), *TEAM_WORLD.meters[1:]))
        database = Database.open(f"sqlite:///{folder}/portal.db")
        exits.push_async_callback(database.close)
        await settle(database, clock.now(), world)
        intervals = Database.open(f"sqlite:///{folder}/intervals.db")
        exits.push_async_callback(intervals.close)
        store, registers = await SqlIntervalStore.opened(intervals), RegisterStore(intervals)
        bus = broker.bus(None)
        portal = Portal.over(
            database, bus, clock, SeededDice(7), GUIDES, passwords=CHEAP, intervals=store, registers=registers,
            overview=Overview(intervals),
        )  # fmt: skip
        await exits.enter_async_context(running(portal))
        greeted, known = asyncio.Event(), asyncio.Event()

        async def greet() -> None:
            await portal.greet()
            greeted.set()

        async def handle(deliveries: Sequence[Delivery]) -> None:
            await portal.desk.handle(deliveries)
            if any(isinstance(each.message, GatewayState) and each.message.sealing_key for each in deliveries):
                known.set()

        serving = asyncio.create_task(keep("the bus", lambda: bus.run(handle, greet), clock, Backoff()))
        exits.push_async_callback(_ended, serving)
        await asyncio.wait_for(greeted.wait(), LIMIT_S)
        stop = asyncio.Event()
        life = asyncio.create_task(gateway.run(stop))

        async def end() -> None:
            stop.set()
            await life

        exits.push_async_callback(end)
        await asyncio.wait_for(known.wait(), LIMIT_S)
        app = full_app(portal, store, registers)
        house = House(app, database, portal.desk, store, intervals, WireBus(), clock, registers, folder / "files")
        yield LivingHome(house, portal, street, clock)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
