"""How much a household takes from the grid and gives to it: whole watt-hours as a function of a key and an instant.

Pure and exact: the energy up to an instant is computed in a day's work whatever the instant, energy(a, b) adds up over
any cut, and never runs backwards. A day's energy is a closed form of the season plus noise that telescopes from
midnight to midnight; a day's intervals share it by weights of hour, season, appliances and sun.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from hashlib import blake2b
from itertools import accumulate, pairwise
from math import cos, exp, floor, pi, sin

from gateway.clock import CENTRAL, central_date, central_midnight

FIRST_DAY = date(2020, 1, 1)
"""Loads begin here: earlier instants have no energy to speak of."""
INTERVAL_S = 900
_YEAR_DAYS = 365.2425
_ORIGIN = central_midnight(FIRST_DAY)
_DAYS_BEFORE = 200
"""Days that a meter had run when its load begins."""
_DAY, _INTERVAL = timedelta(days=1), timedelta(seconds=INTERVAL_S)
_SUMMER_PEAK, _WINTER_PEAK, _MIDSUMMER = 213, 15, 172
"""Days of the year: the hottest, the coldest, the longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What a household is like. vacant: nobody, and nothing switched on; its registers truly repeat."""

    mean_wh_per_day: int = 30_000
    solar: bool = False
    vacant: bool = False
    electric_car: bool = False
    away_by_day: bool = True


@dataclass(frozen=True, slots=True)
class _Direction:
    """One register's closed form: mean energy a day, its swing by season, and its noise, as shares of the mean."""

    name: str
    mean_wh: float
    summer: float
    winter: float
    peak: int
    noise: float
    still: bool

    def up_to(self, key: str, day: date, midnight: datetime) -> int:
        """The register at a day's midnight in Wh; it grows every day, for the noise stays below the least day."""
        if self.still or not self.mean_wh:
            return int(self.mean_wh * _DAYS_BEFORE)
        days = (midnight - _ORIGIN).total_seconds() / 86400
        yearly, half_yearly = 2 * pi / _YEAR_DAYS, 4 * pi / _YEAR_DAYS
        seasonal = self.summer / yearly * sin(yearly * (days - self.peak))
        seasonal += self.winter / half_yearly * sin(half_yearly * (days - _WINTER_PEAK))
        noise = self.noise * (_roll(f"{key}/{self.name}/{day.toordinal()}")[0] / 127.5 - 1)
        return floor(self.mean_wh * (days + seasonal + noise + _DAYS_BEFORE))


@dataclass(frozen=True, slots=True)
class DayLoad:
    """One Chicago day: its start, and each interval's watt-hours from and to the grid (92, 96 or 100 of them)."""

    start: datetime
    delivered: tuple[int, ...]
    received: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Day:
    load: DayLoad
    delivered_before: tuple[int, ...]
    received_before: tuple[int, ...]


class HouseholdLoad:
    """One home's load under its key; two loads with the same key and home are the same."""

    def __init__(self, key: str, home: Home) -> None:
        self.key, self.home = key, home
        taken, given = home.mean_wh_per_day, 0.4 * home.mean_wh_per_day if home.solar else 0.0
        self._delivered = _Direction("delivered", taken, 0.30, 0.15, _SUMMER_PEAK, 0.2, home.vacant)
        self._received = _Direction("received", given, 0.25, 0.0, _MIDSUMMER, 0.2, home.vacant)
        self._days = lru_cache(maxsize=4)(self._day)

    @cached_property
    def _habits(self) -> "_Habits":
        return _Habits(self.key, self.home)

    def delivered_wh(self, at: datetime) -> int:
        """Everything taken from the grid up to an instant. Raises ValueError before FIRST_DAY."""
        return self._up_to(at)[0]

    def received_wh(self, at: datetime) -> int:
        """Everything given to the grid up to an instant. Raises ValueError before FIRST_DAY."""
        return self._up_to(at)[1]

    def energy(self, start: datetime, end: datetime) -> tuple[int, int]:
        """Watt-hours from and to the grid between two instants."""
        before, after = self._up_to(start), self._up_to(end)
        return after[0] - before[0], after[1] - before[1]

    def interval_wh(self, start: datetime) -> tuple[int, int]:
        """Watt-hours from and to the grid in the quarter hour that begins at start."""
        return self.energy(start, start + _INTERVAL)

    def day(self, day: date) -> DayLoad:
        """A Chicago day's intervals; their sums are what the registers grow by. Raises ValueError before FIRST_DAY."""
        return self._days(day).load

    def demand_w(self, at: datetime) -> int:
        """The power at an instant; negative while the home gives more than it takes."""
        load = self._days(central_date(at)).load
        index = int((at - load.start).total_seconds()) // INTERVAL_S
        return (load.delivered[index] - load.received[index]) * 3600 // INTERVAL_S

    def _up_to(self, at: datetime) -> tuple[int, int]:
        day = self._days(central_date(at))
        passed = (at - day.load.start) // timedelta(milliseconds=1)
        index, within = divmod(passed, INTERVAL_S * 1000)
        delivered = day.load.delivered[index] * within // (INTERVAL_S * 1000)
        received = day.load.received[index] * within // (INTERVAL_S * 1000)
        return day.delivered_before[index] + delivered, day.received_before[index] + received

    def _day(self, day: date) -> _Day:
        if day < FIRST_DAY:
            raise ValueError(f"loads begin on {FIRST_DAY}, not on {day}")
        start, end = central_midnight(day), central_midnight(day + _DAY)
        weights = _weights(self.key, self.home, self._habits, day, _quarters(start, (end - start) // _INTERVAL))
        befores = [
            _shared(direction.up_to(self.key, day, start), direction.up_to(self.key, day + _DAY, end), shares)
            for direction, shares in zip((self._delivered, self._received), weights, strict=True)
        ]
        steps = [tuple(after - before for before, after in pairwise(b)) for b in befores]
        return _Day(DayLoad(start, steps[0], steps[1]), befores[0], befores[1])


def _quarters(start: datetime, intervals: int) -> Sequence[int]:
    """Each interval's place in a local day; only the days on which clocks change differ from 0 to 95."""
    if intervals == 96:
        return range(96)
    locals_ = [(start + _INTERVAL * index).astimezone(CENTRAL) for index in range(intervals)]
    return [local.hour * 4 + local.minute // 15 for local in locals_]


def _shared(first: int, last: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Register values at each interval's start and the last one's end, growing from first to last by weight."""
    total = sum(weights)
    if not total:
        return (first,) * len(weights) + (last,)
    return (first, *(first + (last - first) * passed // total for passed in accumulate(weights)))


class _Habits:
    """What a home does at each quarter hour of a local day, apart from the weather and what happens that day."""

    def __init__(self, key: str, home: Home) -> None:
        rolls = _roll(f"{key}/habits")
        hours = [quarter / 4 for quarter in range(96)]
        morning, evening = 6.5 + rolls[0] / 128, 18.5 + rolls[1] / 128
        self.working = [0.5 + _bump(hour, morning, 1.0) + 1.5 * _bump(hour, evening, 2.0) for hour in hours]
        at_home = [people + 0.8 * _bump(hour, 13, 3.0) for people, hour in zip(self.working, hours, strict=True)]
        self.weekend = at_home
        if not home.away_by_day:
            self.working = at_home
        self.cooling = [2.2 * _bump(hour, 17, 4.0) for hour in hours]
        self.heating = [1.2 * (_bump(hour, 6, 2.0) + _bump(hour, 22, 2.5)) for hour in hours]
        self.charging_from = 88 + rolls[2] // 32 if home.electric_car else None


def _weights(key: str, home: Home, habits: _Habits, day: date, quarters: Sequence[int]) -> tuple[list[int], list[int]]:
    """Each interval's share of the day's energy in both directions, as whole numbers.

    A quarter hour in which the sun gives more than the home needs has a share in what is received, none in what is
    delivered. quarters are the intervals' places in a local day.
    """
    noise = b"".join([_roll(f"{key}/{day.toordinal()}/{part}") for part in "ab"])
    need = _need(habits, day, noise)
    delivered = [1 + int(need[quarter] * (800 + 400 * noise[index] / 255)) for index, quarter in enumerate(quarters)]
    if not home.solar:
        return delivered, [0] * len(quarters)
    cloud = 0.3 + 0.35 * noise[-1] / 255
    sun = [_sun(index, len(quarters), day) for index in range(len(quarters))]
    delivered = [0 if up > cloud else 1 + int(taken * (1 - up)) for taken, up in zip(delivered, sun, strict=True)]
    return delivered, [1 + int(1000 * (up - cloud)) if up > cloud else 0 for up in sun]


def _need(habits: _Habits, day: date, noise: bytes) -> list[float]:
    """The relative demand of each quarter hour of a local day: what always runs, people, weather, and appliances."""
    heat = (1 + cos(2 * pi * (day.timetuple().tm_yday - _SUMMER_PEAK) / _YEAR_DAYS)) / 2
    people = habits.weekend if day.weekday() >= 5 else habits.working
    need = [
        base + heat * cooling + (1 - heat) * heating
        for base, cooling, heating in zip(people, habits.cooling, habits.heating, strict=True)
    ]
    if noise[-2] < 100:  # the dryer runs on some evenings
        for quarter in range(68 + noise[-3] // 22, 71 + noise[-3] // 22):
            need[quarter] += 3.0
    if habits.charging_from is not None and noise[-4] < 150:
        for quarter in range(habits.charging_from, habits.charging_from + 4 + noise[-5] // 16):
            need[quarter % 96] += 5.0
    return need


def _sun(index: int, intervals: int, day: date) -> float:
    """The sun's strength over a roof in an interval of a day, from 0 to 1, by the season's length of day."""
    season = cos(2 * pi * (day.timetuple().tm_yday - _MIDSUMMER) / _YEAR_DAYS)
    off_noon = (index + 0.5 - intervals / 2) / 4 - 1  # highest at one, halfway between both times
    half = 6 + season
    return cos(pi / 2 * off_noon / half) if abs(off_noon) < half else 0.0


def _bump(hour: float, middle: float, width: float) -> float:
    """A bell around an hour of the day, from 0 to 1, also across midnight."""
    off = (hour - middle + 12) % 24 - 12
    return exp(-((off / width) ** 2))


def _roll(name: str) -> bytes:
    """64 bytes of chance that belong to a name for ever."""
    return blake2b(name.encode()).digest()
