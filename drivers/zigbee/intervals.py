"""A meter's own interval log: its answers put together to consecutive intervals in whole watt-hours (pure).

Source: ZigBee Smart Energy 1.4, D.3.3.1 (GetProfile). A meter answers with its newest interval first; an answer's end
time is the end of that one. Intervals are raw counts, scaled as registers are. Of a log with a gap, with another period
in between or with more than was asked for nothing is believed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from types import MappingProxyType

from drivers.zigbee.metering import EPOCH, Nameplate, scaled
from gateway.errors import BadReading, Unsupported
from gateway.reads import Direction

MOST_IN_FRAME = 21
"""Intervals in one encrypted frame: 82 bytes less 9 for the encryption, 3 and 7 for headers, by 3 each."""

NEWEST = 0
"""The end time that asks for the newest intervals."""

CHANNELS: Mapping[Direction, int] = MappingProxyType({Direction.DELIVERED: 0, Direction.RECEIVED: 1})

PERIODS_S: Mapping[int, int] = MappingProxyType(
    {0: 86_400, 1: 3_600, 2: 1_800, 3: 900, 4: 600, 5: 450, 6: 300, 7: 150, 8: 60}
)
"""Seconds by the period's code; code 8 is of 1.4a."""

_INVALID = 0xFFFFFF
_INVALID_TIME = 0xFFFFFFFF


class Status(IntEnum):
    """How a meter answers."""

    OK = 0
    UNDEFINED_CHANNEL = 1
    CHANNEL_NOT_SUPPORTED = 2
    INVALID_END_TIME = 3
    TOO_MANY_PERIODS = 4
    NONE_AVAILABLE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One answer: its newest interval's end in seconds since 2000, its codes, and raw counts, the newest first."""

    ends_at: int
    status: int
    period: int
    counts: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to ask next: intervals that end at a second since 2000 or before, NEWEST for the newest."""

    ends_at: int
    count: int


class InvalidEndTime(BadReading):
    """The meter knows no interval that ends when we asked for."""


@dataclass(slots=True)
class Log:
    """Intervals as they come, wanted of them, none later than a second since 2000 (None: the newest)."""

    wanted: int
    before: int | None
    most: int = MOST_IN_FRAME
    period_s: int | None = None
    ends_at: int | None = None
    counts: list[int] = field(default_factory=list)
    exhausted: bool = False

    def question(self) -> Question | None:
        """What to ask next; None if all is there that there is."""
        left = self.wanted - len(self.counts)
        if left <= 0 or self.exhausted:
            return None
        return Question(ends_at=self._next_end, count=min(left, self.most))

    def take(self, part: Part, asked: Question) -> None:
        """Take an answer. Raises BadReading, InvalidEndTime, or Unsupported if the meter has no such log."""
        match part.status:
            case Status.UNDEFINED_CHANNEL | Status.CHANNEL_NOT_SUPPORTED:
                raise Unsupported("the meter keeps no log of that direction")
            case Status.INVALID_END_TIME:
                raise InvalidEndTime("the meter knows no interval that ends when we asked for")
            case Status.NONE_AVAILABLE:
                self.exhausted = True
                return
            case Status.TOO_MANY_PERIODS if not part.counts:
                self._ask_for_less(asked.count)
                return
            case Status.OK | Status.TOO_MANY_PERIODS:
                self._add(part, asked)
            case _:
                raise BadReading(f"the meter answered with status {part.status}, which the profile does not know")

    @property
    def _next_end(self) -> int:
        if self.ends_at is None or self.period_s is None:
            return NEWEST if self.before is None else self.before
        return self.ends_at - len(self.counts) * self.period_s

    def _ask_for_less(self, asked: int) -> None:
        if asked == 1:
            raise BadReading("the meter says that one interval is more than it can tell")
        self.most = asked // 2

    def _add(self, part: Part, asked: Question) -> None:
        if not part.counts:
            self.exhausted = True
            return
        if len(part.counts) > asked.count:
            raise BadReading(f"the meter told {len(part.counts)} intervals where {asked.count} were asked for")
        period_s = PERIODS_S.get(part.period)
        if period_s is None:
            raise BadReading(f"the meter's period {part.period} is none of the profile's")
        if self.ends_at is None:
            self._begin(part, period_s)
        elif (part.ends_at, period_s) != (self._next_end, self.period_s):
            raise BadReading("the meter's log has a gap, or intervals of several lengths")
        self.counts.extend(part.counts)

    def _begin(self, part: Part, period_s: int) -> None:
        if part.ends_at in (0, _INVALID_TIME):
            raise BadReading("the meter does not say when its intervals end")
        if self.before is not None and part.ends_at > self.before:
            raise BadReading("the meter told later intervals than were asked for")
        self.ends_at, self.period_s = part.ends_at, period_s


def aligned(newest: Part, before: int) -> int:
    """The end of the last interval that ends at a second since 2000 or before, by where the newest one ends.

    Raises BadReading.
    """
    period_s = PERIODS_S.get(newest.period)
    if newest.status != Status.OK or not newest.counts or period_s is None:
        raise BadReading("the meter does not say where its intervals end")
    return newest.ends_at if newest.ends_at <= before else before - (before - newest.ends_at) % period_s


def watt_hours(log: Log, plate: Nameplate) -> tuple[int | None, ...]:
    """Its intervals in Wh, the oldest first; None is one that the meter marks invalid."""
    counts = (None if count == _INVALID else count for count in reversed(log.counts))
    return tuple(scaled(count, plate.wh_per_count, plate.bcd) for count in counts)


def since_2000(instant: datetime) -> int:
    """An instant in whole seconds."""
    return int((instant - EPOCH).total_seconds())


def instant(seconds: int) -> datetime:
    """Seconds since 2000 as an instant."""
    return EPOCH + timedelta(seconds=seconds)
