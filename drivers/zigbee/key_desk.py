"""Where key establishment meets the air: frames in from many devices, answers out, and keys kept when they are proved.

The exchanges themselves touch neither radio nor clock (drivers.zigbee.cbke). A step on the curve takes tens of
milliseconds, so it runs beside the loop, one at a time. Source: ZigBee Smart Energy 1.4, annex C.3.1.2.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from drivers.zigbee.cbke.certificates import Identity
from drivers.zigbee.cbke.exchange import (
    USUAL,
    Event,
    Exchange,
    KeyEstablished,
    KeyRefused,
    KeyTimedOut,
    Reaction,
    Role,
    Times,
    refusal,
)
from drivers.zigbee.cbke.frames import Command, Frame, Status
from drivers.zigbee.cbke.responders import Responders
from drivers.zigbee.cbke.suites import Suite
from drivers.zigbee.key_frames import KeyCommand
from gateway.clock import Clock
from gateway.dice import Dice
from gateway.errors import Fault
from gateway.han.words import Cause, HanFault
from gateway.identifiers import Eui64

log = logging.getLogger(__name__)

MOST_AT_ONCE = 8
"""Exchanges under way; a further device is told when to come again."""

MOST_STEPS = 32
"""Frames being worked on; what comes beyond is dropped, and its sender's own patience ends its exchange."""

_LONGEST_WAIT_S = 254


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBegun:
    """A device began to establish a key with us."""

    partner: Eui64


class Keeper(Protocol):
    """Who holds the keys. Both raise a Fault when that cannot be done."""

    async def keep(self, established: KeyEstablished) -> None:
        """Have the device's new key on disk and in the co-processor."""
        ...

    async def take_back(self, partner: Eui64) -> None:
        """Return to the key that the device had before, or to none."""
        ...


Say = Callable[[Eui64, int, KeyCommand | None, Frame], Awaitable[None]]
"""Sends a frame to a device's endpoint, in answer to a command or (None) of our own accord; raises a Fault."""


class KeyDesk:
    """All exchanges over one connection. expects says whose exchanges are welcome, told hears what becomes of them."""

    def __init__(
        self,
        identities: Sequence[Identity],
        clock: Clock,
        dice: Dice,
        *,
        keeper: Keeper,
        say: Say,
        expects: Callable[[Eui64], bool],
        told: Callable[[KeyBegun | Event], None],
        times: Times = USUAL,
    ) -> None:
        self._identities, self._clock, self._dice, self._times = tuple(identities), clock, dice, times
        self._keeper, self._say, self._expects, self._told = keeper, say, expects, told
        self._responders = Responders(identities, dice, MOST_AT_ONCE, times)
        self._initiators: dict[Eui64, Exchange] = {}
        self._computing = asyncio.Lock()
        self._steps: set[asyncio.Task[None]] = set()
        self._timer: asyncio.Task[None] | None = None

    @property
    def suites(self) -> tuple[int, ...]:
        """The suites that we have certificates for, as masks."""
        return tuple(identity.certificate.suite.bit for identity in self._identities)

    def receive(self, partner: Eui64, endpoint: int, command: KeyCommand) -> None:
        """A frame from a device's endpoint. It never blocks and never raises."""
        if len(self._steps) >= MOST_STEPS:
            log.warning("a frame of %s's key establishment is dropped: too many are being worked on", partner)
            return
        self._begin(self._received(partner, endpoint, command))

    async def initiate(self, partner: Eui64, endpoint: int, suite: Suite) -> None:
        """Begin to establish a key with a device; told hears the end. Raises HanFault if one is under way already."""
        if partner in self._initiators or len(self._initiators) >= MOST_AT_ONCE:
            raise HanFault(Cause.BUSY, "too many key establishments are under way")
        exchange = Exchange(Role.INITIATOR, self._identities, partner, self._dice, self._times)
        self._initiators[partner] = exchange
        try:
            reaction = exchange.start(suite, self._clock.monotonic())
            self._watch_time()
            for frame in reaction.frames:
                await self._say(partner, endpoint, None, frame)
        except BaseException:
            self._initiators.pop(partner, None)
            raise

    def abandon(self, partner: Eui64) -> None:
        """Forget an exchange that we began."""
        self._initiators.pop(partner, None)

    def close(self) -> None:
        """Give everything up: the connection is gone."""
        for task in (*self._steps, *([self._timer] if self._timer else [])):
            task.cancel()

    def _begin(self, step: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(step)
        self._steps.add(task)
        task.add_done_callback(self._steps.discard)

    async def _received(self, partner: Eui64, endpoint: int, command: KeyCommand) -> None:
        try:
            if not command.from_server and not self._expects(partner):
                await self._turn_away(partner, endpoint, command)
                return
            if command.from_server and partner not in self._initiators:
                return
            await self._follow(partner, endpoint, command, await self._computed(partner, command))
        except Fault as fault:
            log.info("key establishment with %s: %s", partner, fault)
        except Exception:  # The task's edge: whatever one device's bytes did, the others go on.
            log.exception("key establishment with %s failed", partner)

    async def _turn_away(self, partner: Eui64, endpoint: int, command: KeyCommand) -> None:
        """Whoever was not let in by its install code gets no key, however good its certificate."""
        log.warning("%s, which is not being joined, asks for a key", partner)
        if command.frame.command == Command.INITIATE:
            frame = refusal(self.suites, Status.NO_RESOURCES, _LONGEST_WAIT_S)
            await self._say(partner, endpoint, command, frame)

    async def _computed(self, partner: Eui64, command: KeyCommand) -> Reaction:
        """The exchange's next step, beside the loop; the machines know nothing of threads, so one at a time."""
        if not command.from_server and command.frame.command == Command.INITIATE:
            self._told(KeyBegun(partner=partner))
        async with self._computing:
            receive = self._initiators[partner].receive if command.from_server else self._responders_for(partner)
            now_s = self._clock.monotonic()
            loop = asyncio.get_running_loop()
            reaction = await loop.run_in_executor(None, receive, command.frame, command.transaction, now_s)
        self._watch_time()
        return reaction

    def _responders_for(self, partner: Eui64) -> Callable[[Frame, int, float], Reaction]:
        def receive(frame: Frame, transaction: int, now_s: float) -> Reaction:
            return self._responders.receive(partner, frame, transaction, now_s)

        return receive

    async def _follow(self, partner: Eui64, endpoint: int, command: KeyCommand, reaction: Reaction) -> None:
        """Keep a proved key before its partner learns that it is proved, then send, then say what happened.

        A partner that has our proof uses the key at once; one that never got it begins anew, in the clear.
        """
        own = next((event for event in reaction.events if event.partner == partner), None)
        if isinstance(own, KeyEstablished):
            await self._establish(own, endpoint, command, reaction.frames)
        else:
            if isinstance(own, KeyRefused) and own.by_partner and not command.from_server:
                await self._keeper.take_back(partner)
            for frame in reaction.frames:
                await self._say(partner, endpoint, command, frame)
        for event in reaction.events:
            if not isinstance(event, KeyEstablished):
                self._tell(event)

    async def _establish(
        self, event: KeyEstablished, endpoint: int, command: KeyCommand, frames: Sequence[Frame]
    ) -> None:
        try:
            await self._keeper.keep(event)
        except Fault as fault:
            self._tell(_refused(event.partner, str(fault)))
            await self._say(event.partner, endpoint, command, refusal(self.suites, Status.NO_RESOURCES))
            return
        try:
            for frame in frames:
                await self._say(event.partner, endpoint, command, frame)
        except Fault:
            await self._keeper.take_back(event.partner)
            self._tell(KeyTimedOut(partner=event.partner, awaited=Command.CONFIRM))
            raise
        self._tell(event)

    def _tell(self, event: Event) -> None:
        exchange = self._initiators.get(event.partner)
        if exchange is not None and exchange.over:
            del self._initiators[event.partner]
        self._told(event)

    def _watch_time(self) -> None:
        if self._timer is None and self._deadline_s() is not None:
            self._timer = asyncio.create_task(self._keep_time())

    def _deadline_s(self) -> float | None:
        instants = [each.deadline_s for each in self._initiators.values()]
        return min((at for at in (*instants, self._responders.deadline_s) if at is not None), default=None)

    async def _keep_time(self) -> None:
        """End what has passed its deadline, as long as anything has one."""
        try:
            while (deadline_s := self._deadline_s()) is not None:
                await self._clock.sleep(max(0.0, deadline_s - self._clock.monotonic()))
                async with self._computing:
                    now_s = self._clock.monotonic()
                    ended = [*self._responders.expire(now_s)]
                    for exchange in list(self._initiators.values()):
                        ended += exchange.expire(now_s).events
                for event in ended:
                    self._tell(event)
        finally:
            self._timer = None


def _refused(partner: Eui64, reason: str) -> KeyRefused:
    return KeyRefused(partner=partner, status=Status.NO_RESOURCES, by_partner=False, wait_s=0, reason=reason)
