"""The device desk: takes commands for gateways, sends them, gives up what nobody answers, and tells those who wait."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.database import Database
from gateway.dice import Dice
from gateway.han.notices import Notice
from gateway.han.sealing import KEY_BYTES
from gateway.identifiers import Eui64, GatewayId, RequestId
from gateway.keys import InstallCode
from gateway.messages import Command
from gateway.ports import Bus
from portal.han.ask import (
    Asking,
    DeviceRefusal,
    DeviceRefused,
    Given,
    Plain,
    Sent,
    ask_assignment,
    ask_device,
    ask_join,
    ask_notice,
    ask_withdrawal,
)
from portal.han.commands import expire, next_deadline
from portal.han.network_keys import ask_rotation
from portal.han.outbox import CommandOutbox
from portal.han.recording import DeviceNews
from portal.han.settings import DeviceSettings
from portal.han.who_may import refusal_for, refusal_of_assignments, refusal_of_role
from portal.viewer import Viewer
from portal.visibility import VisibleMeter

log = logging.getLogger(__name__)
T = TypeVar("T")
Answer = Given | DeviceRefused
Job = Callable[[AsyncConnection], Awaitable[tuple[Answer, Sent]]]
Check = Callable[[AsyncConnection], Awaitable[DeviceRefused | None]]

SHORTEST_SWEEP_S = 0.2


class DeviceDesk:
    """One per process, over the process's database and bus: `run` sends and sweeps, `told` hears what was recorded."""

    def __init__(
        self, database: Database, bus: Bus, clock: Clock, dice: Dice, settings: DeviceSettings | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._dice = dice
        self._settings = settings or DeviceSettings()
        self._outbox = CommandOutbox(database, bus, clock, self._settings)
        self._listening: dict[str, set[asyncio.Event]] = {}

    async def join(
        self, meter: VisibleMeter, viewer: Viewer, device: Eui64, code: InstallCode, window_s: int
    ) -> Answer:
        """Ask a gateway to bring a device onto a meter's network."""
        asking, secret = self._asking(meter, viewer), self._dice.secret(KEY_BYTES)
        return await self._ask(
            self._of_meter(viewer, meter),
            lambda connection: ask_join(connection, asking, device, code, window_s, secret, self._clock.now()),
        )

    async def command(self, meter: VisibleMeter, viewer: Viewer, plain: Plain, device: Eui64) -> Answer:
        """Ask a gateway to remove, rekey, ping or describe a device."""
        asking = self._asking(meter, viewer)
        return await self._ask(
            self._of_meter(viewer, meter),
            lambda connection: ask_device(connection, asking, plain, device, self._clock.now()),
        )

    async def notify(
        self, meter: VisibleMeter, viewer: Viewer, device: Eui64 | None, make: Callable[[int], Notice]
    ) -> Answer:
        """Ask a gateway to tell a device, or all of a meter; make is handed the notice's event id."""
        asking = self._asking(meter, viewer)
        return await self._ask(
            self._of_meter(viewer, meter),
            lambda connection: ask_notice(connection, asking, device, make, self._clock.now()),
        )

    async def assign(
        self, meter: VisibleMeter, viewer: Viewer, target: tuple[GatewayId, str, str], code: InstallCode | None
    ) -> Answer:
        """Begin to move a meter to a gateway, driver and address."""
        asking, secret = self._asking(meter, viewer), self._dice.secret(KEY_BYTES)
        withdraw_id = RequestId(self._dice.request_id(self._clock.now()))
        return await self._ask(
            _known(refusal_of_assignments(viewer)),
            lambda connection: ask_assignment(
                connection, asking, withdraw_id, viewer.company_id, target, code, secret, self._clock.now()
            ),
        )

    async def withdraw(self, meter: VisibleMeter, viewer: Viewer) -> Answer:
        """Begin to take a meter away from its gateway."""
        asking = self._asking(meter, viewer)
        return await self._ask(
            _known(refusal_of_assignments(viewer)),
            lambda connection: ask_withdrawal(connection, asking, self._clock.now()),
        )

    async def rotate_key(self, viewer: Viewer, gateway: GatewayId, driver: str | None) -> Answer:
        """Ask a gateway of the viewer's to change a network's key."""
        command_id = RequestId(self._dice.request_id(self._clock.now()))
        return await self._ask(
            _known(refusal_of_assignments(viewer) or refusal_of_role(viewer)),
            lambda connection: ask_rotation(
                connection, viewer, command_id, gateway, driver, self._settings, self._clock.now()
            ),
        )

    def send(self, commands: Iterable[tuple[GatewayId, Command]]) -> None:
        """Send commands that others recorded and that are committed."""
        self._outbox.add(commands)

    def told(self, news: DeviceNews) -> None:
        """What was just recorded and committed: send what follows from it, and tell those who wait."""
        self._outbox.settle(news.ended)
        if news.to_send:
            self._outbox.add(news.to_send)
        self._ring(news.changed)

    async def wait(
        self, key: str, look: Callable[[], Awaitable[T]], is_news: Callable[[T], bool], timeout_s: float
    ) -> T:
        """What look finds once that is news, or as it is at the time-out.

        key is what the change will be told under: a command's id, a device's address or a meter's number.
        """
        rung = asyncio.Event()
        self._listening.setdefault(key, set()).add(rung)
        found = await look()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    while not is_news(found):
                        await rung.wait()
                        rung.clear()
                        found = await look()
        finally:
            others = self._listening[key]
            others.discard(rung)
            if not others:
                del self._listening[key]
        return found

    async def greet(self) -> None:
        """The bus has a new connection: whatever waits is sent again at once."""
        self._outbox.hasten()

    async def run(self) -> None:
        """Send, and give up what has expired; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._outbox.run())
            tasks.create_task(self._sweep())

    def _asking(self, meter: VisibleMeter, viewer: Viewer) -> Asking:
        return Asking(
            id=RequestId(self._dice.request_id(self._clock.now())),
            meter=meter,
            account_id=viewer.account_id,
            settings=self._settings,
        )

    def _of_meter(self, viewer: Viewer, meter: VisibleMeter) -> Check:
        """Whether somebody may manage a meter's devices is asked in the transaction that gives the command."""
        return lambda connection: refusal_for(connection, viewer, meter, self._clock.now())

    async def _ask(self, check: Check, job: Job) -> Answer:
        async def permitted(connection: AsyncConnection) -> tuple[Answer, Sent]:
            refusal = await check(connection)
            return await job(connection) if refusal is None else (refusal, [])

        if len(self._outbox) >= self._settings.most_waiting:
            words = "Too many commands are waiting. Please try again shortly."
            return DeviceRefused(reason=DeviceRefusal.TOO_MANY, words=words)
        try:
            answer, sent = await self._database.write(permitted)
        except IntegrityError:
            # Somebody else's join of the same device was committed in between: decide again, knowing it.
            answer, sent = await self._database.write(permitted)
        if sent:
            self._outbox.add(sent)
        return answer

    def _ring(self, keys: Iterable[str]) -> None:
        for key in keys:
            for rung in self._listening.get(key, ()):
                rung.set()

    async def _sweep(self) -> None:
        """Expire what has passed its deadline, make outbox and table agree, and sleep until there is more to do."""
        reconcile_at_s = self._clock.monotonic()
        while True:
            grace_s = self._settings.grace_s
            expired = await self._database.write(partial(expire, now=self._clock.now(), grace_s=grace_s))
            self._outbox.settle(expired)
            self._ring(expired)
            if self._clock.monotonic() >= reconcile_at_s:
                self._ring(await self._outbox.reconcile())
                reconcile_at_s = self._clock.monotonic() + self._settings.sweep_s
            async with self._database.reading() as connection:
                deadline = await next_deadline(connection)
            pause_s = self._settings.sweep_s
            if deadline is not None:
                over_at = deadline + timedelta(seconds=grace_s)
                pause_s = min(pause_s, (over_at - self._clock.now()).total_seconds() + 0.001)
            await self._clock.sleep(max(pause_s, SHORTEST_SWEEP_S))


def _known(refusal: DeviceRefused | None) -> Check:
    """A check whose answer no database knows better."""

    async def check(_: AsyncConnection) -> DeviceRefused | None:
        return refusal

    return check
