"""A device's life: it looks for a network, is let in or not, establishes its key, lives, is lost, comes back, leaves.

What a device does of itself, and how that is written, stands in behaviour.py.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum

from gateway.clock import Clock
from simulators.zigbee import zcl
from simulators.zigbee.aps import SMART_ENERGY, ApsMessage
from simulators.zigbee.behaviour import Behaviour, Event, Idle
from simulators.zigbee.cbke.talk import UNKNOWN_ISSUER, Party
from simulators.zigbee.joining import Joining
from simulators.zigbee.key_establishment import SUITES, TIMED_OUT, KeyEstablishment
from simulators.zigbee.nodes import Endpoint, Node
from simulators.zigbee.radio import Radio
from simulators.zigbee.timing import INSTANT, Timing
from simulators.zigbee.uplink import KEEP_ALIVE, KEY_ESTABLISHMENT, Unanswered, Uplink
from simulators.zigbee.zdo import END_DEVICE

log = logging.getLogger(__name__)

_BASE_MIN, _JITTER_S = 0x0000, 0x0001
"""Attributes of the Keep-Alive cluster."""


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


class Device:
    """A node with power and a life. own_key is the link key that it was made with, None for one that has none.

    stage is where it stands.
    party makes its credentials for key establishment, which are for suites. centre is the trust centre's EUI-64, if it
    knows that already. changed is told of every new stage.
    """

    def __init__(
        self,
        *,
        node: Node,
        radio: Radio,
        clock: Clock,
        suites: int = 0,
        party: Callable[[], Party] | None = None,
        centre: int = 0,
        behaviour: Behaviour | None = None,
        timing: Timing = INSTANT,
        takes_plain_key: bool = False,
        changed: Callable[[], None] | None = None,
    ) -> None:
        self.node, self.uplink = node, Uplink(node, radio, clock, centre)
        self.stage = Stage.OFF
        self._own_key, self._manners = node.link_key, node.manners
        self._radio, self._clock, self._timing = radio, clock, timing
        self._behaviour: Behaviour = behaviour or Idle()
        self._joining = Joining(node, radio, clock, timing, takes_plain_key=takes_plain_key)
        self._tell = changed
        self._keys = None
        if party is not None:
            self._keys = KeyEstablishment(
                suites, party, self.uplink, self._established, (timing.ephemeral_s, timing.confirm_s)
            )
            node.endpoints = {number: _with_keys(each, self._keys) for number, each in node.endpoints.items()}
        self._failure = ""
        self._task: asyncio.Task[None] | None = None
        self._astray = asyncio.Event()
        self._changed = asyncio.Event()
        node.ears = self

    # Power, and what the laboratory sees

    @property
    def behaviour(self) -> Behaviour:
        """What it does of itself, and (devices.panel) what it shows."""
        return self._behaviour

    @property
    def failure(self) -> str:
        """Why the last thing that it tried did not work, in words."""
        return self._failure or self._joining.failure

    @property
    def attempts(self) -> int:
        """How often it asked to be let in."""
        return self._joining.attempts

    @property
    def silent(self) -> bool:
        """Whether it hears nothing, being without power or broken."""
        return self._task is None or self._manners.silent

    @property
    def delay_s(self) -> float:
        """How long it takes over an answer."""
        return self._manners.delay_s

    @property
    def key_server(self) -> zcl.Commanded:
        """The server of its Key Establishment; only of a device that has certificates."""
        assert self._keys is not None
        return self._keys.server

    @property
    def keeps_memory(self) -> bool:
        """Whether it is remembered without power."""
        return self._tell is not None

    def power_on(self) -> None:
        """Switch it on: it joins a network, or comes back to the one that it knows; so it does if it had given up."""
        if self._task is None or self._task.done():
            self.node.manners = self
            self._start()

    def carry_on(self) -> None:
        """Give a node that stands on the network a life, without its having to come back."""
        self.node.manners = self
        self.stage = Stage.REGISTERED if self.node.registered else Stage.JOINED
        self._start(standing=True)

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

    def _start(self, *, standing: bool = False) -> None:
        self._task = asyncio.create_task(self._run(standing))

    async def _run(self, standing: bool) -> None:
        try:
            await self._live(standing)
        except Exception:
            log.exception("simulated device %016X broke down", self.node.eui64)

    async def _live(self, standing: bool) -> None:
        while True:
            if not (standing or await self._enter()):
                self._reach(Stage.GAVE_UP)
                return
            standing = False
            if not self.node.registered and not await self._register():
                self._radio.depart(self.node)
                return
            await self._stay()
            self._reach(Stage.LOST)

    async def _enter(self) -> bool:
        """Get onto the network, as a newcomer or as one that was there."""
        self.uplink.forget()
        back = self.node.network_key is not None
        if not back:
            self._forget()
            self._reach(Stage.SEARCHING)
        entered = await (self._joining.come_back() if back else self._joining.join())
        if entered is None:
            return False
        self.uplink.centre = entered.centre or self.uplink.centre
        await self._arrive(entered.nwk, Event.REJOINED if back else Event.JOINED)
        return True

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

    async def _arrive(self, nwk: int, event: Event) -> None:
        self._astray.clear()
        self._radio.settle(self.node, nwk)
        self._reach(Stage.REGISTERED if self.node.registered else Stage.JOINED)
        await self.uplink.announce()
        self._behaviour.told(event)

    # Its key

    def _established(self, key: bytes) -> None:
        self.node.link_key, self.node.registered, self._failure = key, True, ""
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
            status = await self._initiated(self._keys, suite)
            if status is None:
                break
            self._failure = f"key establishment ended with status {status}"
            self._reach(Stage.JOINED)
            if status == UNKNOWN_ISSUER:
                return False
        return True

    @staticmethod
    async def _initiated(keys: KeyEstablishment, suite: int) -> int | None:
        """What became of one exchange; that nobody could be asked for an endpoint is silence too."""
        try:
            return await keys.initiate(suite)
        except Unanswered:
            return TIMED_OUT

    async def _suite(self) -> int | None:
        """The best suite that both have; None if the trust centre establishes no keys."""
        assert self._keys is not None
        own = self._keys.suites
        try:
            if await self.uplink.endpoint(KEY_ESTABLISHMENT) is None:
                self._failure = "the trust centre establishes no keys"
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
        try:
            await self._behaviour.live(self.uplink)
        except Unanswered:
            log.debug("simulated device %016X had no answer", self.node.eui64)
        except Exception:
            log.exception("what simulated device %016X does broke down", self.node.eui64)

    async def _answer_for_keys(self) -> None:
        """The trust centre may want another key at any time."""
        while self._keys is not None:
            with suppress(Unanswered):
                await self._keys.respond()

    async def _keep_alive(self) -> None:
        """Look for the trust centre now and then; returns when it is gone."""
        missed, span_s = 0, self._timing.keep_alive_s
        while missed < self._timing.missed:
            await self._clock.sleep(span_s)
            try:
                span_s = await self._look()
                missed = 0
            except Unanswered:
                missed += 1

    async def _look(self) -> float:
        """A sign of life of the trust centre, and after how many seconds it wants the next to be asked for.

        Source: Smart Energy 1.2, Keep-Alive cluster (base in minutes, jitter in seconds).
        """
        if await self.uplink.endpoint(KEEP_ALIVE) is None:
            await self.uplink.describe_centre()
            return self._timing.keep_alive_s
        told = await self.uplink.read(KEEP_ALIVE, _BASE_MIN, _JITTER_S, encrypted=self.node.registered)
        base, jitter = (told[each].content if each in told else None for each in (_BASE_MIN, _JITTER_S))
        if not isinstance(base, int) or not base:
            return self._timing.keep_alive_s
        return base * 60.0 + self.node.eui64 % ((jitter if isinstance(jitter, int) else 0) + 1)


def _with_keys(endpoint: Endpoint, keys: KeyEstablishment) -> Endpoint:
    """A Smart Energy endpoint has Key Establishment on both sides."""
    if endpoint.descriptor.profile != SMART_ENERGY:
        return endpoint
    return replace(
        endpoint,
        servers={**endpoint.servers, KEY_ESTABLISHMENT: keys.server},
        clients={**endpoint.clients, KEY_ESTABLISHMENT: keys.client},
    )
