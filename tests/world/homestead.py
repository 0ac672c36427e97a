"""What tests of a whole home share: a street's first home behind the real driver, and what is heard of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from drivers.zigbee import ZigBeeDriver
from gateway.clock import SystemClock
from gateway.config import Secret
from gateway.dice import SeededDice
from gateway.han.notices import Answer, Heard, Notice
from gateway.han.words import DeviceInfo
from gateway.identifiers import Eui64
from gateway.keys import InstallCode
from gateway.ports import Assignment, HomeNetwork
from simulators.home_devices import FIRST_ROGUE, HomeDevice, home_device
from simulators.lab import write_certificates
from simulators.world import StreetPlan, ZigBeeStreet
from simulators.zigbee.kinds import KINDS, ROGUES
from simulators.zigbee.life import Device, Stage
from tests.drivers.conftest import kept
from tests.drivers.homes import MASTER_KEY, Timeline

LIMIT_S = 30.0
WINDOW_S = 60
PLAN = StreetPlan(meters=2, devices=len(KINDS))


class SkippingClock:
    """Real time from a chosen instant on, of which a test may skip a part: whoever should have woken by then wakes."""

    def __init__(self, start: datetime | None = None) -> None:
        self._real = SystemClock()
        self._ahead = timedelta(0) if start is None else start - self._real.now()
        self._skipped_s = 0.0
        self._sleepers: set[asyncio.Event] = set()

    def now(self) -> datetime:
        """The instant, with all that was skipped."""
        return self._real.now() + self._ahead + timedelta(seconds=self._skipped_s)

    def monotonic(self) -> float:
        """Seconds, those that were skipped among them."""
        return self._real.monotonic() + self._skipped_s

    async def sleep(self, seconds: float) -> None:
        """Wait for so long, or for less where time is skipped."""
        due_s = self.monotonic() + seconds
        skipped = asyncio.Event()
        self._sleepers.add(skipped)
        try:
            while (left_s := due_s - self.monotonic()) > 0:
                skipped.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(skipped.wait(), left_s)
        finally:
            self._sleepers.discard(skipped)

    def skip(self, seconds: float) -> None:
        """Be so much later at once."""
        self._skipped_s += seconds
        for sleeper in self._sleepers:
            sleeper.set()


@dataclass
class Homestead:
    """The first home of a street, and the driver on its radio."""

    street: ZigBeeStreet
    driver: ZigBeeDriver
    clock: SkippingClock
    heard: list[Heard] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def home(self) -> HomeNetwork:
        """The driver's side of it."""
        assert self.driver.home is not None
        return self.driver.home

    def listen(self, heard: Heard) -> None:
        """Hear what a device says."""
        self.heard.append(heard)
        self._news.set()

    async def hears(self, label: HomeDevice, answer: Answer, event: int | None = None) -> Heard:
        """Wait until a device has said something; it may have been said before."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                for each in self.heard:
                    if (each.device, each.answer, each.event) == (label.eui64, answer, event):
                        return each
                self._news.clear()
                await self._news.wait()

    def said(self, label: HomeDevice, event: int) -> list[Answer]:
        """What a device has said of a notice, in its order."""
        return [each.answer for each in self.heard if (each.device, each.event) == (label.eui64, event)]

    def label(self, kind: str) -> HomeDevice:
        """The home's device of a kind, as it is printed; rogues are those of the first home."""
        number = FIRST_ROGUE + list(ROGUES).index(kind) if kind in ROGUES else list(KINDS).index(kind)
        return home_device(self.street.plan.seed, 0, 0, number, self.street.premises[0])

    def device(self, label: HomeDevice) -> Device:
        """A device itself."""
        return self.street.homes.device(label.eui64)

    def shows(self, label: HomeDevice) -> dict[str, Any]:
        """What a person in the room sees."""
        front: Any = self.device(label).behaviour
        shown: dict[str, Any] = front.shows(self.clock.now())
        return shown

    def press(self, label: HomeDevice, button: str) -> None:
        """What a person in the room does."""
        front: Any = self.device(label).behaviour
        front.press(button, None, self.clock.now())

    async def join(self, label: HomeDevice, timeline: Timeline | None = None, window_s: int = WINDOW_S) -> DeviceInfo:
        """Switch a device on and bring it in, under the code on its label."""
        self.street.power_on(label.eui64)
        code = InstallCode.typed(label.label)
        return await self.home.join(Eui64(label.eui64), code, window_s, timeline or Timeline())

    async def send(self, label: HomeDevice, notice: Notice) -> None:
        """Tell a device."""
        await self.home.send(label.eui64, notice, LIMIT_S)

    async def reached(self, label: HomeDevice, stage: Stage) -> None:
        """Wait until a device stands somewhere."""
        await asyncio.wait_for(self.device(label).reached(stage), LIMIT_S)

    def assignment(self, label: HomeDevice | None = None) -> Assignment:
        """A device that measures as a meter, or the home's own meter."""
        premise = self.street.premises[0]
        address = premise.eui64 if label is None else label.eui64
        return Assignment(meter=premise.meter, driver="radio", address=address)


@asynccontextmanager
async def homestead(folder: Path, plan: StreetPlan, start: datetime | None = None) -> AsyncIterator[Homestead]:
    """A street that stands, and a driver on it with the patience of a real one and files of its own."""
    clock = SkippingClock(start)
    street = ZigBeeStreet(plan, clock, SystemClock())
    certificates = tuple(write_certificates(street, folder / "certificates"))
    (folder / "vault.key").write_text(MASTER_KEY, encoding="ascii")
    try:
        settings = ZigBeeDriver.Settings(
            radio=f"socket://127.0.0.1:{await street.start()}",
            database=folder / "network.db",
            certificates=certificates,
            vault_key=Secret(file=folder / "vault.key"),
        )
        async with kept(ZigBeeDriver("radio", settings, clock, SeededDice(7))) as driver:
            living = Homestead(street=street, driver=driver, clock=clock)
            living.home.listen(living.listen)
            yield living
    finally:
        await street.close()
