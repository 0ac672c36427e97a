"""A journal in dictionaries: small, real, and gone with its process. For laboratories and the contract's sake."""

from collections.abc import Container, Sequence
from datetime import datetime

from gateway.identifiers import MeterNumber, RequestId
from gateway.journal.entries import REMEMBERED, Desk, Entry, Numbers, interruption, outcome_of
from gateway.messages import Mark, OutcomeStatus, ReadEnded, Report, RequestRead
from gateway.ports import Claim, Finished
from gateway.read_policy import ReadLimits


class MemoryJournal:
    """gateway.ports.Journal without a disk."""

    def __init__(self, journal: str) -> None:
        self._entries: dict[RequestId, Entry] = {}
        self._numbers = Numbers(journal, 0)
        self._receipted = 0

    async def claim(
        self, requests: Sequence[RequestRead], now: datetime, limits: ReadLimits, known: Container[MeterNumber]
    ) -> list[Claim]:
        """Decide and record requests."""
        in_flight = {entry.request.meter for entry in self._entries.values() if entry.outcome is None}
        successes = {request.meter: self._successes(request.meter, now) for request in requests}
        desk = Desk(self._entries, in_flight, successes, self._numbers)
        return [desk.claim(request, now, limits, known) for request in requests]

    async def end(self, finished: Sequence[Finished], limits: ReadLimits) -> list[ReadEnded]:
        """Record what became of claims."""
        return [self._end(each, limits) for each in finished]

    async def interrupt(self, now: datetime, limits: ReadLimits) -> list[ReadEnded]:
        """End every open claim as interrupted."""
        cut = [entry.request for entry in self._entries.values() if entry.outcome is None]
        return await self.end([interruption(request, now) for request in cut], limits)

    async def unreceipted(self, limit: int) -> list[Report]:
        """The oldest outcomes not receipted; nothing else is reported from memory."""
        outcomes = [entry.outcome for entry in self._entries.values() if entry.outcome is not None]
        waiting = [outcome for outcome in outcomes if outcome.mark.seq > self._receipted]
        return list(sorted(waiting, key=lambda outcome: outcome.mark.seq)[:limit])

    async def receipt(self, mark: Mark) -> None:
        """Repeat nothing up to this mark."""
        if mark.journal == self._numbers.journal and mark.seq <= self._numbers.last:
            self._receipted = max(self._receipted, mark.seq)

    async def receipted(self) -> Mark | None:
        """The last mark that is not repeated any more."""
        return Mark(journal=self._numbers.journal, seq=self._receipted) if self._receipted else None

    async def prune(self, before: datetime) -> int:
        """Drop receipted requests that ended before an instant."""
        old = [
            id_
            for id_, entry in self._entries.items()
            if entry.outcome and entry.outcome.ended_at < before and entry.outcome.mark.seq <= self._receipted
        ]
        for id_ in old:
            del self._entries[id_]
        return len(old)

    def _successes(self, meter: MeterNumber, now: datetime) -> list[datetime]:
        return [
            entry.accepted_at
            for entry in self._entries.values()
            if entry.request.meter == meter
            and entry.accepted_at is not None
            and entry.accepted_at > now - REMEMBERED
            and entry.outcome is not None
            and entry.outcome.status is OutcomeStatus.DONE
        ]

    def _end(self, finished: Finished, limits: ReadLimits) -> ReadEnded:
        entry = self._entries[finished.id]
        if entry.outcome is not None:
            return entry.outcome
        successes = self._successes(entry.request.meter, finished.ended_at)
        outcome = outcome_of(entry.request, entry.accepted_at, finished, successes, limits, self._numbers.next())
        self._entries[finished.id] = Entry(request=entry.request, accepted_at=entry.accepted_at, outcome=outcome)
        return outcome
