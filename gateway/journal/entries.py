"""A journal's entries and the decisions upon them, without storage: both journals are these rules and a shelf."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from gateway.errors import FailureReason
from gateway.identifiers import MeterNumber, RequestId
from gateway.messages import Mark, OutcomeStatus, ReadEnded, RequestRead
from gateway.ports import Claim, Claimed, Ended, Finished, Running
from gateway.read_policy import ReadLimits, Refused, decide, next_allowed

OUTCOME = TypeAdapter(ReadEnded)
REMEMBERED = timedelta(hours=26)
"""Successes older than this play no part in any limit: a Chicago day has at most 25 hours."""

CLOCK_SKEW = timedelta(minutes=10)
"""How far a portal's clock may be behind the gateway's before its requests count as expired on arrival."""
INTERRUPTED = "The gateway stopped while the read was running; it may or may not have reached the meter."


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A request as it stands in a journal: open while outcome is None. accepted_at is None if it was never claimed."""

    request: RequestRead
    accepted_at: datetime | None
    outcome: ReadEnded | None


@dataclass(slots=True)
class Numbers:
    """Hands out a journal's marks, from the last one used."""

    journal: str
    last: int

    def next(self) -> Mark:
        """The mark after the last."""
        self.last += 1
        return Mark(journal=self.journal, seq=self.last)


@dataclass(slots=True)
class Desk:
    """What is known while a batch is decided upon: earlier entries, meters in flight, and each meter's successes."""

    entries: dict[RequestId, Entry]
    in_flight: set[MeterNumber]
    successes: Mapping[MeterNumber, Sequence[datetime]]
    numbers: Numbers
    added: list[Entry] = field(default_factory=list)

    def claim(self, request: RequestRead, now: datetime, limits: ReadLimits, known: Container[MeterNumber]) -> Claim:
        """Decide upon one request; what must be stored is left in `added`."""
        entry = self.entries.get(request.id)
        if entry is not None:
            return Running(request=entry.request) if entry.outcome is None else Ended(outcome=entry.outcome)
        refusal = self._refusal(request, now, limits, known)
        if refusal is None:
            self.in_flight.add(request.meter)
            self._add(Entry(request=request, accepted_at=now, outcome=None))
            return Claimed(request=request, accepted_at=now)
        status, reason, detail = refusal
        finished = Finished(
            id=request.id,
            status=status,
            reason=reason,
            detail=detail,
            on_air_at=None,
            ended_at=now,
            read=None,
            age=None,
        )
        successes = self.successes.get(request.meter, ()) if request.meter in known else None
        outcome = outcome_of(request, None, finished, successes, limits, self.numbers.next())
        self._add(Entry(request=request, accepted_at=None, outcome=outcome))
        return Ended(outcome=outcome)

    def _add(self, entry: Entry) -> None:
        self.entries[entry.request.id] = entry
        self.added.append(entry)

    def _refusal(
        self, request: RequestRead, now: datetime, limits: ReadLimits, known: Container[MeterNumber]
    ) -> tuple[OutcomeStatus, FailureReason, str] | None:
        if request.meter not in known:
            detail = f"Meter {request.meter} is not assigned to this gateway."
            return OutcomeStatus.REFUSED, FailureReason.UNKNOWN_METER, detail
        if request.deadline_at + CLOCK_SKEW <= now:
            return OutcomeStatus.FAILED, FailureReason.EXPIRED, "The request's deadline had passed when it arrived."
        if request.meter in self.in_flight:
            return OutcomeStatus.REFUSED, FailureReason.IN_FLIGHT, "Another read of this meter is running."
        answer = decide(self.successes.get(request.meter, ()), now, limits)
        if isinstance(answer, Refused):
            detail = f"The meter's limit for each {answer.reason} is used up."
            return OutcomeStatus.REFUSED, FailureReason.LIMIT, detail
        return None


def outcome_of(
    request: RequestRead,
    accepted_at: datetime | None,
    finished: Finished,
    successes: Iterable[datetime] | None,
    limits: ReadLimits,
    mark: Mark,
) -> ReadEnded:
    """A request's numbered outcome; successes are the meter's before this one, None if the meter is not ours."""
    used_today = allowed_at = None
    if successes is not None:
        counted = list(successes)
        if finished.status is OutcomeStatus.DONE and accepted_at is not None:
            counted.append(accepted_at)
        used_today = decide(counted, finished.ended_at, limits).used_today
        allowed_at = next_allowed(counted, finished.ended_at, limits)
    return ReadEnded(
        id=request.id,
        meter=request.meter,
        status=finished.status,
        reason=finished.reason,
        detail=finished.detail,
        accepted_at=accepted_at,
        on_air_at=finished.on_air_at,
        ended_at=finished.ended_at,
        read=finished.read,
        age=finished.age,
        next_allowed_at=allowed_at,
        used_today=used_today,
        mark=mark,
    )


def interruption(request: RequestRead, now: datetime) -> Finished:
    """What became of a claim that a stop of the gateway cut short."""
    return Finished(
        id=request.id,
        status=OutcomeStatus.FAILED,
        reason=FailureReason.INTERRUPTED,
        detail=INTERRUPTED,
        on_air_at=None,
        ended_at=now,
        read=None,
        age=None,
    )
