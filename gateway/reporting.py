"""Meters that report their registers by themselves: who is asked for it and when, and what becomes of a report.

A report is a read that nobody asked for just now. It is numbered in the journal and told until it is receipted, as
everything is; it touches no claim and no limit.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Protocol

from gateway.clock import Clock
from gateway.collected import RegistersReported
from gateway.collection import Priority
from gateway.errors import Fault
from gateway.identifiers import MeterNumber
from gateway.ports import Assignment, Driver, RegisterReporting
from gateway.reads import RegisterRead
from gateway.reporting_plan import Standing, is_due, is_early, no_read, pause_s
from gateway.reports import Reports
from gateway.settings import ReportingSettings

log = logging.getLogger(__name__)

MOST_AT_ONCE = 1000
"""Meters asked, and reports written down, at a time."""
QUIET_CHECK_S = 0.2


class ReportedJournal(Protocol):
    """Where reports are numbered."""

    async def keep_reported(self, reads: Sequence[RegisterRead], now: datetime) -> list[RegistersReported]:
        """Number reports and keep them until they are receipted, in one durable transaction."""
        ...


class Reporting:
    """One gateway's meters that report; assignments may change while it runs. dropped counts reports not kept."""

    def __init__(
        self,
        journal: ReportedJournal,
        drivers: Mapping[str, Driver],
        assignments: Mapping[MeterNumber, Assignment],
        reports: Reports,
        reads: Priority,
        clock: Clock,
        settings: ReportingSettings,
        tolerance_s: float,
    ) -> None:
        """tolerance_s is how far a meter's clock may lag."""
        self._journal, self._assignments, self._reports = journal, assignments, reports
        self._reads, self._clock, self._settings = reads, clock, settings
        self._drivers, self._tolerance_s = drivers, tolerance_s
        self._sources = {name: each.reporting for name, each in drivers.items() if each.reporting is not None}
        self._turns = {name: asyncio.Semaphore(settings.concurrency) for name in self._sources}
        self._standing: dict[MeterNumber, Standing] = {}
        self._waiting: deque[RegisterRead] = deque()
        self._came = asyncio.Event()
        self.dropped = 0
        if settings.every_s:
            for source in self._sources.values():
                source.listen(self._hear)

    async def run(self) -> None:
        """Ask meters, and write down what they report, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep())
            tasks.create_task(self._ask_again_and_again())

    async def once(self) -> int:
        """Ask the meters that are to be asked now; returns how many there were."""
        due = self._due()
        async with asyncio.TaskGroup() as tasks:
            for assignment in due:
                tasks.create_task(self._ask(assignment, self._sources[assignment.driver]))
        return len(due)

    async def _ask_again_and_again(self) -> None:
        while True:
            if self._settings.every_s:
                await self.once()
            await self._clock.sleep(self._settings.check_s)

    def _due(self) -> list[Assignment]:
        """The next meters to ask, of drivers that are up; of those that are gone nothing is remembered."""
        for gone in self._standing.keys() - self._assignments.keys():
            del self._standing[gone]
        now_s, told = self._clock.monotonic(), self._settings
        found = (
            each
            for each in self._assignments.values()
            if (source := self._sources.get(each.driver)) is not None
            and self._drivers[each.driver].up
            and is_due(
                self._standing.get(each.meter, Standing()),
                source.agreed(each),
                now_s,
                told.every_s,
                told.silent_after,
            )
        )
        return list(islice(found, MOST_AT_ONCE))

    async def _ask(self, assignment: Assignment, source: RegisterReporting) -> None:
        """Ask one meter, whatever becomes of it; an on-demand read goes first."""
        told, meter = self._settings, assignment.meter
        async with self._turns[assignment.driver]:
            while self._reads.busy(assignment.driver):
                await self._clock.sleep(QUIET_CHECK_S)
            try:
                await source.agree(assignment, told.every_s, told.timeout_s)
            except Fault as fault:
                log.info("meter %s is not asked to report for now: %s", meter, fault)
                self._put_off(meter)
            except Exception:  # the edge of this meter's task: the others are asked
                log.exception("asking meter %s to report ended in an error", meter)
                self._put_off(meter)
            else:
                self._standing[meter] = Standing(live_s=self._clock.monotonic())

    def _put_off(self, meter: MeterNumber) -> None:
        before = self._standing.get(meter, Standing())
        failures = before.failures + 1
        pause = pause_s(failures, self._settings.retry_first_s, self._settings.retry_last_s)
        self._standing[meter] = replace(before, failures=failures, not_before_s=self._clock.monotonic() + pause)

    def _hear(self, read: RegisterRead) -> None:
        """A meter reported; what comes too often, or of a meter that is not ours any more, is dropped."""
        now_s = self._clock.monotonic()
        standing = self._standing.get(read.meter, Standing())
        if read.meter not in self._assignments or is_early(standing, now_s, self._settings.every_s):
            self.dropped += 1
            return
        self._standing[read.meter] = replace(standing, live_s=now_s, heard_s=now_s)
        if (why := no_read(read, self._settings.every_s, self._tolerance_s)) is not None:
            self.dropped += 1
            log.info("a report of meter %s is dropped: %s", read.meter, why)
            return
        if len(self._waiting) >= self._settings.waiting:
            self._waiting.popleft()
            self.dropped += 1
            log.warning("the journal does not keep up with what meters report; %d are dropped", self.dropped)
        self._waiting.append(read)
        self._came.set()

    async def _keep(self) -> None:
        """Number what was heard, many at once, and tell it; what the journal does not take stays."""
        while True:
            self._came.clear()
            while batch := list(islice(self._waiting, MOST_AT_ONCE)):
                told = await self._journal.keep_reported(batch, self._clock.now())
                kept = {id(read) for read in batch}
                self._waiting = deque(read for read in self._waiting if id(read) not in kept)
                await self._reports.tell(told)
            await self._came.wait()
