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
from portal.accounts.credentials import Credentials
from portal.accounts.entering import House
from portal.accounts.first_sign_in import FirstSignIn
from portal.accounts.owner import Owner
from portal.accounts.passkeys import PasskeyDesk
from portal.accounts.passwords import Passwords
from portal.accounts.recovery import Recovery
from portal.accounts.signing_in import Door
from portal.accounts.throttle import Throttle
from portal.accounts.vault import KEY_BYTES, Vault
from portal.acting import Acting
from portal.audit.log import Seal
from portal.customers.guessing import Guesses
from portal.han.desk import DeviceDesk
from portal.market.desk import MarketDesk
from portal.reads.desk import ReadDesk
from portal.settings import PortalSettings, seal_key
from portal.usage.registers import RegisterStore
from portal.usage.store import IntervalStore
from portal.vee.explain import Explainer
from portal.vee.overview import Overview
from portal.wishes.asker import Asker

MOST_REGISTRATIONS = 20
"""Registrations from one address in an hour: each sends mail, and can ask whether a user id is taken."""
MOST_SEARCHES = 60
"""Searches for companies from one address in a minute."""
MOST_LINKS = 60
"""Agreements' links from one address in a minute: those that open nothing, and every answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """The parts that routes use; one per application, made by whoever starts it."""

    database: Database
    desk: ReadDesk
    asker: Asker
    devices: DeviceDesk
    market: MarketDesk
    door: Door
    clock: Clock
    dice: Dice
    settings: PortalSettings
    passwords: Passwords
    credentials: Credentials
    seal: Seal
    acting: Acting
    registrations: Throttle
    searches: Throttle
    links: Throttle
    guesses: Guesses
    first_sign_in: FirstSignIn
    recovery: Recovery
    owner: Owner
    passkeys: PasskeyDesk
    vault: Vault
    intervals: IntervalStore | None = None
    registers: RegisterStore | None = None
    explainer: Explainer | None = None
    overview: Overview | None = None

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
        overview: Overview | None = None,
        secret: bytes | None = None,
    ) -> Self:
        """The parts over a migrated database and a bus. collected is where gateways' collections go, if anywhere.

        secret is what the vault's key is made of (portal/accounts/vault.py); without one it lasts as long as the parts.
        Whoever calls runs the bus with desk.handle, greet and market.handle, and runs this.
        """
        settings = settings or PortalSettings()
        passwords = passwords or Passwords(dice)
        seal = Seal(seal_key(settings))
        house = House(preset=settings.preset, seal=seal, clock=clock, dice=dice)
        vault = Vault(secret or dice.secret(KEY_BYTES), dice)
        credentials = Credentials(settings.preset, passwords, dice)
        devices = DeviceDesk(database, bus, clock, dice, settings.devices)
        desk = ReadDesk(database, bus, clock, dice, limits, settings.reads, devices.told, collected)
        return cls(
            database=database,
            desk=desk,
            asker=Asker(database, desk, clock, dice, settings.reads),
            devices=devices,
            door=Door(database, passwords, Throttle(clock), house, vault),
            market=MarketDesk(database, clock, dice, settings.market, devices.send),
            clock=clock,
            dice=dice,
            settings=settings,
            passwords=passwords,
            acting=Acting(database=database, seal=seal, clock=clock, address=settings.address),
            registrations=Throttle(clock, most=MOST_REGISTRATIONS, per_s=3600.0),
            searches=Throttle(clock, most=MOST_SEARCHES),
            links=Throttle(clock, most=MOST_LINKS),
            guesses=Guesses(clock),
            credentials=credentials,
            seal=seal,
            first_sign_in=FirstSignIn(database, passwords, house),
            recovery=Recovery(database, passwords, credentials, house, vault, settings.address),
            owner=Owner(database, passwords, house, vault),
            passkeys=PasskeyDesk(database, house, settings.address),
            vault=vault,
            intervals=intervals,
            registers=registers,
            explainer=explainer,
            overview=overview,
        )

    async def greet(self) -> None:
        """The bus has a new connection: whatever waits is sent again at once."""
        await self.desk.greet()
        await self.devices.greet()

    async def run(self) -> None:
        """Send to gateways, give up what they do not answer, let notices take effect; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.desk.run())
            tasks.create_task(self.asker.run())
            tasks.create_task(self.devices.run())
            tasks.create_task(self.market.run())


def portal_of(request: Request) -> Portal:
    """The portal that serves a request."""
    portal: Portal = request.app.state.portal
    return portal
