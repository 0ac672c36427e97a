"""How much a household takes from the grid and gives to it: whole watt-hours as a function of a key and an instant.

Pure and exact: the energy up to an instant is computed in a day's work whatever the instant, energy(a, b) adds up over
any cut, and never runs backwards. A day's energy is a closed form of the season plus noise that telescopes from
midnight to midnight; a day's intervals share it by weights of hour, season, appliances and sun.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate, pairwise
from math import cos, exp, floor, pi, sin

from gateway.clock import CENTRAL, central_date, central_midnight

FIRST_DAY = date(2020, 1, 1)
"""Loads begin here: earlier instants have no energy to speak of."""
INTERVAL_S = 900
_YEAR_DAYS = 365.2425
_ORIGIN = central_midnight(FIRST_DAY)
_SOLAR_NOON_UTC_H = 18.5
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

    def up_to(self, key: str, day: date) -> int:
        """Watt-hours from the origin to a day's midnight; grows with every day, for noise stays below the least day."""
        if not self.mean_wh:
            return 0
        days = (central_midnight(day) - _ORIGIN).total_seconds() / 86400
        yearly, half_yearly = 2 * pi / _YEAR_DAYS, 4 * pi / _YEAR_DAYS
        seasonal = self.summer / yearly * sin(yearly * (days - self.peak))
        seasonal += self.winter / half_yearly * sin(half_yearly * (days - _WINTER_PEAK))
        noise = self.noise * (_roll(f"{key}/{self.name}/{day.toordinal()}")[0] / 127.5 - 1)
        return floor(self.mean_wh * (days + seasonal + noise + 200))


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
        live = 0 if home.vacant else 1
        self._delivered = _Direction("delivered", live * home.mean_wh_per_day, 0.30, 0.15, _SUMMER_PEAK, 0.2)
        sold = 0.4 * home.mean_wh_per_day if home.solar else 0.0
        self._received = _Direction("received", live * sold, 0.25, 0.0, _MIDSUMMER, 0.2)
        self._days = lru_cache(maxsize=4)(self._day)

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
        return self.energy(start, start + timedelta(seconds=INTERVAL_S))

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
        start, end = central_midnight(day), central_midnight(day + timedelta(days=1))
        starts = [start + timedelta(seconds=INTERVAL_S) * n for n in range((end - start) // timedelta(minutes=15))]
        delivered_weights, received_weights = _weights(self.key, self.home, day, starts)
        befores = [
            _shared(direction.up_to(self.key, day), direction.up_to(self.key, day + timedelta(days=1)), weights)
            for direction, weights in ((self._delivered, delivered_weights), (self._received, received_weights))
        ]
        steps = [tuple(after - before for before, after in pairwise(b)) for b in befores]
        return _Day(DayLoad(start, steps[0], steps[1]), befores[0], befores[1])


def _shared(first: int, last: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Register values at each interval's start and the last one's end, growing from first to last by weight."""
    total = sum(weights)
    if not total:
        return (first,) * len(weights) + (last,)
    return (first, *(first + (last - first) * passed // total for passed in accumulate(weights)))


def _weights(key: str, home: Home, day: date, starts: Sequence[datetime]) -> tuple[list[int], list[int]]:
    """Each interval's share of the day's energy in both directions, as whole numbers.

    A quarter hour in which the sun gives more than the home needs has a share in what is received, none in what is
    delivered.
    """
    habits, noise = _roll(f"{key}/habits"), b"".join(_roll(f"{key}/{day.toordinal()}/{part}") for part in "ab")
    heat = (1 + cos(2 * pi * (day.timetuple().tm_yday - _SUMMER_PEAK) / _YEAR_DAYS)) / 2
    cloud = 0.3 + 0.35 * noise[-1] / 255
    delivered, received = [], []
    for index, start in enumerate(starts):
        local = start.astimezone(CENTRAL)
        hour = local.hour + local.minute / 60
        need = _need(home, hour, heat, habits, noise, weekend=day.weekday() >= 5) * (0.8 + 0.4 * noise[index] / 255)
        sun = _sun(start, day) if home.solar else 0.0
        exporting = sun > cloud
        delivered.append(0 if exporting else 1 + int(1000 * need * (1 - sun)))
        received.append(1 + int(1000 * (sun - cloud)) if exporting else 0)
    return delivered, received


def _need(home: Home, hour: float, heat: float, habits: bytes, noise: bytes, weekend: bool) -> float:
    """The relative demand at a local hour: what always runs, people, weather, and today's appliances."""
    people = _bump(hour, 6.5 + habits[0] / 128, 1.0) + 1.5 * _bump(hour, 18.5 + habits[1] / 128, 2.0)
    if weekend or not home.away_by_day:
        people += 0.8 * _bump(hour, 13, 3.0)
    cooling = 2.2 * heat * _bump(hour, 17, 4.0)
    heating = 1.2 * (1 - heat) * (_bump(hour, 6, 2.0) + _bump(hour, 22, 2.5))
    need = 0.5 + people + cooling + heating
    if noise[-2] < 100 and 0 <= hour - 17 - noise[-3] / 85 < 0.75:
        need += 3.0  # the dryer, on some evenings
    if home.electric_car and noise[-4] < 150 and 0 <= (hour - 22 - habits[2] / 128) % 24 < 1 + noise[-5] / 64:
        need += 5.0
    return need


def _sun(start: datetime, day: date) -> float:
    """The sun's strength over a roof at an instant, from 0 to 1, by the season's length of day."""
    season = cos(2 * pi * (day.timetuple().tm_yday - _MIDSUMMER) / _YEAR_DAYS)
    middle = start.astimezone(UTC) + timedelta(seconds=INTERVAL_S / 2)
    off_noon = (middle.hour + middle.minute / 60 - _SOLAR_NOON_UTC_H + 12) % 24 - 12
    return max(0.0, cos(pi / 2 * off_noon / (6 + season))) if abs(off_noon) < 6 + season else 0.0


def _bump(hour: float, middle: float, width: float) -> float:
    """A bell around an hour of the day, from 0 to 1, also across midnight."""
    off = (hour - middle + 12) % 24 - 12
    return exp(-((off / width) ** 2))


def _roll(name: str) -> bytes:
    """64 bytes of chance that belong to a name for ever."""
    return blake2b(name.encode()).digest()
