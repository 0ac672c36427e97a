"""What a running portal is made of, within reach of every request."""

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
from portal.reads.desk import ReadDesk
from portal.settings import PortalSettings
from portal.usage.store import IntervalStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """The parts that routes use; one per application, made by whoever starts it."""

    database: Database
    desk: ReadDesk
    door: Door
    clock: Clock
    dice: Dice
    settings: PortalSettings
    intervals: IntervalStore | None = None

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
    ) -> Self:
        """The parts over a migrated database and a bus; whoever calls runs the bus with desk.handle, and desk.run."""
        settings = settings or PortalSettings()
        door = Door(database, passwords or Passwords(dice), Throttle(clock), clock, dice)
        desk = ReadDesk(database, bus, clock, dice, limits, settings.reads)
        return cls(
            database=database,
            desk=desk,
            door=door,
            clock=clock,
            dice=dice,
            settings=settings,
            intervals=intervals,
        )


def portal_of(request: Request) -> Portal:
    """The portal that serves a request."""
    portal: Portal = request.app.state.portal
    return portal
