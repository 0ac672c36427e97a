"""A device's life: it looks for a network, is let in or not, establishes its key, lives, is lost, comes back, leaves.

How a device is written. What it is made of is a mapping of endpoints (nodes.Endpoint): a descriptor, and for each
cluster an object that answers for its server or its client: zcl.Cluster gives attributes, zcl.Commanded takes the
cluster's own commands as well (PublishPrice comes to the Price client). What it does of itself is a Behaviour:
told() hears of joining, registration, rejoining and leaving, and live() runs while the device is registered; it is
cancelled when the device leaves or is lost, and runs anew when it is back. In live() everything goes through the
uplink: `await uplink.ask(0x0700, GET_CURRENT_PRICE, b"\\x01")` sends a command to the trust centre's endpoint and gives
the frame that answers it or raises Unanswered, tell() awaits nothing, read() reads attributes, and uplink.clock.sleep()
passes time. Messages on secured clusters are encrypted without being asked. Both halves are made by the function in
kinds.KINDS that a device's kind names, once the device is switched on for the first time.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Protocol

from gateway.clock import Clock
from simulators.zigbee.admission import Association, Transport, Update
from simulators.zigbee.aps import SMART_ENERGY, ApsMessage
from simulators.zigbee.cbke.talk import UNKNOWN_ISSUER, Party
from simulators.zigbee.key_establishment import SUITES, KeyEstablishment
from simulators.zigbee.nodes import Endpoint, Node
from simulators.zigbee.radio import Radio
from simulators.zigbee.timing import INSTANT, Timing
from simulators.zigbee.uplink import KEY_ESTABLISHMENT, Unanswered, Uplink
from simulators.zigbee.zdo import END_DEVICE

log = logging.getLogger(__name__)


class Stage(StrEnum):
    """Where a device stands."""

    OFF = "off"
    SEARCHING = "searching"
    JOINED = "joined"
    ESTABLISHING = "establishing"
    REGISTERED = "registered"
    LOST = "lost"
    LEFT = "left"
    GAVE_UP = "gave_up"


class Event(StrEnum):
    """What a behaviour is told of."""

    JOINED = "joined"
    REGISTERED = "registered"
    REJOINED = "rejoined"
    LEFT = "left"


class Behaviour(Protocol):
    """What a device does of itself."""

    def told(self, event: Event) -> None:
        """Something happened to the device."""
        ...

    async def live(self, uplink: Uplink) -> None:
        """What a registered device does; may end by itself."""
        ...


class Idle:
    """A device that only answers."""

    def told(self, event: Event) -> None:
        """It does not care."""

    async def live(self, uplink: Uplink) -> None:
        """It does nothing."""


class Device:
    """A node with power and a life. own_key is the link key that it was made with, None for one that has none.

    stage is where it stands, failure why it did not come further; attempts counts how often it asked to be let in.
    party makes its credentials for key establishment, which are for suites. changed is told of every new stage.
    """

    def __init__(
        self,
        *,
        node: Node,
        radio: Radio,
        clock: Clock,
        suites: int = 0,
        party: Callable[[], Party] | None = None,
        behaviour: Behaviour | None = None,
        timing: Timing = INSTANT,
        takes_plain_key: bool = False,
        changed: Callable[[], None] | None = None,
    ) -> None:
        self.node, self.uplink = node, Uplink(node, radio, clock)
        self.stage, self.failure, self.attempts = Stage.OFF, "", 0
        self._own_key, self._manners = node.link_key, node.manners
        self._radio, self._clock, self._timing = radio, clock, timing
        self._behaviour: Behaviour = behaviour or Idle()
        self._takes_plain_key, self._tell = takes_plain_key, changed
        self._keys = None
        if party is not None:
            self._keys = KeyEstablishment(
                suites, party, self.uplink, self._established, (timing.ephemeral_s, timing.confirm_s)
            )
            node.endpoints = {number: _with_keys(each, self._keys) for number, each in node.endpoints.items()}
        self._task: asyncio.Task[None] | None = None
        self._astray = asyncio.Event()
        self._changed = asyncio.Event()
        node.ears = self

    # Power, and what the laboratory sees

    @property
    def silent(self) -> bool:
        """Whether it hears nothing, being without power or broken."""
        return self._task is None or self._manners.silent

    @property
    def delay_s(self) -> float:
        """How long it takes over an answer."""
        return self._manners.delay_s

    @property
    def keeps_memory(self) -> bool:
        """Whether there is something to remember it by: a home-area device does, a meter was born on the network."""
        return self._tell is not None

    def power_on(self) -> None:
        """Switch it on: it joins a network, or comes back to the one that it knows."""
        if self._task is None:
            self.node.manners = self
            self._start()

    async def power_off(self) -> None:
        """Switch it off: it keeps its keys, and says nothing."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._reach(Stage.OFF)

    async def reached(self, *stages: Stage) -> Stage:
        """Wait until the device stands at one of some stages."""
        while self.stage not in stages:
            self._changed.clear()
            await self._changed.wait()
        return self.stage

    # What the network tells it

    def hear(self, message: ApsMessage) -> None:
        """Something that may answer a request."""
        self.uplink.hear(message)

    def gone(self, *, comes_back: bool) -> None:
        """It has left the network; to come back it keeps what it knows."""
        if not comes_back:
            self._forget()
        self._behaviour.told(Event.LEFT)
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._reach(Stage.LOST if comes_back else Stage.LEFT)
        if comes_back:
            self._start()

    def stray(self) -> None:
        """It hears the network, and does not understand it any more."""
        self._astray.set()
        if self.stage is Stage.GAVE_UP:
            self._start()

    # Its life

    def _start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            await self._live()
        except Exception:
            log.exception("simulated device %016X broke down", self.node.eui64)

    async def _live(self) -> None:
        while True:
            back = self.node.network_key is not None
            if not (await self._come_back() if back else await self._join()):
                self._reach(Stage.GAVE_UP)
                return
            if not self.node.registered and not await self._register():
                self._radio.depart(self.node)
                return
            await self._stay()
            self._reach(Stage.LOST)

    def _reach(self, stage: Stage) -> None:
        self.stage = stage
        self._changed.set()
        if self._tell is not None:
            self._tell()

    def _forget(self) -> None:
        node = self.node
        node.network_key = node.next_key = None
        node.link_key, node.registered = self._own_key, False
        self.uplink.forget()

    # Joining

    async def _join(self) -> bool:
        """Look for an open network and ask to be let in, a few times."""
        self._forget()
        self._reach(Stage.SEARCHING)
        until_s = self._clock.monotonic() + self._timing.search_s
        for _ in range(self._timing.attempts):
            if not await self._found(until_s, open_to_all=True):
                self.failure = "no open network"
                return False
            self.attempts += 1
            place = await self._radio.associate(self.node, Update.UNSECURED_JOIN)
            if place is not None and self._takes(place.transport):
                await self._arrive(place, Event.JOINED)
                return True
            await self._clock.sleep(self._timing.authentication_s + self._timing.retry_s)
        return False

    async def _found(self, until_s: float, *, open_to_all: bool) -> bool:
        """Scan for the network until an instant, for it at all or for its window."""
        while True:
            beacon = await self._radio.beacon()
            if beacon is not None and (beacon.permits_joining or not open_to_all):
                return True
            if self._clock.monotonic() + self._timing.scan_every_s > until_s:
                return False
            await self._clock.sleep(self._timing.scan_every_s)

    def _takes(self, transport: Transport | None) -> bool:
        """Whether the network key came in a form that the device can read, and may believe."""
        if transport is None:
            self.failure = "no network key came"
            return False
        if transport.key != self.node.link_key and not (transport.key is None and self._takes_plain_key):
            self.failure = "the network key came under another key"
            return False
        self.node.network_key, self.uplink.centre = transport.network_key, transport.centre
        return True

    async def _arrive(self, place: Association, event: Event) -> None:
        self._astray.clear()
        self._radio.settle(self.node, place.nwk)
        self.failure = ""
        self._reach(Stage.REGISTERED if self.node.registered else Stage.JOINED)
        await self.uplink.announce()
        self._behaviour.told(event)

    async def _come_back(self) -> bool:
        """Rejoin with the network key, or as one that the trust centre knows by its link key."""
        self.uplink.forget()
        until_s = self._clock.monotonic() + self._timing.lost_s
        for attempt in range(self._timing.attempts):
            if attempt:
                await self._clock.sleep(self._timing.retry_s)
            if not await self._found(until_s, open_to_all=False):
                return False
            self.attempts += 1
            place = await self._radio.associate(self.node, Update.SECURED_REJOIN)
            if place is None:
                place = await self._radio.associate(self.node, Update.UNSECURED_REJOIN)
                if place is None or not self._takes(place.transport):
                    continue
            await self._arrive(place, Event.REJOINED)
            return True
        return False

    # Its key

    def _established(self, key: bytes) -> None:
        self.node.link_key, self.node.registered = key, True
        self._reach(Stage.REGISTERED)
        self._behaviour.told(Event.REGISTERED)

    async def _register(self) -> bool:
        """Establish the key, if device and trust centre can; False if the trust centre is none for the device."""
        if self._keys is None:
            return True
        for attempt in range(self._timing.key_attempts):
            if attempt:
                await self._clock.sleep(self._timing.key_retry_s)
            suite = None if self.node.registered else await self._suite()
            if suite is None:
                break
            self._reach(Stage.ESTABLISHING)
            status = await self._keys.initiate(suite)
            if status is None:
                break
            self.failure = f"key establishment ended with status {status}"
            self._reach(Stage.JOINED)
            if status == UNKNOWN_ISSUER:
                return False
        return True

    async def _suite(self) -> int | None:
        """The best suite that both have; None if the trust centre establishes no keys."""
        assert self._keys is not None
        own = self._keys.suites
        try:
            if await self.uplink.endpoint(KEY_ESTABLISHMENT) is None:
                self.failure = "the trust centre establishes no keys"
                return None
            told = (await self.uplink.read(KEY_ESTABLISHMENT, SUITES)).get(SUITES)
        except Unanswered:
            told = None
        shared = own & told.content if told is not None and isinstance(told.content, int) else own
        return max((bit for bit in (1, 2) if shared & bit), default=None)

    # Living

    async def _stay(self) -> None:
        """Live until the network is lost; an end device sleeps for the most of it."""
        if self.node.identity.logical_type == END_DEVICE:
            self.node.poll_s = self._timing.poll_s
        doing = [asyncio.create_task(each) for each in (self._astray.wait(), self._keep_alive())]
        others = [asyncio.create_task(each) for each in (self._answer_for_keys(), self._behave())]
        try:
            await asyncio.wait(doing, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.node.poll_s = 0.0
            for task in (*doing, *others):
                task.cancel()
            await asyncio.gather(*doing, *others, return_exceptions=True)

    async def _behave(self) -> None:
        await self.reached(Stage.REGISTERED)
        with contextlib.suppress(Unanswered):
            await self._behaviour.live(self.uplink)

    async def _answer_for_keys(self) -> None:
        """The trust centre may want another key at any time."""
        while self._keys is not None:
            await self._keys.respond()

    async def _keep_alive(self) -> None:
        """Look for the trust centre now and then; returns when it is gone."""
        missed = 0
        while missed < self._timing.missed:
            await self._clock.sleep(self._timing.keep_alive_s)
            try:
                await self.uplink.describe_centre()
                missed = 0
            except Unanswered:
                missed += 1


def _with_keys(endpoint: Endpoint, keys: KeyEstablishment) -> Endpoint:
    """A Smart Energy endpoint has Key Establishment on both sides."""
    if endpoint.descriptor.profile != SMART_ENERGY:
        return endpoint
    return replace(
        endpoint,
        servers={**endpoint.servers, KEY_ESTABLISHMENT: keys.server},
        clients={**endpoint.clients, KEY_ESTABLISHMENT: keys.client},
    )
