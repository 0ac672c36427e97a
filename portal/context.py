"""What a running portal is made of, within reach of every request."""

import asyncio
from dataclasses import dataclass
from typing import Self

from fastapi import Request

from gateway.clock import Clock
from gateway.database import Database
from gateway.dice import Dice
from gateway.ports import Bus
from gateway.read_policy import ReadLimits
from portal.accounts.passwords import Passwords
from portal.accounts.signing_in import Door
from portal.accounts.throttle import Throttle
from portal.han.desk import DeviceDesk
from portal.market.desk import MarketDesk
from portal.reads.desk import ReadDesk
from portal.settings import PortalSettings
from portal.usage.registers import RegisterStore
from portal.usage.store import IntervalStore
from portal.vee.explain import Explainer


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """The parts that routes use; one per application, made by whoever starts it."""

    database: Database
    desk: ReadDesk
    devices: DeviceDesk
    market: MarketDesk
    door: Door
    clock: Clock
    dice: Dice
    settings: PortalSettings
    intervals: IntervalStore | None = None
    registers: RegisterStore | None = None
    explainer: Explainer | None = None

    @classmethod
    def over(
        cls,
        database: Database,
        bus: Bus,
        clock: Clock,
        dice: Dice,
        settings: PortalSettings | None = None,
        limits: ReadLimits | None = None,
        passwords: Passwords | None = None,
        intervals: IntervalStore | None = None,
        collected: IntervalStore | None = None,
        registers: RegisterStore | None = None,
        explainer: Explainer | None = None,
    ) -> Self:
        """The parts over a migrated database and a bus. collected is where gateways' collections go, if anywhere.

        Whoever calls runs the bus with desk.handle, greet and market.handle, and runs this.
        """
        settings = settings or PortalSettings()
        door = Door(database, passwords or Passwords(dice), Throttle(clock), clock, dice)
        devices = DeviceDesk(database, bus, clock, dice, settings.devices)
        desk = ReadDesk(database, bus, clock, dice, limits, settings.reads, devices.told, collected)
        return cls(
            database=database,
            desk=desk,
            devices=devices,
            market=MarketDesk(database, clock, dice, settings.market, devices.send),
            door=door,
            clock=clock,
            dice=dice,
            settings=settings,
            intervals=intervals,
            registers=registers,
            explainer=explainer,
        )

    async def greet(self) -> None:
        """The bus has a new connection: whatever waits is sent again at once."""
        await self.desk.greet()
        await self.devices.greet()

    async def run(self) -> None:
        """Send to gateways, give up what they do not answer, let notices take effect; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.desk.run())
            tasks.create_task(self.devices.run())
            tasks.create_task(self.market.run())


def portal_of(request: Request) -> Portal:
    """The portal that serves a request."""
    portal: Portal = request.app.state.portal
    return portal
