"""A driver without a radio: meters on a desk that answer when told to. For races, benchmarks and laboratories."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field

from gateway.clock import Clock
from gateway.config import settings
from gateway.dice import Dice
from gateway.errors import Unreachable
from gateway.ports import Assignment
from gateway.reads import RegisterRead, Scale

WH_PER_S = 0.25
EPOCH = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
KILOWATT_HOURS = Scale(unit="kWh", multiplier=1, divisor=1000, assumed=False)


@settings
class DeskSettings:
    """The table of a desk driver."""

    takes_s: Annotated[float, Field(description="How long each read takes.", ge=0)] = 0.0
    ledger: Annotated[Path | None, Field(description="A file that gets one line for each read executed.")] = None


class DeskDriver:
    """gateway.ports.Driver over meters that exist only as their clock: every register is time times a steady load."""

    Settings = DeskSettings

    def __init__(self, name: str, settings: DeskSettings, clock: Clock, dice: Dice) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._up = False

    @property
    def up(self) -> bool:
        """Whether run() is running."""
        return self._up

    @property
    def home(self) -> None:
        """A desk has no home area network."""
        return None

    @property
    def reporting(self) -> None:
        """Its meters report nothing by themselves."""

    @property
    def profiles(self) -> None:
        """Its meters keep no log."""
        return None

    async def run(self) -> None:
        """Up until cancelled."""
        self._up = True
        try:
            await asyncio.Event().wait()
        finally:
            self._up = False

    async def read(self, assignment: Assignment, timeout_s: float) -> RegisterRead:
        """The registers of this instant, after takes_s. Raises Unreachable if that is longer than timeout_s."""
        if self._settings.ledger is not None:
            with self._settings.ledger.open("a", encoding="utf-8") as ledger:
                ledger.write(f"{assignment.meter}\n")
        if self._settings.takes_s > timeout_s:
            await self._clock.sleep(timeout_s)
            raise Unreachable(f"meter {assignment.meter} takes longer than {timeout_s:.0f} s")
        if self._settings.takes_s:
            await self._clock.sleep(self._settings.takes_s)
        now = self._clock.now()
        return RegisterRead(
            meter=assignment.meter,
            delivered_wh=int((now - EPOCH).total_seconds() * WH_PER_S),
            received_wh=None,
            demand_w=int(WH_PER_S * 3600),
            flags=(),
            latched_at=now,
            update_period_s=None,
            read_at=now,
            scale=KILOWATT_HOURS,
            path=f"desk/{self._name}",
        )
