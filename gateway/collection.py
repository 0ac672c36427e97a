"""Scheduled collection: the meters' own logs, day by day, below the priority of on-demand reads.

Each errand asks a meter for one day; what it brought and that it was done are one transaction of the journal, so that
a day is told once, whatever is killed when. A day that a meter cannot give is settled as impossible; one that failed
is due again after a growing pause, as long as it is within reach.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import date, datetime
from itertools import islice
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from gateway.clock import Clock, central_date
from gateway.collected import IntervalsCollected, RegistersCollected
from gateway.collection_plan import Errand, What, days_of, errands, pieces
from gateway.errors import BadReading, Fault, Unsupported
from gateway.identifiers import MeterNumber
from gateway.ports import Assignment, Driver, LoadProfileSource
from gateway.reads import FrozenRegisters
from gateway.reports import Reports
from gateway.settings import CollectionSettings

log = logging.getLogger(__name__)

MOST_AT_ONCE = 1000
"""Errands planned at a time; a long list would be out of date before it is done."""
QUIET_CHECK_S = 0.2


class CollectionJournal(Protocol):
    """Which errands are settled. Every call is one durable transaction."""

    async def settled(self, day: date, what: What, now: datetime) -> set[MeterNumber]:
        """The meters whose day is done or impossible, or put off until later than now."""
        ...

    async def keep_intervals(
        self, errand: Errand, wh: tuple[int | None, ...], read_at: datetime
    ) -> IntervalsCollected | None:
        """Settle an errand with its intervals and number its report; None if it was settled already."""
        ...

    async def keep_registers(self, errand: Errand, registers: FrozenRegisters) -> RegistersCollected | None:
        """Settle an errand with its registers and number its report; None if it was settled already."""
        ...

    async def give_up(self, errand: Errand, now: datetime) -> None:
        """Settle an errand as impossible: the meter has no such thing."""
        ...

    async def put_off(self, errand: Errand, now: datetime, first_s: float, last_s: float) -> None:
        """Count a failed attempt, and let the errand be for a pause that doubles from first_s to last_s."""
        ...

    async def forget(self, before: date) -> int:
        """Drop what is known of days before one; returns how much that was."""
        ...


class Priority(Protocol):
    """Who goes first: the on-demand reads."""

    def busy(self, driver: str) -> bool:
        """Whether a read is running or waiting on that driver."""
        ...


class Collection:
    """One gateway's collection; assignments may change while it runs."""

    def __init__(
        self,
        journal: CollectionJournal,
        drivers: Mapping[str, Driver],
        assignments: Mapping[MeterNumber, Assignment],
        reports: Reports,
        reads: Priority,
        clock: Clock,
        settings: CollectionSettings,
    ) -> None:
        self._journal, self._drivers, self._assignments = journal, drivers, assignments
        self._reports, self._reads, self._clock, self._settings = reports, reads, clock, settings
        self._turns = {name: asyncio.Semaphore(settings.concurrency) for name in drivers}

    async def run(self) -> None:
        """Collect what is due, look again after a while, until cancelled."""
        while True:
            if self._settings.enabled:
                await self.once()
            await self._clock.sleep(self._settings.check_s)

    async def once(self) -> int:
        """Run the errands that are due now; returns how many there were."""
        done = 0
        while batch := await self._due():
            async with asyncio.TaskGroup() as tasks:  # One that ends in the database's trouble ends the others.
                for errand in batch:
                    tasks.create_task(self._run(errand))
            done += len(batch)
        reach = days_of(What.DELIVERED, self._clock.now(), 0, self._settings.lookback_days + 1)
        await self._journal.forget(reach[-1])
        return done

    async def _due(self) -> list[Errand]:
        """The next errands of drivers that are up."""
        now, told = self._clock.now(), self._settings
        sources = {name for name, driver in self._drivers.items() if driver.profiles is not None and driver.up}
        meters = [each.meter for each in self._assignments.values() if each.driver in sources]
        if not meters:
            return []
        settled = {
            (day, what): await self._journal.settled(day, what, now)
            for what in What
            for day in days_of(what, now, told.after_midnight_s, told.lookback_days)
        }
        due = errands(meters, now, told.after_midnight_s, told.lookback_days, lambda day, what: settled[day, what])
        return list(islice(due, MOST_AT_ONCE))

    async def _run(self, errand: Errand) -> None:
        """One errand, whatever becomes of it."""
        assignment = self._assignments.get(errand.meter)
        driver = self._drivers.get(assignment.driver) if assignment is not None else None
        if assignment is None or driver is None or driver.profiles is None:
            await self._put_off(errand)
            return
        async with self._turns[assignment.driver]:
            try:
                await self._collect(errand, assignment, driver.profiles)
            except Unsupported as fault:
                log.debug("%s of %s on %s cannot be collected: %s", errand.what, errand.meter, errand.day, fault)
                await self._journal.give_up(errand, self._clock.now())
            except Fault as fault:
                log.info("%s of %s on %s is put off: %s", errand.what, errand.meter, errand.day, fault)
                await self._put_off(errand)
            except (SQLAlchemyError, OSError):
                raise
            except Exception:  # the edge of this errand: whatever one meter's bytes did, the others are collected
                log.exception("%s of %s on %s ended in an error", errand.what, errand.meter, errand.day)
                await self._put_off(errand)

    async def _put_off(self, errand: Errand) -> None:
        told = self._settings
        await self._journal.put_off(errand, self._clock.now(), told.retry_first_s, told.retry_last_s)

    async def _collect(self, errand: Errand, assignment: Assignment, source: LoadProfileSource) -> None:
        report: IntervalsCollected | RegistersCollected | None
        if errand.what is What.REGISTERS:
            await self._quiet(assignment.driver)
            registers = await source.frozen(assignment, self._settings.timeout_s)
            if central_date(registers.frozen_at) != errand.day:
                raise BadReading(f"the meter froze its registers at {registers.frozen_at:%Y-%m-%d %H:%M} UTC")
            report = await self._journal.keep_registers(errand, registers)
        else:
            wh = await self._day(errand, assignment, source)
            report = await self._journal.keep_intervals(errand, wh, self._clock.now())
        if report is not None:
            await self._reports.tell([report])

    async def _day(self, errand: Errand, assignment: Assignment, source: LoadProfileSource) -> tuple[int | None, ...]:
        """A day's quarter hours, asked for in pieces, so that an on-demand read never waits for a whole day."""
        values: list[int | None] = []
        for end, count in pieces(errand.day, self._settings.piece):
            await self._quiet(assignment.driver)
            got = await source.profile(assignment, errand.what.direction, end, count, self._settings.timeout_s)
            if got.interval_s != 900 or got.ends_at != end or len(got.wh) > count:
                raise BadReading(f"the meter's log has other intervals than those before {end:%Y-%m-%d %H:%M} UTC")
            missing: list[int | None] = [None] * (count - len(got.wh))
            values = missing + list(got.wh) + values
        if all(value is None for value in values):
            raise Unsupported("the meter's log has nothing of that day")
        return tuple(values)

    async def _quiet(self, driver: str) -> None:
        """Until no on-demand read wants the driver."""
        while self._reads.busy(driver):
            await self._clock.sleep(QUIET_CHECK_S)
