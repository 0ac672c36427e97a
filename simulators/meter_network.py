"""A home whose meter is its own network: the meter as Energy Services Interface, and the devices that may join it.

In the Texan market the smart meter is coordinator and trust centre of its customer's home-area network: the utility's
head end tells it which devices to let in. Everything here stands in one process, on one clock, and repeats from a seed.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gateway.clock import Clock
from gateway.dice import SeededDice
from simulators.capture_file import CaptureFile
from simulators.homes import Homes
from simulators.meter import meter_at
from simulators.street import street
from simulators.zigbee.air.weather import CLEAR, Sky, Weather
from simulators.zigbee.cbke.credentials import SUITE_163, SUITE_283, Authority
from simulators.zigbee.cbke.talk import Party
from simulators.zigbee.life import Device
from simulators.zigbee.ncp.memory import formed
from simulators.zigbee.nodes import Plain
from simulators.zigbee.radio import Radio
from simulators.zigbee.services_interface.interface import ServicesInterface
from simulators.zigbee.services_interface.programme import Programme, Tariff
from simulators.zigbee.timing import INSTANT, Timing

PROVIDER = 0x54445350
"""The laboratory's utility as a provider id: four letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlan:
    """What the home is like: premise number first of a seed's street, with so many devices that wait without power.

    suites are those of key establishment that meter and devices have certificates for; plain is what the meter does
    with plain frames on secured clusters; without a tariff only the head end gives prices.
    """

    seed: int = 7
    first: int = 0
    devices: int = 6
    latency_s: float = 0.0
    plain: Plain = Plain.REFUSE
    suites: tuple[int, ...] = (SUITE_163, SUITE_283)
    timing: Timing = INSTANT
    tariff: Tariff | None = Tariff()  # noqa: RUF009  # it is frozen
    weather: Weather = CLEAR
    capture: Path | None = None
    keys: Path | None = None


class MeterNetwork:
    """The home itself. interface is the meter's radio side, meter what it measures, homes the devices by EUI-64."""

    def __init__(self, plan: NetworkPlan, clock: Clock) -> None:
        self.plan, self.clock = plan, clock
        self._soon: set[asyncio.Future[None]] = set()
        self.premises = street(plan.seed, 1, plan.first)
        self.meter = meter_at(self.premises[0], clock)
        self.authority = Authority(SeededDice(plan.seed))
        memory = formed(int(self.meter.eui64, 16), SeededDice(plan.seed), {})
        self._capture = None if plan.capture is None else CaptureFile(plan.capture, plan.keys, memory, clock)
        tap = None if self._capture is None else self._capture.recorder
        self.radio = Radio(clock, (), plan.latency_s, Sky(SeededDice(plan.seed), plan.weather), tap)
        self.interface = ServicesInterface(
            meter=self.meter,
            memory=memory,
            radio=self.radio,
            clock=clock,
            suites=sum(plan.suites),
            party=cache(self._party),
            programme=Programme(PROVIDER, plan.tariff),
            timing=plan.timing,
            plain=plan.plain,
        )
        self.homes = Homes(
            seed=plan.seed,
            first=plan.first,
            premises=self.premises,
            devices=plan.devices,
            suites=plan.suites,
            plain=Plain.REFUSE,
            timing=plan.timing,
            authority=self.authority,
            centre=self.interface.eui64,
            radio=self.radio,
            clock=clock,
            path=None,
        )

    def start(self) -> None:
        """The meter has power, and follows its tariff."""
        self.interface.start()

    async def close(self) -> None:
        """Take the power from everybody and forget what is under way."""
        for task in self._soon:
            task.cancel()
        await self.homes.close()
        await self.interface.close()
        await self.radio.close()
        if self._capture is not None:
            self._capture.close()

    def later(self, work: Coroutine[None, None, None]) -> None:
        """Have something done soon, as long as the home stands."""
        task = asyncio.ensure_future(work)
        self._soon.add(task)
        task.add_done_callback(self._soon.discard)

    def power_on(self, eui64: str) -> Device:
        """Switch a device on: it looks for a network to join. Raises UnknownDevice."""
        device = self.homes.device(eui64)
        device.power_on()
        return device

    def _party(self) -> Party:
        """The meter's credentials, by the authority that the devices know."""
        eui64 = self.interface.eui64
        return Party(eui64, [self.authority.issue(eui64, suite) for suite in self.plan.suites], SeededDice(eui64))
