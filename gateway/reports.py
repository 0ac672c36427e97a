"""Tell reports to the portal until they are receipted: nothing rests on the broker's memory."""

import asyncio
import logging
from collections.abc import Sequence

from gateway.clock import Clock
from gateway.errors import LinkLost
from gateway.identifiers import GatewayId
from gateway.messages import Mark, Report
from gateway.ports import Bus, Journal
from gateway.settings import GatewaySettings

log = logging.getLogger(__name__)

RECEIPT_WRITE_S = 0.5


class Reports:
    """Publishes what is numbered at once, and again from the journal while no receipt covers them."""

    def __init__(self, journal: Journal, bus: Bus, clock: Clock, settings: GatewaySettings) -> None:
        self._journal = journal
        self._bus = bus
        self._clock = clock
        self._settings = settings
        self._gateway: GatewayId = settings.id
        self.receipted: Mark | None = None
        """The journal's last receipted mark, as far as this has looked."""
        self._heard: Mark | None = None
        self._written: Mark | None = None
        self._wake = asyncio.Event()

    async def look(self) -> None:
        """Learn from the journal what it repeats no more."""
        self.receipted = await self._journal.receipted()

    async def tell(self, told: Sequence[Report]) -> None:
        """Publish reports now; what does not get through is repeated by run()."""
        results = await asyncio.gather(*map(self._publish, told))
        if not self._settings.until_receipt and told and all(results):
            await self._journal.receipt(told[-1].mark)
            await self.look()

    def receipt(self, mark: Mark) -> None:
        """The portal has recorded everything up to this mark."""
        known = self._heard
        if known is None or known.journal != mark.journal or known.seq < mark.seq:
            self._heard = mark

    def wake(self) -> None:
        """The connection is new: repeat what is unreceipted without waiting."""
        self._wake.set()

    async def run(self) -> None:
        """Write receipts down and repeat what none covers, until cancelled."""
        told: Mark | None = None
        due = self._clock.monotonic()
        while True:
            await self._write_receipt()
            woken = self._wake.is_set()
            if woken or self._clock.monotonic() >= due:
                self._wake.clear()  # before anything is told: a connection may be lost and found meanwhile
                told = await self._repeat(None if woken else told)
                due = self._clock.monotonic() + self._settings.repeat_s
            await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(RECEIPT_WRITE_S):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _write_receipt(self) -> None:
        mark = self._heard
        if mark is not None and mark != self._written:
            await self._journal.receipt(mark)
            self._written = mark
            await self.look()

    async def _repeat(self, told: Mark | None) -> Mark | None:
        """Tell again the reports that were waiting already when this was last looked at; returns the newest seen."""
        waiting = await self._journal.unreceipted(self._settings.window)
        overdue = [report for report in waiting if told is None or report.mark.seq <= told.seq]
        if overdue and self._bus.up:
            await asyncio.gather(*map(self._publish, overdue))
        return waiting[-1].mark if waiting else Mark(journal="", seq=0)

    async def _publish(self, report: Report) -> bool:
        try:
            await self._bus.publish(self._gateway, report)
        except LinkLost as lost:
            log.debug("report %d waits in the journal: %s", report.mark.seq, lost)
            return False
        return True
