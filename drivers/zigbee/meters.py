"""How a meter is found on the network, and asked until it answers."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import zigpy.types as t
from zigpy.zcl import Cluster

from drivers.zigbee import metering
from drivers.zigbee.addresses import ieee_of
from drivers.zigbee.application import TROUBLE, SmartEnergyApplication
from drivers.zigbee.device import SmartEnergyDevice
from drivers.zigbee.metering import Nameplate
from drivers.zigbee.reading import KeyMissing, ask
from drivers.zigbee.settings import ZigBeeSettings
from gateway.clock import Clock
from gateway.errors import BadIdentifier, LinkLost, Unreachable, Unsupported
from gateway.identifiers import Eui64
from gateway.ports import Assignment

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_PAUSE_S = 0.2
"""The pause before the second attempt, on average; doubled at each further one."""

Question = Callable[[Cluster, float], Awaitable[T]]
"""Asks a Metering cluster within a number of seconds; raises Unreachable if there is no answer."""


Work = Callable[[SmartEnergyApplication, SmartEnergyDevice], Coroutine[Any, Any, T]]
"""Something to be done with a meter that was found, over a connection that stands."""


class Meters:
    """The meters behind one radio, with the patience that the settings say.

    connection waits for the radio, is_up says whether there is one now.
    """

    def __init__(
        self,
        name: str,
        settings: ZigBeeSettings,
        clock: Clock,
        chance: random.Random,
        *,
        connection: Callable[[], Awaitable[SmartEnergyApplication]],
        is_up: Callable[[], bool],
    ) -> None:
        self._name, self._settings, self._clock, self._chance = name, settings, clock, chance
        self._connection, self._is_up = connection, is_up
        self._slots = asyncio.Semaphore(settings.concurrency)

    async def reach(self, assignment: Assignment, timeout_s: float, work: Work[T]) -> T:
        """Do something with a meter within timeout_s seconds, waiting for a connection if there is none.

        Work that loses its link is done again when the link is back, if there is time. Raises a Fault as
        gateway.ports.Driver.read() does.
        """
        ieee = _ieee(assignment.address)
        try:
            async with asyncio.timeout(timeout_s), self._slots:
                while True:
                    app = await self._connection()
                    try:
                        return await app.unless_lost(self._done(app, ieee, work))
                    except LinkLost as lost:
                        log.debug("%s: %s at %s", self._name, lost, assignment.meter)
        except TimeoutError:
            if self._is_up():
                raise Unreachable(f"the meter did not answer within {timeout_s:g} s") from None
            raise LinkLost(f"{self._name} has had no connection to its co-processor") from None

    async def _done(self, app: SmartEnergyApplication, ieee: t.EUI64, work: Work[T]) -> T:
        return await work(app, await self._located(app, ieee))

    async def _located(self, app: SmartEnergyApplication, ieee: t.EUI64) -> SmartEnergyDevice:
        """The meter's node with its Metering endpoint, from memory or by asking the network and the node itself."""
        if ieee not in app.devices and not await self._found(app, ieee, self._settings.attempts):
            raise Unreachable(f"no node of the network answers to {ieee}")
        device = app.devices[ieee]
        if not isinstance(device, SmartEnergyDevice):
            raise Unsupported(f"{ieee} is the co-processor itself")
        if device.meter is None:
            if not await app.is_at(device):
                await self._found(app, ieee, 1)
            await app.interviewed(device)
        if device.meter is None and device.is_initialized:
            raise Unsupported("the node has no Metering server on the Smart Energy profile")
        if device.meter is None:
            raise Unreachable("the node does not tell about itself")
        return device

    async def plate(self, app: SmartEnergyApplication, device: SmartEnergyDevice) -> Nameplate:
        """The meter's nameplate, read anew when it is no longer fresh."""
        now_s = self._clock.monotonic()
        if device.plate is None or now_s - device.plate_at > self._settings.nameplate_s:
            device.plate = metering.nameplate(
                await self.asked(app, device, lambda meter, timeout_s: ask(meter, metering.NAMEPLATE, timeout_s))
            )
            device.plate_at = now_s
        return device.plate

    async def asked(self, app: SmartEnergyApplication, device: SmartEnergyDevice, question: Question[T]) -> T:
        """Ask as often as the settings say, longer each time; after the first silence look for a new address."""
        for attempt in range(self._settings.attempts):
            if attempt:
                await self._clock.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1) * self._chance.uniform(0.5, 1.5))
            if attempt == 1:
                await self._found(app, device.ieee, 1)
            try:
                return await self._ask(app, device, question, self._settings.attempt_timeout_s * 2**attempt)
            except Unreachable as fault:
                trouble = fault
        raise trouble

    async def _ask(
        self, app: SmartEnergyApplication, device: SmartEnergyDevice, question: Question[T], timeout_s: float
    ) -> T:
        """One attempt, at an address that is the meter's before and after."""
        meter, nwk = device.meter, device.nwk
        if meter is None or not await app.is_at(device):
            raise Unreachable("another node has the meter's address")
        try:
            answer = await question(meter, timeout_s)
        except KeyMissing:  # It may only not know whose address this is.
            await app.introduce(device)
            answer = await question(meter, timeout_s)
        if device.nwk != nwk:
            raise Unreachable("the meter's address changed while it was asked")
        return answer

    async def _found(self, app: SmartEnergyApplication, ieee: t.EUI64, attempts: int) -> bool:
        """Ask the network for a node's address, a few times; whether it answered."""
        for _ in range(attempts):
            try:
                async with asyncio.timeout(self._settings.attempt_timeout_s):
                    await app.search(ieee)
                return True
            except TROUBLE as error:
                log.debug("%s: %s was not found (%s)", self._name, ieee, type(error).__name__)
        return False


def _ieee(address: str) -> t.EUI64:
    """An assignment's address as zigpy holds it, least significant byte first. Raises Unsupported."""
    try:
        return ieee_of(Eui64(address))
    except BadIdentifier as error:
        raise Unsupported(str(error)) from None
