"""The On Demand Read card of a read and of the limit: stages, outcome, and when the next is allowed (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.read_policy import ReadLimits, RefusalReason, Refused, decide, next_allowed
from portal.pages.formats import from_second, moment
from portal.pages.reason_words import HOUR_KEPT, NOT_FULFILLED, reason_in_words
from portal.reads.shown import OnDemandRead
from portal.reads.status import OPEN, ReadStatus, is_open


class Mark(StrEnum):
    """How a stage stands, as the class of its list item."""

    DONE = "done"
    NOW = "now"
    BAD = "bad"
    AHEAD = "ahead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of a read's way, and when it was reached; after_s counts from the request.

    after_s is None for the first stage, and where the gateway's clock is behind the portal's or the wait was long.
    """

    label: str
    at: datetime | None
    mark: Mark
    after_s: float | None = None


_LABELS = {
    ReadStatus.QUEUED: "Queued",
    ReadStatus.SENT: "Sent to gateway",
    ReadStatus.ACCEPTED: "Accepted",
    ReadStatus.ON_AIR: "On the radio",
}
_LAST = {ReadStatus.DONE: "Answered", ReadStatus.FAILED: "Failed", ReadStatus.REFUSED: "Refused"}


def stages(read: OnDemandRead) -> list[Stage]:
    """A read's five stages in order; the one that an open read has reached is `now`, a bad end is `bad`.

    An ended read shows as done what it is known to have passed: one that fails before the radio never was on it.
    """
    times = dict(zip(OPEN, (read.asked_at, read.sent_at, read.accepted_at, read.on_air_at), strict=True))
    reached = OPEN.index(read.status) if is_open(read.status) else len(OPEN)
    steps = []
    for place, status in enumerate(OPEN):
        passed = place < reached if read.status in (*OPEN, ReadStatus.DONE) else times[status] is not None
        mark = Mark.NOW if place == reached else Mark.DONE if passed else Mark.AHEAD
        steps.append(_stage(read, _LABELS[status], times[status], mark))
    ending = Mark.AHEAD if is_open(read.status) else Mark.DONE if read.status is ReadStatus.DONE else Mark.BAD
    steps.append(_stage(read, _LAST.get(read.status, "Answered"), read.ended_at, ending))
    return steps


def _stage(read: OnDemandRead, label: str, at: datetime | None, mark: Mark) -> Stage:
    after_s = 0.0 if at is None else (at - read.asked_at).total_seconds()
    told = at is not None and 0 < after_s < 60
    return Stage(label=label, at=at, mark=mark, after_s=after_s if told else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A status as a word, and the colour that goes with it."""

    word: str
    kind: str


_TAGS = {
    ReadStatus.DONE: Tag(word="complete", kind="good"),
    ReadStatus.FAILED: Tag(word="failed", kind="bad"),
    ReadStatus.REFUSED: Tag(word="refused", kind="warn"),
}


def outcome_tag(read: OnDemandRead) -> Tag:
    """The word for a read's outcome so far."""
    return _TAGS.get(read.status, Tag(word="in progress", kind="info"))


def trouble(read: OnDemandRead) -> str | None:
    """Why there is no value, in words; None while there may still be one, or where there is one."""
    if is_open(read.status) or read.status is ReadStatus.DONE:
        return None
    return reason_in_words(read.reason)


def took_s(read: OnDemandRead) -> float | None:
    """From the request to its end in seconds; None while open, and where two clocks contradict each other."""
    if is_open(read.status) or read.ended_at is None:
        return None
    seconds = (read.ended_at - read.asked_at).total_seconds()
    return seconds if seconds >= 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How many reads of the Chicago day are used, and, where the limit says no, from when it says yes again."""

    used_today: int
    per_day: int
    next_allowed_at: datetime | None
    words: str | None

    @property
    def limited(self) -> bool:
        """Whether the button is disabled (ODR-05)."""
        return self.next_allowed_at is not None


def allowance(successes: Iterable[datetime], now: datetime, limits: ReadLimits) -> Allowance:
    """The policy's answer for now, given when the meter's successful reads were accepted (a day back suffices)."""
    accepted = list(successes)
    answer = decide(accepted, now, limits)
    if not isinstance(answer, Refused):
        return Allowance(used_today=answer.used_today, per_day=limits.reads_per_day, next_allowed_at=None, words=None)
    words = {
        RefusalReason.HOUR: "This meter was read within the last hour, and a meter may be read once every hour.",
        RefusalReason.DAY: "All of today's reads of this meter are used. The count starts again at midnight Central.",
    }[answer.reason]
    return Allowance(
        used_today=answer.used_today,
        per_day=limits.reads_per_day,
        next_allowed_at=next_allowed(accepted, now, limits),
        words=words,
    )


def announcement(read: OnDemandRead | None) -> str:
    """One sentence for those who hear the page instead of seeing it."""
    if read is None:
        return ""
    if is_open(read.status):
        return f"Reading the meter: {_LABELS[read.status]}."
    if read.status is ReadStatus.DONE:
        return f"The meter answered. Read at {moment(read.value.read_at if read.value else read.ended_at)} Central."
    if read.status is ReadStatus.REFUSED:
        return f"The gateway refused the read. {reason_in_words(read.reason)}"
    return f"{NOT_FULFILLED}. {reason_in_words(read.reason)} {HOUR_KEPT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The card's content: the limit, when it next allows a read (to the second), and the latest read if any."""

    allowance: Allowance
    next_allowed_at: datetime | None
    allowed_in_ms: int | None
    read: OnDemandRead | None
    pending: bool
    stages: tuple[Stage, ...]
    took_s: float | None
    trouble: str | None
    words: str


def card_of(read: OnDemandRead | None, limit: Allowance, now: datetime) -> Card:
    """The card for a meter's latest read, None if it was never read."""
    allowed_at = None if limit.next_allowed_at is None else from_second(limit.next_allowed_at)
    return Card(
        allowance=limit,
        next_allowed_at=allowed_at,
        allowed_in_ms=None if allowed_at is None else (allowed_at - now) // timedelta(milliseconds=1),
        read=read,
        pending=read is not None and is_open(read.status),
        stages=() if read is None else tuple(stages(read)),
        took_s=None if read is None else took_s(read),
        trouble=None if read is None else trouble(read),
        words=announcement(read),
    )
