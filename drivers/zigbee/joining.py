"""One device's join, from its key to its registration, and what is seen of it meanwhile.

The order is Smart Energy's (1.4, section 5.4): the install code's key for this one address, a window, the join, the
announcement, which proves that the device could read the network key, the interview, key establishment. The network
is closed as soon as the device has announced itself. Whoever runs a join cleans up after it (drivers.zigbee.home).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from drivers.zigbee.addresses import ieee_of
from drivers.zigbee.application import SmartEnergyApplication
from drivers.zigbee.cbke.exchange import Event, KeyEstablished, KeyRefused, KeyTimedOut
from drivers.zigbee.cbke.frames import Status
from drivers.zigbee.describing import energy_endpoint
from drivers.zigbee.device import SmartEnergyDevice
from drivers.zigbee.join_causes import MOST_STRANGERS, Observations, cause_of
from drivers.zigbee.key_desk import KeyBegun
from drivers.zigbee.witness import Coming, JoinAttempt
from gateway.clock import Clock
from gateway.han.words import HanFault, Stage
from gateway.identifiers import Eui64
from gateway.keys import InstallCode
from gateway.ports import Told

MOST_ATTEMPTS = 3
"""How often a device is let in without announcing itself before its install code counts as wrong: a radio loses one
transport of the network key, but hardly three; a wrong code loses them all."""

_EXCHANGE_S = 90.0
"""How long an exchange may last altogether; each of its steps has its own deadline, so this is never reached first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds: announce_s from being let in to the announcement, interview_s for the interview, key_begin_s from there
    to the first frame of key establishment."""

    announce_s: float = 10.0
    interview_s: float = 60.0
    key_begin_s: float = 60.0


class Watch:
    """What is seen of one device while it joins. Whoever waits is woken by each new sight."""

    def __init__(self, device: Eui64) -> None:
        self.device = device
        self.seen = Observations()
        self.key_begun = False
        self.given_up = False
        """Whether the join has failed, so that a key that is proved only now is not kept."""
        self.established: KeyEstablished | None = None
        self._changed = asyncio.Event()

    @property
    def came(self) -> bool:
        """Whether the device was let in, or is there."""
        return bool(self.seen.attempts) or self.seen.announced

    @property
    def hopeless(self) -> bool:
        """Whether waiting on makes no sense."""
        seen = self.seen
        unheard = not seen.announced and seen.attempts >= MOST_ATTEMPTS
        return seen.key is not None or seen.left or seen.table_full or unheard

    def note(self, **changes: Any) -> None:
        """Something was seen: the fields of Observations that change."""
        self.seen = replace(self.seen, **changes)
        self._changed.set()

    def tried(self, attempt: JoinAttempt) -> None:
        """Somebody came to the door while we wait."""
        seen = self.seen
        if attempt.coming is not Coming.JOIN:
            return
        if attempt.device != self.device:
            if attempt.denied and attempt.device not in seen.strangers:
                self.note(strangers=(*seen.strangers, attempt.device)[:MOST_STRANGERS])
        elif attempt.denied:
            self.note(denials=seen.denials + 1)
        else:
            self.note(attempts=seen.attempts + 1)

    def left(self) -> None:
        """The device left; before it announced itself it was not there, so that counts only afterwards."""
        if self.seen.announced:
            self.note(left=True)

    def told(self, event: KeyBegun | Event) -> None:
        """Something became of its key establishment. That we are too busy is no end: it is told to come again."""
        if isinstance(event, KeyBegun):
            self.key_begun = True
        elif isinstance(event, KeyEstablished):
            self.established = event
        elif not _puts_off(event):
            self.note(key=event)
        self._changed.set()

    async def until(self, ready: Callable[[], bool], clock: Clock, seconds: float) -> bool:
        """Wait until something is so, or until it is hopeless or the time is up; whether it is so."""
        deadline_s = clock.monotonic() + seconds
        while not ready() and not self.hopeless:
            self._changed.clear()
            remaining_s = deadline_s - clock.monotonic()
            if remaining_s <= 0:
                break
            await _first(self._changed.wait(), clock.sleep(remaining_s))
        return ready()


class Joining:
    """The steps of one join over one connection."""

    def __init__(self, app: SmartEnergyApplication, watch: Watch, clock: Clock, patience: Patience, told: Told) -> None:
        self._app, self._watch, self._clock, self._patience, self._told = app, watch, clock, patience, told

    async def run(self, code: InstallCode, window_s: int) -> KeyEstablished:
        """Bring the device in. Raises HanFault with the cause, by what was seen."""
        trust_centre, watch = self._app.trust_centre, self._watch
        await trust_centre.erase_key(watch.device)
        await trust_centre.expect(watch.device, code.link_key())
        await self._told(Stage.KEY_INSTALLED, "the install code's key is in the co-processor")
        await trust_centre.open(window_s)
        closes_s = self._clock.monotonic() + window_s
        await self._told(Stage.WINDOW_OPEN, f"for {window_s} s")
        await self._comes(closes_s)
        await trust_centre.close()
        await self._interviewed()
        return await self._established()

    async def _comes(self, closes_s: float) -> None:
        """Until the device has announced itself, which may be a moment after the window."""
        watch, clock = self._watch, self._clock
        await self._require(lambda: watch.came, closes_s - clock.monotonic())
        await self._told(Stage.JOINED, "the trust centre sent it the network key")
        left_s = max(closes_s - clock.monotonic(), self._patience.announce_s)
        await self._require(lambda: watch.seen.announced, left_s)
        await self._told(Stage.ANNOUNCED, f"at {self._device().nwk!r}")

    async def _interviewed(self) -> None:
        """Until the device has told about itself; it may begin to establish its key meanwhile."""
        device = self._device()
        interview = asyncio.create_task(self._app.interviewed(device))
        interview.add_done_callback(lambda _: self._watch.note())
        try:
            await self._require(interview.done, self._patience.interview_s)
        finally:
            interview.cancel()
            await asyncio.gather(interview, return_exceptions=True)
        device = self._device()
        if not device.is_initialized or energy_endpoint(device) is None:
            self._fail()
        self._watch.note(interviewed=True)
        await self._told(Stage.INTERVIEWED, f"{len(device.non_zdo_endpoints)} endpoints")

    async def _established(self) -> KeyEstablished:
        watch = self._watch
        await self._require(lambda: watch.key_begun, self._patience.key_begin_s)
        await self._told(Stage.KEY_ESTABLISHING, "the device showed its certificate")
        await self._require(lambda: watch.established is not None, _EXCHANGE_S)
        assert watch.established is not None
        suite = watch.established.suite.bit
        await self._told(Stage.REGISTERED, f"with a key of suite {suite}")
        return watch.established

    async def _require(self, ready: Callable[[], bool], seconds: float) -> None:
        if not await self._watch.until(ready, self._clock, seconds):
            self._fail()

    def _fail(self) -> None:
        verdict = cause_of(self._watch.seen)
        raise HanFault(verdict.cause, verdict.detail)

    def _device(self) -> SmartEnergyDevice:
        """The node, which the announcement made known."""
        device = self._app.devices[ieee_of(self._watch.device)]
        assert isinstance(device, SmartEnergyDevice)
        return device


def _puts_off(event: KeyRefused | KeyTimedOut) -> bool:
    """Whether it was we who told the device to come again later."""
    return isinstance(event, KeyRefused) and event.status == Status.NO_RESOURCES and not event.by_partner


async def _first(*waits: Any) -> None:
    """Wait for the first of several; the others are given up."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
