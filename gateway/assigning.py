"""Meters come and go while the gateway runs: assigned, with an install code joined first, and withdrawn.

Both are idempotent and have no deadline: whoever moves a meter repeats the command until its end is told. A meter that
is withdrawn is read no more from that moment; its end is told once no read of it is open, with its successes.
"""

import asyncio
import logging
from collections.abc import Mapping, MutableMapping, Sequence

from sqlalchemy.exc import SQLAlchemyError

from gateway.clock import Clock
from gateway.errors import BadIdentifier, Fault
from gateway.han.execution import CLEAN_UP_S, STILL_HAS_KEY, Execution, cause_of, failed_join, joined, too_late
from gateway.han.states import Event
from gateway.han.words import Cause
from gateway.identifiers import Eui64, MeterNumber, RequestId
from gateway.journal.commands import Answered, Ending, Taken
from gateway.journal.devices import Change, DeviceBook
from gateway.journal.meters import MeterBook
from gateway.messages import AssignMeter, MeterCommand, OutcomeStatus, WithdrawMeter
from gateway.ports import Assignment, Driver, HomeNetwork
from gateway.reports import Reports
from gateway.settings import GatewaySettings

log = logging.getLogger(__name__)

KEY_S = 120.0
"""How long a meter may take for its key after its window has closed."""
RECORD_PAUSES_S = (0.5, 15.0)
"""The first and the longest pause before a command goes on that the journal's trouble held up."""
READ_OPEN_S = 0.2
"""How often a withdrawal looks whether the meter's last read has ended."""


class Assigning:
    """One gateway's meters, as it is told of them; `assignments` is changed in place."""

    def __init__(
        self,
        meters: MeterBook,
        devices: DeviceBook,
        execution: Execution,
        drivers: Mapping[str, Driver],
        assignments: MutableMapping[MeterNumber, Assignment],
        reports: Reports,
        clock: Clock,
        settings: GatewaySettings,
    ) -> None:
        self._meters = meters
        self._devices = devices
        self._execution = execution
        self._drivers = drivers
        self._assignments = assignments
        self._reports = reports
        self._clock = clock
        self._settings = settings
        self._running: dict[RequestId, asyncio.Task[None]] = {}

    async def resume(self) -> None:
        """At start: let what was told win over the file, and carry on with what a stop cut short."""
        for meter, assignment in (await self._meters.told()).items():
            if assignment is None:
                self._assignments.pop(meter, None)
            elif assignment.driver in self._drivers:
                self._assignments[meter] = assignment
            else:
                log.warning("meter %s is assigned to driver %s, which is not configured", meter, assignment.driver)
        for command in await self._devices.open_commands():
            if isinstance(command, AssignMeter | WithdrawMeter):
                self._start(command, again=True)

    async def handle(self, commands: Sequence[MeterCommand]) -> None:
        """Take up commands, durably; returns when they are taken up."""
        for command in commands:
            claim = await self._meters.claim(command, self._clock.now())
            if isinstance(claim, Answered):
                await self._reports.tell([claim.outcome])
            elif isinstance(claim, Taken):
                self._start(command, again=False)

    async def settle(self, grace_s: float) -> None:
        """Wait for running commands, at most grace_s s; what is open then is carried on with at the next start."""
        tasks = list(self._running.values())
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, command: MeterCommand, *, again: bool) -> None:
        self._running[command.id] = asyncio.create_task(self._serve(command, again=again))
        self._running[command.id].add_done_callback(lambda _: self._running.pop(command.id))

    async def _serve(self, command: MeterCommand, *, again: bool) -> None:
        """Carry out one command and tell its end, whatever happens to the journal: only a stop leaves it open."""
        leaving = self._assignments.pop(command.meter, None) if isinstance(command, WithdrawMeter) else None
        pause_s = RECORD_PAUSES_S[0]
        while True:
            try:
                await self._carry_out(command, leaving, again=again)
                return
            except (SQLAlchemyError, OSError):
                log.exception("command %s waits for the journal: %.1f s", command.id, pause_s)
            await self._clock.sleep(pause_s)
            pause_s, again = min(pause_s * 2, RECORD_PAUSES_S[1]), True

    async def _carry_out(self, command: MeterCommand, leaving: Assignment | None, *, again: bool) -> None:
        try:
            if isinstance(command, WithdrawMeter):
                await self._withdraw(command, leaving)
            else:
                await self._assign(command, again=again)
        except (SQLAlchemyError, OSError):
            raise
        except Exception:  # the edge of this command's task: whoever moves the meter must hear of its end
            log.exception("command %s ended in an error that nobody foresaw", command.id)
            detail = "The gateway met an error of its own; its log has the cause."
            await self._fail(command, Ending.failed(Cause.INTERRUPTED, detail))
            if leaving is not None:  # The end says that the meter stays.
                self._assignments.setdefault(command.meter, leaving)

    async def _assign(self, command: AssignMeter, *, again: bool) -> None:
        driver = self._drivers.get(command.driver)
        if driver is None:
            detail = f"The gateway has no driver {command.driver!r}; it has {', '.join(self._drivers)}."
            await self._fail(command, Ending.refused(Cause.BAD_COMMAND, detail))
            return
        if (other := self._meter_at(command)) is not None:
            detail = f"The address is that of meter {other}, which would be read in this meter's name."
            await self._fail(command, Ending.refused(Cause.AT_ANOTHER_METER, detail))
            return
        if command.sealed_code is not None:
            refusal = await self._join(command, command.sealed_code, driver, again=again)
            if refusal is not None:
                await self._fail(command, refusal)
                return
        ended = await self._meters.assign(command, self._clock.now())
        self._assignments[command.meter] = Assignment(
            meter=command.meter, driver=command.driver, address=command.address
        )
        await self._reports.tell([ended])

    def _meter_at(self, command: AssignMeter) -> MeterNumber | None:
        """Another meter at the address of an assignment, None if nobody is there."""
        place = command.driver, command.address
        others = (each for each in self._assignments.values() if each.meter != command.meter)
        return next((each.meter for each in others if (each.driver, each.address) == place), None)

    async def _join(self, command: AssignMeter, sealed: str, driver: Driver, *, again: bool) -> Ending | None:
        """Bring a meter onto the driver's network; why that came to nothing, None if it is there."""
        try:
            device = Eui64(command.address)
        except BadIdentifier as error:
            return Ending.refused(Cause.BAD_COMMAND, f"A meter that joins is addressed by its EUI-64: {error}.")
        if driver.home is None:
            return Ending.refused(Cause.NO_HOME_NETWORK, f"Driver {command.driver} forms no network to join.")
        if not again and (refusal := await self._begin(command, device)):
            return refusal
        try:
            if again:
                ending, changes = await self._execution.resume_join(command.id, device, driver.home, KEY_S)
            else:
                async with asyncio.timeout(self._settings.meter_window_s + KEY_S):
                    window_s = self._settings.meter_window_s
                    info = await self._execution.join(command, device, sealed, window_s, driver.home)
                ending, changes = joined(command.id, device, info)
        except TimeoutError:
            cause = Cause.INTERRUPTED if again else too_late(await self._devices.stage(device))
            ending, changes = failed_join(command.id, device, cause, "The join did not end in time.")
        except Fault as fault:
            cause = Cause.INTERRUPTED if again else cause_of(fault)
            ending, changes = failed_join(command.id, device, cause, str(fault))
        await self._reports.tell(await self._devices.change(changes, self._clock.now()))
        return None if ending.status is OutcomeStatus.DONE else ending

    async def _begin(self, command: AssignMeter, device: Eui64) -> Ending | None:
        """Start the meter's timeline; why it cannot be, None if it is."""
        at = await self._devices.whereabouts(device)
        if at is not None and at != command.meter:
            return Ending.refused(Cause.AT_ANOTHER_METER, f"Device {device} is at meter {at}.")
        change = Change(device=device, event=Event.JOIN_ASKED, request=command.id, meter=command.meter, is_meter=True)
        told = await self._devices.change([change], self._clock.now())
        await self._reports.tell(told)
        return None if told else Ending.refused(Cause.BUSY, f"Device {device} is joining or leaving at this moment.")

    async def _withdraw(self, command: WithdrawMeter, assignment: Assignment | None) -> None:
        while await self._meters.is_reading(command.meter):
            await self._clock.sleep(READ_OPEN_S)
        home = self._drivers[assignment.driver].home if assignment else None
        if home is not None and assignment is not None:
            await self._let_go(command, assignment.address, home)
        await self._reports.tell([await self._meters.withdraw(command, self._clock.now())])

    async def _let_go(self, command: WithdrawMeter, address: str, home: HomeNetwork) -> None:
        """Take a meter off the network if it was joined by its code; one that does not answer is forgotten."""
        device = await self._devices.joined_meter(command.meter)
        if device is None or device != address:
            return
        changes = [Change(device=device, event=Event.REMOVAL_ASKED, request=command.id, is_meter=True)]
        await self._reports.tell(await self._devices.change(changes, self._clock.now()))
        try:
            detail = "" if await home.remove(device, CLEAN_UP_S) else STILL_HAS_KEY
            change = Change(device=device, event=Event.REMOVED, request=command.id, detail=detail)
        except Fault as fault:
            change = Change(
                device=device, event=Event.FAILED, request=command.id, cause=cause_of(fault), detail=str(fault)
            )
        await self._reports.tell(await self._devices.change([change], self._clock.now()))

    async def _fail(self, command: MeterCommand, ending: Ending) -> None:
        await self._reports.tell([await self._meters.fail(command, ending, self._clock.now())])
