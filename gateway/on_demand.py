"""On-demand reads: claim in the journal, read through a driver, record the outcome, tell it.

The order is what makes a success recorded exactly once: the claim is committed before the radio is touched, the
outcome is committed before it is published, and a repeated request gets the outcome that is already there.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from gateway.clock import Clock
from gateway.errors import FailureReason, Fault, LinkLost
from gateway.identifiers import MeterNumber
from gateway.messages import OutcomeStatus, ReadEnded, ReadProgressed, ReadStage, RequestRead
from gateway.ports import Assignment, Bus, Claim, Claimed, Driver, Ended, Finished, Journal
from gateway.read_policy import ReadLimits
from gateway.reads import Age, Freshness, RegisterRead, age_of
from gateway.reports import Reports
from gateway.settings import GatewaySettings

log = logging.getLogger(__name__)

END_PAUSES_S = (0.5, 15.0)
"""The first and the longest pause before outcomes are offered to the journal again."""


class OnDemandReads:
    """One gateway's reads in progress."""

    def __init__(
        self,
        journal: Journal,
        drivers: Mapping[str, Driver],
        assignments: Mapping[MeterNumber, Assignment],
        bus: Bus,
        reports: Reports,
        clock: Clock,
        limits: ReadLimits,
        settings: GatewaySettings,
    ) -> None:
        self._journal = journal
        self._drivers = drivers
        self._assignments = assignments
        self._bus = bus
        self._reports = reports
        self._clock = clock
        self._limits = limits
        self._settings = settings
        self._turns = {name: asyncio.Semaphore(settings.concurrency) for name in drivers}
        self._wanted = dict.fromkeys(drivers, 0)
        self._places = asyncio.Semaphore(settings.open_reads)
        self._running: set[asyncio.Task[None]] = set()
        self._finished: deque[tuple[Finished, asyncio.Future[None]]] = deque()
        self._recorder: asyncio.Task[None] | None = None

    async def handle(self, requests: Sequence[RequestRead]) -> None:
        """Decide upon requests, durably, and set the granted ones going; returns when they are claimed.

        Waits while too many reads are open, so that the bus holds back what cannot be served. What was claimed is
        served even if whoever called is cancelled meanwhile: an open claim would block its meter.
        """
        taking = asyncio.create_task(self._take(requests))
        self._running.add(taking)
        taking.add_done_callback(self._running.discard)
        await asyncio.shield(taking)

    async def _take(self, requests: Sequence[RequestRead]) -> None:
        claims = await self._claim(requests)
        await self._reports.tell([claim.outcome for claim in claims if isinstance(claim, Ended)])
        for claim in claims:
            if isinstance(claim, Claimed):
                await self._places.acquire()
                task = asyncio.create_task(self._serve(claim))
                self._running.add(task)
                task.add_done_callback(self._leave)

    def busy(self, driver: str) -> bool:
        """Whether a read is running or waiting on a driver: whatever is less urgent waits."""
        return self._wanted[driver] > 0

    async def settle(self, grace_s: float) -> None:
        """Wait for running reads, at most grace_s seconds; what is still open then is interrupted at the next start."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        for task in self._running:
            task.cancel()
        if self._recorder is not None:
            await asyncio.wait([self._recorder], timeout=grace_s)
            self._recorder.cancel()

    def _leave(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._places.release()

    async def _claim(self, requests: Sequence[RequestRead]) -> list[Claim]:
        now = self._clock.now()
        if self._settings.claim_first:
            return await self._journal.claim(requests, now, self._limits, self._assignments)
        return [Claimed(request=request, accepted_at=now) for request in requests]

    async def _serve(self, claim: Claimed) -> None:
        """Execute one claim and record its outcome, whatever happens: only a stop leaves a claim open."""
        progress = asyncio.create_task(self._tell_progress(claim))
        try:
            finished = await self._read(claim)
        except Exception:  # the edge of this read's task: its meter must not stay blocked
            log.exception("request %s ended in an error that nobody foresaw", claim.request.id)
            detail = "The gateway met an error of its own; its log has the cause."
            finished = self._failed(claim, None, FailureReason.BAD_READING, detail)
        finally:
            progress.cancel()
        await self._record(claim, finished)

    async def _read(self, claim: Claimed) -> Finished:
        """Run one claim against its driver, within its deadline."""
        assignment = self._assignments.get(claim.request.meter)
        on_air_at: datetime | None = None
        if assignment is None:
            return self._failed(claim, None, FailureReason.UNKNOWN_METER, "The meter was withdrawn from this gateway.")
        self._wanted[assignment.driver] += 1
        try:
            async with asyncio.timeout(self._time_left(claim)):
                async with self._turns[assignment.driver]:
                    on_air_at = self._clock.now()
                    read, age = await self._read_fresh(claim, assignment)
        except TimeoutError:
            return self._failed(
                claim, on_air_at, FailureReason.TIMEOUT, "The meter did not answer before the deadline."
            )
        except Fault as fault:
            return self._failed(claim, on_air_at, fault.reason, str(fault))
        finally:
            self._wanted[assignment.driver] -= 1
        if age.freshness is Freshness.STALE:
            detail = f"The meter answered with values that it had latched {age.at_most_s} s before."
            return self._failed(claim, on_air_at, FailureReason.STALE, detail)
        if read.delivered_wh is None and read.received_wh is None:
            detail = "The meter answered, and marked its registers as invalid."
            return self._failed(claim, on_air_at, FailureReason.BAD_READING, detail)
        return Finished(
            id=claim.request.id,
            status=OutcomeStatus.DONE,
            reason=None,
            detail="",
            on_air_at=on_air_at,
            ended_at=self._clock.now(),
            read=read,
            age=age,
        )

    async def _read_fresh(self, claim: Claimed, assignment: Assignment) -> tuple[RegisterRead, Age]:
        """Read, and read again while the meter answers with a snapshot from before the request."""
        driver = self._drivers[assignment.driver]
        for attempt in range(self._settings.stale_attempts):
            if attempt:
                await self._clock.sleep(self._settings.stale_pause_s)
            read = await driver.read(assignment, self._time_left(claim))
            age = age_of(read, claim.accepted_at, self._settings.clock_tolerance_s)
            if age.freshness is not Freshness.STALE:
                break
        return read, age

    def _time_left(self, claim: Claimed) -> float:
        deadline = min(claim.request.deadline_at, claim.accepted_at + timedelta(seconds=self._limits.deadline_s))
        return max(0.0, (deadline - self._clock.now()).total_seconds())

    def _failed(self, claim: Claimed, on_air_at: datetime | None, reason: FailureReason, detail: str) -> Finished:
        return Finished(
            id=claim.request.id,
            status=OutcomeStatus.FAILED,
            reason=reason,
            detail=detail,
            on_air_at=on_air_at,
            ended_at=self._clock.now(),
            read=None,
            age=None,
        )

    async def _record(self, claim: Claimed, finished: Finished) -> None:
        """Put an outcome into the journal, together with all others that are ready, and tell it."""
        recorded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self._settings.claim_first:
            await self._journal.claim([claim.request], claim.accepted_at, self._limits, self._assignments)
        self._finished.append((finished, recorded))
        if self._recorder is None or self._recorder.done():
            self._recorder = asyncio.create_task(self._record_groups())
        await recorded

    async def _record_groups(self) -> None:
        while self._finished:
            await asyncio.sleep(0)
            group = [self._finished.popleft() for _ in range(len(self._finished))]
            outcomes = await self._end([finished for finished, _ in group])
            for _, recorded in group:
                if not recorded.done():
                    recorded.set_result(None)
            await self._reports.tell(outcomes)

    async def _end(self, finished: Sequence[Finished]) -> list[ReadEnded]:
        """Record outcomes, again and again while the journal's database is in trouble."""
        pause_s = END_PAUSES_S[0]
        while True:
            try:
                return await self._journal.end(finished, self._limits)
            except (SQLAlchemyError, OSError):
                log.exception("%d outcomes wait for the journal and are tried again in %.1f s", len(finished), pause_s)
            await self._clock.sleep(pause_s)
            pause_s = min(pause_s * 2, END_PAUSES_S[1])

    async def _tell_progress(self, claim: Claimed) -> None:
        """Tell that a read is accepted and running, once it takes long enough for somebody to wonder."""
        await self._clock.sleep(self._settings.progress_after_s)
        for stage in (ReadStage.ACCEPTED, ReadStage.ON_AIR):
            at = claim.accepted_at if stage is ReadStage.ACCEPTED else self._clock.now()
            message = ReadProgressed(id=claim.request.id, meter=claim.request.meter, stage=stage, at=at)
            try:
                await self._bus.publish(self._settings.id, message)
            except LinkLost:
                return
