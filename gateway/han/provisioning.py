"""Home-area devices at the gateway: commands in progress, each recorded before and after the radio is touched.

The order is that of reads: a command is taken up in the journal before the radio is touched, its end is committed
before it is told, and a repeated one gets the end that is already there. After a crash the trust centre is asked what
became of an open join or removal before anything is repeated.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from gateway.clock import Clock
from gateway.errors import Fault
from gateway.han.admission import Standing, refusal_of
from gateway.han.execution import Execution, Result, cause_of, failed_join, too_late
from gateway.han.messages import DeviceCommand, JoinDevice, RemoveDevice
from gateway.han.notices import Answer, Heard
from gateway.han.states import Event
from gateway.han.words import Cause
from gateway.identifiers import Eui64, MeterNumber, RequestId
from gateway.journal.commands import Answered, Ending, Taken
from gateway.journal.devices import Change, DeviceBook
from gateway.messages import Report
from gateway.ports import Assignment, Driver
from gateway.reports import Reports
from gateway.settings import GatewaySettings

log = logging.getLogger(__name__)

RESUME_S = 60.0
"""How long a start waits for the radio to learn what became of an open command."""
STRANGER_S = 600.0
"""A stranger that is turned away again within this time is not reported again."""
MOST_STRANGERS = 64
RECORD_PAUSES_S = (0.5, 15.0)
"""The first and the longest pause before an end is offered to the journal again."""


@dataclass(frozen=True, slots=True)
class _Running:
    """A command in progress: its work, and the whole of it up to its recorded end."""

    command: DeviceCommand
    work: asyncio.Task[Result]
    whole: asyncio.Task[None]


class Provisioning:
    """One gateway's device commands, and what devices say by themselves."""

    def __init__(
        self,
        book: DeviceBook,
        execution: Execution,
        drivers: Mapping[str, Driver],
        assignments: Mapping[MeterNumber, Assignment],
        reports: Reports,
        clock: Clock,
        settings: GatewaySettings,
    ) -> None:
        self._book = book
        self._execution = execution
        self._drivers = drivers
        self._assignments = assignments
        self._reports = reports
        self._clock = clock
        self._settings = settings
        self._running: dict[RequestId, _Running] = {}
        self._heard: deque[Heard] = deque(maxlen=settings.heard_waiting)
        self._some_heard = asyncio.Event()
        self._strangers: dict[Eui64, float] = {}

    async def handle(self, commands: Sequence[DeviceCommand]) -> None:
        """Decide upon commands, durably, and set the granted ones going; returns when they are taken up."""
        for command in commands:
            now = self._clock.now()
            assigned, has_home = command.meter in self._assignments, self._execution.home(command.meter) is not None
            decide = partial(
                refusal_of,
                command,
                now=now,
                most_devices=self._settings.devices_per_meter,
                most_running=self._settings.commands_at_once,
            )
            claim, told = await self._book.claim(command, now, Standing(assigned=assigned, has_home=has_home), decide)
            if isinstance(claim, Taken):
                self._start(command, again=False)
            await self._reports.tell(told)
            if isinstance(claim, Answered):
                await self._reports.tell([claim.outcome])

    async def resume(self) -> None:
        """At start: listen to every home network, remember what devices must be told, and settle what a stop cut."""
        for driver in self._drivers.values():
            if driver.home is not None:
                driver.home.listen(self.hear)
        for device, meter, notice in await self._book.notices(self._clock.now()):
            if home := self._execution.home(meter):
                home.remember(device, notice)
        for command in await self._book.open_commands():
            if isinstance(command, DeviceCommand):
                self._start(command, again=True)

    def hear(self, heard: Heard) -> None:
        """What a home network's listener is told; run() records it."""
        if heard.answer is Answer.TURNED_AWAY and not self._is_news(heard.device):
            return
        if len(self._heard) == self._heard.maxlen:
            log.warning("devices say more than can be recorded; the oldest word is dropped")
        self._heard.append(heard)
        self._some_heard.set()

    async def run(self) -> None:
        """Record and tell what devices say, until cancelled."""
        while True:
            while self._heard:
                heard = self._heard[0]
                told = await self._book.heard(heard, self._clock.now())
                if self._heard[0] is heard:
                    self._heard.popleft()
                await self._reports.tell(told)
            self._some_heard.clear()
            await self._some_heard.wait()

    async def settle(self, grace_s: float) -> None:
        """Wait for running commands, at most grace_s seconds; what is open then is settled at the next start."""
        tasks = [each.whole for each in self._running.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, command: DeviceCommand, *, again: bool) -> None:
        """Set a command going; a removal ends its device's open join first."""
        joins = [each for each in self._running.values() if _ends_join(command, each.command)]
        for each in joins:
            each.work.cancel()
        work = asyncio.create_task(self._carry_out(command, [each.whole for each in joins], again=again))
        whole = asyncio.create_task(self._finish(command, work))
        self._running[command.id] = _Running(command, work, whole)
        whole.add_done_callback(lambda _: self._running.pop(command.id))

    async def _finish(self, command: DeviceCommand, work: asyncio.Task[Result]) -> None:
        """Wait for a command's work and record its end, whatever it is: only a stop leaves a command open."""
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait([work])
            raise
        if work.cancelled():
            ending, changes = Ending.failed(Cause.CANCELLED, "The device was removed while it joined."), list[Change]()
        else:
            ending, changes = work.result()
        await self._reports.tell(await self._record(command, ending, changes))

    async def _carry_out(self, command: DeviceCommand, after: Sequence[asyncio.Task[None]], *, again: bool) -> Result:
        if after:
            await asyncio.wait(after)
        home = self._execution.home(command.meter)
        try:
            if home is None:
                return self._failed(command, Cause.NO_HOME_NETWORK, "The meter is served here no more.")
            if again:
                return await self._execution.resume(command, home, RESUME_S)
            return await self._execution.run(command, home, self._time_left(command))
        except TimeoutError:
            return await self._too_late(command, again=again)
        except Fault as fault:
            cause = Cause.INTERRUPTED if again and isinstance(command, JoinDevice) else cause_of(fault)
            return self._failed(command, cause, str(fault))
        except Exception:  # the edge of this command's task: its device must not stay blocked
            log.exception("command %s ended in an error that nobody foresaw", command.id)
            detail = "The gateway met an error of its own; its log has the cause."
            return self._failed(command, Cause.INTERRUPTED, detail)

    async def _too_late(self, command: DeviceCommand, *, again: bool) -> Result:
        cause = Cause.INTERRUPTED if again else Cause.UNREACHABLE
        if isinstance(command, JoinDevice) and not again:
            with suppress(SQLAlchemyError, OSError):  # The end waits for a journal in trouble; it must come to that.
                cause = too_late(await self._book.stage(command.device))
        return self._failed(command, cause, "It did not end before its deadline.")

    def _failed(self, command: DeviceCommand, cause: Cause, detail: str) -> Result:
        if isinstance(command, JoinDevice):
            return failed_join(command.id, command.device, cause, detail)
        changes = []
        if isinstance(command, RemoveDevice):
            event = Event.FAILED
            changes = [Change(device=command.device, event=event, request=command.id, cause=cause, detail=detail)]
        return Ending.failed(cause, detail), changes

    async def _record(self, command: DeviceCommand, ending: Ending, changes: Sequence[Change]) -> list[Report]:
        """Record an end, again and again while the journal's database is in trouble."""
        pause_s = RECORD_PAUSES_S[0]
        while True:
            try:
                return await self._book.end(command, ending, self._clock.now(), changes)
            except (SQLAlchemyError, OSError):
                log.exception("the end of command %s waits for the journal: %.1f s", command.id, pause_s)
            await self._clock.sleep(pause_s)
            pause_s = min(pause_s * 2, RECORD_PAUSES_S[1])

    def _time_left(self, command: DeviceCommand) -> float:
        return max(0.0, (command.deadline_at - self._clock.now()).total_seconds())

    def _is_news(self, stranger: Eui64) -> bool:
        """Whether a stranger was not reported of late; a flood of them is reported only in part."""
        now_s = self._clock.monotonic()
        self._strangers = {one: at for one, at in self._strangers.items() if now_s - at < STRANGER_S}
        if stranger in self._strangers or len(self._strangers) >= MOST_STRANGERS:
            return False
        self._strangers[stranger] = now_s
        return True


def _ends_join(command: DeviceCommand, other: DeviceCommand) -> bool:
    return isinstance(command, RemoveDevice) and isinstance(other, JoinDevice) and other.device == command.device
