"""A network key's change at the gateway: asked for once, carried out once, told once, whatever is repeated or killed.

The order is that of device commands: taken up in the journal before the radio is touched, ended there before it is
told. A change that a stop cut short is asked for again under its own id, which the network recognises.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from sqlalchemy.exc import SQLAlchemyError

from gateway.clock import Clock
from gateway.errors import Fault
from gateway.han.execution import cause_of
from gateway.han.messages import RotateNetworkKey
from gateway.han.words import Cause
from gateway.identifiers import RequestId
from gateway.journal.commands import Answered, Ending, Taken
from gateway.journal.devices import DeviceBook
from gateway.messages import OutcomeStatus
from gateway.ports import Driver, HomeNetwork
from gateway.reports import Reports

log = logging.getLogger(__name__)

RESUME_S = 180.0
"""How long a change that a stop cut short may take to be finished."""
RECORD_PAUSES_S = (0.5, 15.0)
"""The first and the longest pause before an end is offered to the journal again."""


class NetworkKeys:
    """One gateway's changes of its networks' keys."""

    def __init__(self, book: DeviceBook, drivers: Mapping[str, Driver], reports: Reports, clock: Clock) -> None:
        self._book = book
        self._drivers = drivers
        self._reports = reports
        self._clock = clock
        self._running: dict[RequestId, asyncio.Task[None]] = {}

    async def handle(self, commands: Sequence[RotateNetworkKey]) -> None:
        """Take up changes, durably, and set them going; returns when they are taken up."""
        for command in commands:
            now = self._clock.now()
            claim = await self._book.take_up(command, self._refusal(command), now)
            if isinstance(claim, Answered):
                await self._reports.tell([claim.outcome])
            elif isinstance(claim, Taken):
                self._start(command, (command.deadline_at - now).total_seconds())

    async def resume(self) -> None:
        """At start: finish what a stop cut short."""
        for command in await self._book.open_commands():
            if isinstance(command, RotateNetworkKey):
                self._start(command, RESUME_S)

    async def settle(self, grace_s: float) -> None:
        """Wait for running changes, at most grace_s s; what is open then is finished at the next start."""
        tasks = list(self._running.values())
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _refusal(self, command: RotateNetworkKey) -> Ending | None:
        """Why a change is not taken up, None if it is."""
        if command.deadline_at <= self._clock.now():
            return Ending.refused(Cause.EXPIRED, "The command's deadline had passed when it arrived.")
        home = self._home(command.driver)
        return home if isinstance(home, Ending) else None

    def _home(self, name: str | None) -> HomeNetwork | Ending:
        """The network of a driver, or without a name the only one there is."""
        homes = {each: driver.home for each, driver in self._drivers.items() if driver.home is not None}
        if name is None and len(homes) > 1:
            return Ending.refused(Cause.BAD_COMMAND, f"Name one of the drivers {', '.join(homes)}.")
        home = next(iter(homes.values()), None) if name is None else homes.get(name)
        if home is None:
            which = "No driver of this gateway" if name is None else f"Driver {name} of this gateway is not one that"
            return Ending.refused(Cause.NO_HOME_NETWORK, f"{which} forms a home area network.")
        return home

    def _start(self, command: RotateNetworkKey, timeout_s: float) -> None:
        self._running[command.id] = asyncio.create_task(self._serve(command, timeout_s))
        self._running[command.id].add_done_callback(lambda _: self._running.pop(command.id))

    async def _serve(self, command: RotateNetworkKey, timeout_s: float) -> None:
        """Carry out one change and tell its end, whatever happens: only a stop leaves it open."""
        try:
            ending = await self._rotate(command, timeout_s)
        except Exception:  # the edge of this command's task: whoever asked must hear of its end
            log.exception("command %s ended in an error that nobody foresaw", command.id)
            ending = Ending.failed(Cause.INTERRUPTED, "The gateway met an error of its own; its log has the cause.")
        await self._record(command, ending)

    async def _rotate(self, command: RotateNetworkKey, timeout_s: float) -> Ending:
        home = self._home(command.driver)
        if isinstance(home, Ending):
            return home
        try:
            async with asyncio.timeout(timeout_s):
                sequence = await home.rotate(command.id, timeout_s)
        except TimeoutError:
            return Ending.failed(Cause.UNREACHABLE, "It did not end in time; a device that joined may have kept it.")
        except Fault as fault:
            return Ending.failed(cause_of(fault), str(fault))
        return Ending(status=OutcomeStatus.DONE, detail=f"The network key in use has the sequence number {sequence}.")

    async def _record(self, command: RotateNetworkKey, ending: Ending) -> None:
        """Record an end, again and again while the journal's database is in trouble, and tell it."""
        pause_s = RECORD_PAUSES_S[0]
        while True:
            try:
                told = await self._book.end(command, ending, self._clock.now())
                break
            except (SQLAlchemyError, OSError):
                log.exception("the end of command %s waits for the journal: %.1f s", command.id, pause_s)
            await self._clock.sleep(pause_s)
            pause_s = min(pause_s * 2, RECORD_PAUSES_S[1])
        await self._reports.tell(told)
