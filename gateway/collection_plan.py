"""What a gateway has yet to collect from its meters, and in which order (pure).

The unit is a Chicago day of one meter: its intervals from the grid, its intervals into the grid, or the registers that
it froze at the day's midnight. The newest day comes first, for that is what people wait for; older ones fill the gaps.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from gateway.clock import central_date, central_midnight
from gateway.identifiers import MeterNumber
from gateway.reads import Direction


class What(StrEnum):
    """What is collected of a meter's day."""

    DELIVERED = "delivered"
    RECEIVED = "received"
    REGISTERS = "registers"

    @property
    def direction(self) -> Direction:
        """The direction of intervals."""
        return Direction(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One meter's day to collect. For registers the day is the one that begins at the midnight of the freeze."""

    meter: MeterNumber
    what: What
    day: date


def days_of(what: What, now: datetime, after_midnight_s: float, lookback_days: int) -> list[date]:
    """The days that can be collected, newest first.

    Intervals of a day are complete when it has ended; a meter keeps one frozen set of registers, that of its last
    midnight. A day is let alone until after_midnight_s have passed, so that meters whose clocks lag have closed it.
    """
    newest = central_date(now - timedelta(seconds=after_midnight_s))
    if what is What.REGISTERS:
        return [newest]
    return [newest - timedelta(days=ago) for ago in range(1, lookback_days + 1)]


def errands(
    meters: Iterable[MeterNumber],
    now: datetime,
    after_midnight_s: float,
    lookback_days: int,
    settled: Callable[[date, What], Collection[MeterNumber]],
) -> Iterator[Errand]:
    """What is due now: day by day, the newest first, and of each the meters that are not settled."""
    known = sorted(meters)
    for day in days_of(What.REGISTERS, now, after_midnight_s, lookback_days):
        done = settled(day, What.REGISTERS)
        yield from (Errand(meter=m, what=What.REGISTERS, day=day) for m in known if m not in done)
    for day in days_of(What.DELIVERED, now, after_midnight_s, lookback_days):
        for what in (What.DELIVERED, What.RECEIVED):
            done = settled(day, what)
            yield from (Errand(meter=m, what=what, day=day) for m in known if m not in done)


def retry_at(now: datetime, attempts: int, first_s: float, last_s: float) -> datetime:
    """When an errand that failed for the attempts-th time is due again: the pause doubles up to the last."""
    return now + timedelta(seconds=min(first_s * 2 ** min(attempts - 1, 20), last_s))


def pieces(day: date, most: int) -> Iterator[tuple[datetime, int]]:
    """A day's quarter hours as (end, count) of at most so many each, the newest piece first."""
    start, end = central_midnight(day), central_midnight(day + timedelta(days=1))
    while end > start:
        count = min(most, int((end - start).total_seconds()) // 900)
        yield end, count
        end -= timedelta(minutes=15) * count
