"""Interval files as Smart Meter Texas writes them, for simulated meters, both days of the change of time included.

Times of day are taken from real time through the time zone, not from a table, so that a reader of these files is
tested against something that it does not share.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from gateway.clock import CENTRAL, central_midnight, intervals_in
from gateway.identifiers import EsiId
from simulators.street import Premise

HEADER = (
    "ESIID,USAGE_DATE,REVISION_DATE,USAGE_START_TIME,USAGE_END_TIME,"
    "USAGE_KWH,ESTIMATED_ACTUAL,CONSUMPTION_SURPLUSGENERATION"
)
QUARTER = timedelta(minutes=15)
ESTIMATED_DAYS = 0.012
ESTIMATED_RUN = 24
"""One day in 83 has a quarter of its intervals estimated: 0.3 % of all, as a real year had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageDay:
    """What a meter counted on a Chicago day: 92, 96 or 100 quarter hours in Wh, received_wh where it exports."""

    esi_id: EsiId
    day: date
    delivered_wh: Sequence[int]
    received_wh: Sequence[int] | None


def days_between(first: date, last: date) -> Iterator[date]:
    """Every date from first to last, both included."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)


def write(
    path: Path, days: Iterable[UsageDay], chance: random.Random, now: datetime, *, smt_labels: bool = True
) -> int:
    """Write a file as it would be exported now, a meter-day at a time; returns its rows without the header.

    smt_labels repeats the mistake of the real files: the first row of the repeated hour reads 02:00 to 01:15.
    """
    rows = 0
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write(f"{HEADER}\n")
        for day in days:
            text = day_text(day, chance, now, smt_labels=smt_labels)
            rows += text.count("\n")
            file.write(text)
    return rows


def day_text(usage: UsageDay, chance: random.Random, now: datetime, *, smt_labels: bool) -> str:
    """The rows of one meter-day; where the meter exports, the two channels take turns."""
    labels = _labels(usage.day, smt_labels)
    flags = _flags(len(usage.delivered_wh), chance)
    revised = min(_revised(usage.day, chance), now).astimezone(CENTRAL)
    head = f"'{usage.esi_id},{usage.day:%m/%d/%Y},{revised:%m/%d/%Y %H:%M:%S}"
    channels = [("Consumption", usage.delivered_wh)]
    if usage.received_wh is not None:
        channels.append(("Surplus Generation", usage.received_wh))
    columns = []
    for name, values in channels:
        cells = iter([f"{_kwh(value)},{flag}" for value, flag in zip(values, flags, strict=True)])
        columns.append([f"{head}{label},{next(cells) if real else ','},{name}\n" for label, real in labels])
    return "".join(row for rows in zip(*columns, strict=True) for row in rows)


@lru_cache(maxsize=1024)
def _labels(day: date, smt_labels: bool) -> list[tuple[str, bool]]:
    """Start and end of every row of a day, each after a blank, and whether the row has a value."""
    midnight = central_midnight(day)
    rows = [_label(midnight + place * QUARTER) for place in range(intervals_in(day))]
    if len(rows) == 100 and smt_labels:
        rows[7:9] = [", 01:45, 02:00", ", 02:00, 01:15"]
    found = [(row, True) for row in rows]
    if len(rows) == 92:
        found[7] = (", 01:45, 02:00", True)
        skipped = ["02:00", "02:15", "02:30", "02:45", "03:00"]
        found[8:8] = [(f", {start}, {end}", False) for start, end in pairwise(skipped)]
    return found


def _label(start: datetime) -> str:
    here, then = start.astimezone(CENTRAL), (start + QUARTER).astimezone(CENTRAL)
    return f", {here:%H:%M}, {then:%H:%M}"


def _flags(count: int, chance: random.Random) -> str:
    """A or E for each interval: now and then a run of estimates."""
    if chance.random() >= ESTIMATED_DAYS:
        return "A" * count
    start = chance.randrange(count - ESTIMATED_RUN)
    return "A" * start + "E" * ESTIMATED_RUN + "A" * (count - start - ESTIMATED_RUN)


def _revised(day: date, chance: random.Random) -> datetime:
    """When the day's data came: 7.7 hours after its end, give or take, seldom a day late."""
    hours = 7.7 + chance.uniform(-0.5, 0.5) if chance.random() < 0.995 else 31.0
    return central_midnight(day + timedelta(days=1)) + timedelta(hours=hours)


@lru_cache(maxsize=65_536)
def _kwh(watt_hours: int) -> str:
    return f"{watt_hours // 1000}.{watt_hours % 1000:03}"


def history(premises: Iterable[Premise], first: date, last: date) -> Iterator[UsageDay]:
    """What the meters of some premises counted from first to last, meter after meter."""
    for premise in premises:
        load = premise.load
        for day in days_between(first, last):
            counted = load.day(day)
            received = counted.received if premise.home.solar else None
            yield UsageDay(esi_id=premise.esi_id, day=day, delivered_wh=counted.delivered, received_wh=received)
