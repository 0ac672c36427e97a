"""Telling gateways of commands: sent when committed, sent again with growing pauses until they have ended.

The table is the record, this the memory of it. Commands are idempotent at the gateway, so sending one too often costs
a message and nothing else.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from gateway.clock import Clock
from gateway.database import Database
from gateway.errors import LinkLost
from gateway.identifiers import GatewayId, RequestId
from gateway.messages import Command
from gateway.ports import Bus
from portal.han.commands import note_sent, waiting
from portal.han.settings import DeviceSettings

LOOK_S = 0.5
"""How often what is due again is looked for."""


@dataclass(slots=True)
class _Waiting:
    """A command that has not ended: when it is due again, and after which pause once more."""

    gateway: GatewayId
    message: Command
    due_s: float
    pause_s: float
    noted: bool = False


class CommandOutbox:
    """Sends commands and remembers which still wait for their end."""

    def __init__(self, database: Database, bus: Bus, clock: Clock, settings: DeviceSettings) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._settings = settings
        self._waiting: dict[RequestId, _Waiting] = {}
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, commands: Iterable[tuple[GatewayId, Command]]) -> None:
        """Take commands that were just committed, and send them at once."""
        now_s = self._clock.monotonic()
        for gateway, message in commands:
            first_s = self._settings.resend_first_s
            self._waiting.setdefault(message.id, _Waiting(gateway, message, now_s, first_s))
        self._wake.set()

    def settle(self, command_ids: Iterable[RequestId]) -> None:
        """Forget commands that have ended."""
        for command_id in command_ids:
            self._waiting.pop(command_id, None)

    def hasten(self) -> None:
        """Send everything that waits: the connection is new, and nobody knows what the old one lost."""
        for each in self._waiting.values():
            each.due_s = self._clock.monotonic()
        self._wake.set()

    async def reconcile(self) -> list[RequestId]:
        """Make memory and table agree: take what a crash or a sibling left there, forget what has left it.

        Returns what was forgotten: commands that ended without this process hearing of it.
        """
        remembered = list(self._waiting)
        async with self._database.reading() as connection:
            kept = await waiting(connection)
        there = {message.id for _, message in kept}
        gone = [command_id for command_id in remembered if command_id not in there]
        self.settle(gone)
        self.add(kept)
        return gone

    async def run(self) -> list[RequestId]:
        """Send what is due, until cancelled."""
        while True:
            now_s = self._clock.monotonic()
            for each in [each for each in self._waiting.values() if each.due_s <= now_s]:
                await self._send(each)
            self._wake.clear()
            if any(each.due_s <= self._clock.monotonic() for each in self._waiting.values()):
                continue
            await self._pause()

    async def _pause(self) -> None:
        """Until something is added, or for a moment if anything waits."""
        if not self._waiting:
            await self._wake.wait()
            return
        looking = asyncio.ensure_future(self._clock.sleep(LOOK_S))
        woken = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait([looking, woken], return_when=asyncio.FIRST_COMPLETED)
        finally:
            looking.cancel()
            woken.cancel()

    async def _send(self, each: _Waiting) -> None:
        each.due_s = self._clock.monotonic() + each.pause_s
        each.pause_s = min(each.pause_s * 2, self._settings.resend_last_s)
        try:
            async with asyncio.timeout(self._settings.publish_timeout_s):
                await self._bus.publish(each.gateway, each.message)
        except (LinkLost, TimeoutError):
            return
        if not each.noted:
            sent = partial(note_sent, command_id=each.message.id, now=self._clock.now())
            await self._database.write(sent)
            each.noted = True
