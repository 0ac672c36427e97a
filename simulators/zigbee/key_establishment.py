"""The Key Establishment cluster, both sides: the talk of cbke/ carried by frames and paced by a clock.

A device has it with its trust centre; a trust centre that needs no host has it with each of its devices.

Source: ZigBee Smart Energy 07-5356, annex C.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import cache
from typing import Protocol, TypeVar

from gateway.clock import Clock
from simulators.zigbee import zcl
from simulators.zigbee.cbke.talk import CONFIRM, EPHEMERAL, Frame, Party, Talk
from simulators.zigbee.uplink import KEY_ESTABLISHMENT
from simulators.zigbee.zcl import ENUM16, Value

T = TypeVar("T")

SUITES = 0x0000
_MOST_WAITING = 8
TIMED_OUT = -1
"""Stands for a Terminate status where the partner only fell silent."""


class Line(Protocol):
    """What carries an exchange to the one partner that it is with; centre is that partner's EUI-64."""

    centre: int

    @property
    def clock(self) -> Clock:
        """The clock by which the partner's patience is measured."""
        ...

    async def tell(
        self, cluster: int, command: int, body: bytes = b"", *, from_server: bool = False, tsn: int | None = None
    ) -> bool:
        """Send a command (in answer to the one with that tsn); whether it was delivered."""
        ...


class Side:
    """One side of the cluster: it tells the suites, and hands the partner's frames to whoever talks."""

    def __init__(self, suites: int, take: Callable[[zcl.Command], None]) -> None:
        self._suites, self._take = suites, take

    def attributes(self) -> Sequence[int]:
        """Only the suites."""
        return [SUITES]

    def attribute(self, attribute: int) -> Value | None:
        """The suites that the device has certificates for."""
        return Value(ENUM16, self._suites) if attribute == SUITES else None

    def reading(self, attributes: Sequence[int]) -> bytes | None:
        """Nothing happens when it is read."""
        return None

    def command(self, command: zcl.Command) -> None:
        """A frame of an exchange: what it leads to is said later, by a command of its own."""
        self._take(command)


class KeyEstablishment:
    """What one end does with the cluster, over an uplink to its partner.

    computing_s is how long it truly takes over its keys, and over its proof. party, which has certificates for suites,
    is made when it is first needed: certificates take their time to compute. established is called with each new link
    key; begins when the partner wants to talk and nobody does yet.
    """

    def __init__(
        self,
        suites: int,
        party: Callable[[], Party],
        uplink: Line,
        established: Callable[[bytes], None],
        computing_s: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self._party, self._uplink, self._established = cache(party), uplink, established
        self._pace_s = {EPHEMERAL: computing_s[0], CONFIRM: computing_s[1]}
        self._said: asyncio.Queue[zcl.Command] = asyncio.Queue(_MOST_WAITING)
        self.asked: asyncio.Queue[zcl.Command] = asyncio.Queue(_MOST_WAITING)
        self.server = Side(suites, lambda command: _put(self.asked, command))
        self.client = Side(suites, lambda command: _put(self._said, command))
        self.suites = suites

    async def initiate(self, suite: int) -> int | None:
        """Establish a key with the partner. Returns None, or the status with which it failed."""
        _emptied(self._said)
        talk = await computed(lambda: self._party().begin(self._uplink.centre, suite, self._now_s))
        await self._say(talk, talk.opening, None, from_server=False)
        return await self._talk(talk, self._said, from_server=False)

    async def respond(self) -> int | None:
        """Wait for the partner to begin, and establish a key with it; as initiate() returns."""
        first = await self.asked.get()
        talk = await computed(lambda: self._party().answer(self._uplink.centre, self._now_s))
        await self._hear(talk, first, from_server=True)
        return await self._talk(talk, self.asked, from_server=True)

    @property
    def _now_s(self) -> float:
        return self._uplink.clock.monotonic()

    async def _talk(self, talk: Talk, inbox: asyncio.Queue[zcl.Command], *, from_server: bool) -> int | None:
        while not talk.over:
            command = await self._next(inbox, talk)
            if command is None:
                talk.expire(self._now_s)
                return TIMED_OUT
            await self._hear(talk, command, from_server=from_server)
        if talk.link_key is None:
            return TIMED_OUT if talk.status is None else talk.status
        if not from_server:
            self._established(talk.link_key)
        return None

    async def _hear(self, talk: Talk, command: zcl.Command, *, from_server: bool) -> None:
        frames = await computed(lambda: talk.hear(command.header.command, command.body, self._now_s))
        tsn = command.header.tsn if from_server else None
        await self._say(talk, frames, tsn, from_server=from_server)

    async def _next(self, inbox: asyncio.Queue[zcl.Command], talk: Talk) -> zcl.Command | None:
        """The partner's next frame; None if it keeps us waiting for too long."""
        if not inbox.empty():
            return inbox.get_nowait()
        heard = asyncio.ensure_future(inbox.get())
        span_s = max(0.0, (talk.deadline_s or self._now_s) - self._now_s)
        patience = asyncio.ensure_future(self._uplink.clock.sleep(span_s))
        try:
            await asyncio.wait((heard, patience), return_when=asyncio.FIRST_COMPLETED)
            return heard.result() if heard.done() else None
        finally:
            heard.cancel()
            patience.cancel()

    async def _say(self, talk: Talk, frames: Sequence[Frame], tsn: int | None, *, from_server: bool) -> None:
        """Say what a step says, once it is computed: the partner's time begins only then.

        The key of the last frame is in use before it leaves, for the partner may use it at once.
        """
        for command, body in frames:
            pace_s = self._pace_s.get(command, 0.0)
            if pace_s > 0:
                await self._uplink.clock.sleep(pace_s)
                talk.deadline_s = None if talk.deadline_s is None else talk.deadline_s + pace_s
            if from_server and talk.link_key is not None:
                self._established(talk.link_key)
            await self._uplink.tell(KEY_ESTABLISHMENT, command, body, from_server=from_server, tsn=tsn)


async def computed(step: Callable[[], T]) -> T:
    """Curves take tens of milliseconds: the loop goes on meanwhile."""
    return await asyncio.get_running_loop().run_in_executor(None, step)


def _put(queue: asyncio.Queue[zcl.Command], command: zcl.Command) -> None:
    """What a device has no room for is lost, as on the air."""
    if not queue.full():
        queue.put_nowait(command)


def _emptied(queue: asyncio.Queue[zcl.Command]) -> None:
    while not queue.empty():
        queue.get_nowait()
