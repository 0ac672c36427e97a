"""What a meter derives from its load beside the running sums: its interval log, frozen registers, tiers and demand.

Everything follows from the load and the instant (pure, but for a cache of days); instants are the meter's own. The
tariff is that of a Texan summer: tier 1 is the peak, from 13:00 to 19:00 Central on working days, tier 2 all the rest;
its registers began at zero on the 1st of the year. Source of the names: ZigBee Smart Energy 1.4, D.3.2.2.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from gateway.clock import CENTRAL, central_date, central_midnight
from simulators.load_shape import FIRST_DAY, INTERVAL_S, HouseholdLoad

LOG_DAYS = 45
"""How far back a meter's interval log reaches."""
PEAK, OFF_PEAK = 1, 2
_PEAK_HOURS = range(13, 19)
_INTERVAL = timedelta(seconds=INTERVAL_S)


@dataclass(frozen=True, slots=True)
class Frozen:
    """Registers in Wh as they stood when a Central day began."""

    delivered_wh: int
    received_wh: int
    at: datetime


@dataclass(frozen=True, slots=True)
class PeakDemand:
    """The largest mean power of a quarter hour in W, and the end of that quarter hour; zero before the first ended."""

    demand_w: int
    at: datetime


def interval_floor(at: datetime) -> datetime:
    """The last instant, not after this one, at which an interval ends and another begins."""
    seconds = int(at.timestamp()) // INTERVAL_S * INTERVAL_S
    return datetime.fromtimestamp(seconds, at.tzinfo)


class MeterLog:
    """The log of one meter. days is how far back its intervals reach."""

    def __init__(self, load: HouseholdLoad, days: int = LOG_DAYS) -> None:
        self._load, self._reach = load, timedelta(days=days)
        self._tiers_of_day = lru_cache(maxsize=400)(self._sums_by_tier)

    def newest_end(self, now: datetime, before: datetime | None) -> datetime:
        """The end of the newest logged interval that ends at or before an instant; None is now."""
        return interval_floor(now if before is None else min(before, now))

    def intervals(self, now: datetime, newest_end: datetime, count: int) -> list[tuple[int, int]]:
        """Wh from and to the grid of up to count intervals, newest first, as far as the log reaches back from now."""
        oldest = max(now - self._reach, central_midnight(FIRST_DAY))
        starts = (newest_end - _INTERVAL * (place + 1) for place in range(count))
        return [self._load.interval_wh(start) for start in starts if start >= oldest]

    def frozen(self, now: datetime) -> Frozen:
        """The registers at the last Central midnight."""
        midnight = central_midnight(central_date(now))
        return Frozen(self._load.delivered_wh(midnight), self._load.received_wh(midnight), midnight)

    def tier_wh(self, now: datetime, tier: int) -> int:
        """A tariff tier's register: Wh from the grid since the year began."""
        today = central_date(now)
        days = (today - date(today.year, 1, 1)).days
        before = sum(self._tiers_of_day(today - timedelta(days=ago))[tier - 1] for ago in range(1, days + 1))
        start = central_midnight(today)
        ended = (now - start) // _INTERVAL
        here = self._load.day(today).delivered[:ended]
        running = self._load.delivered_wh(now) - self._load.delivered_wh(start + _INTERVAL * ended)
        shares = [wh for index, wh in enumerate(here) if tier_at(start + _INTERVAL * index) == tier]
        return before + sum(shares) + (running if tier_at(now) == tier else 0)

    def peak_demand(self, now: datetime) -> PeakDemand:
        """The largest demand since the month began."""
        today = central_date(now)
        best = PeakDemand(0, central_midnight(today.replace(day=1)))
        for day in (today.replace(day=1) + timedelta(days=n) for n in range(today.day)):
            load = self._load.day(day)
            for index, wh in enumerate(load.delivered):
                ends_at = load.start + _INTERVAL * (index + 1)
                if ends_at <= now and wh * 4 > best.demand_w:
                    best = PeakDemand(wh * 4, ends_at)
        return best

    def _sums_by_tier(self, day: date) -> tuple[int, int]:
        load = self._load.day(day)
        sums = [0, 0]
        for index, wh in enumerate(load.delivered):
            sums[tier_at(load.start + _INTERVAL * index) - 1] += wh
        return sums[0], sums[1]


def tier_at(instant: datetime) -> int:
    """The tariff's tier at an instant."""
    local = instant.astimezone(CENTRAL)
    return PEAK if local.weekday() < 5 and local.hour in _PEAK_HOURS else OFF_PEAK
