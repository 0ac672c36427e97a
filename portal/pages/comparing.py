"""A day or a month beside the one before: which that is, quarter hour beside quarter hour, difference and percentage.

Days are laid beside each other by wall time, so that 17:00 stands beside 17:00 where one of them has 92 or 100
quarter hours; a time that only one of them has is compared with nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from portal.pages.chart import times_of
from portal.pages.formats import ABSENT, thousandths
from portal.usage.intervals import MeterDay
from portal.usage.slots import slots_in


class Against(StrEnum):
    """What a report is compared with."""

    NOTHING = "nothing"
    DAY = "day"
    WEEK = "week"
    YEAR = "year"


WORDS = {
    Against.NOTHING: "Nothing",
    Against.DAY: "The day before",
    Against.WEEK: "A week before",
    Against.YEAR: "A year before",
}


def day_against(day: date, against: Against) -> date:
    """The day that a day is compared with; 29 February with 28 February."""
    if against is Against.YEAR:
        return year_before(day)
    return day - timedelta(days={Against.DAY: 1, Against.WEEK: 7}.get(against, 0))


def year_before(day: date) -> date:
    """The same day of the year before."""
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def beside(day: date, other: MeterDay) -> list[int | None]:
    """What another day has at each quarter hour of a day, in Wh, by wall time."""
    there = dict(zip(slots_in(len(other.values)), other.values, strict=True))
    return [there.get(slot) for slot in slots_in(len(times_of(day).spans))]


def difference(wh: int | None, other_wh: int | None) -> str:
    """In kWh with its sign, N/A where either is missing."""
    if wh is None or other_wh is None:
        return ABSENT
    return f"{'+' if wh > other_wh else ''}{thousandths(wh - other_wh)}"


def percentage(wh: int | None, other_wh: int | None) -> str:
    """The difference as a part of the other, to a tenth, N/A of nothing and where either is missing."""
    if wh is None or not other_wh or other_wh < 0:
        return ABSENT
    return f"{100 * (wh - other_wh) / other_wh:+.1f} %"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One channel's day beside another: its words, what that had at each quarter hour, and what both have in common.

    total_wh and other_wh are sums over the `common` quarter hours that are known of both days.
    """

    words: str
    values: Sequence[int | None]
    common: int
    total_wh: int | None
    other_wh: int | None

    @property
    def difference(self) -> str:
        """Of the sums, in kWh."""
        return difference(self.total_wh, self.other_wh)

    @property
    def percentage(self) -> str:
        """Of the sums."""
        return percentage(self.total_wh, self.other_wh)


def compared(data: MeterDay, other_day: date, other: MeterDay | None) -> Compared:
    """A channel's day beside another, of which there may be nothing (pure)."""
    values = [None] * len(data.values) if other is None else beside(data.day, other)
    both = [(wh, there) for wh, there in zip(data.values, values, strict=True) if wh is not None and there is not None]
    return Compared(
        words=f"{other_day:%a, %m/%d/%Y}",
        values=values,
        common=len(both),
        total_wh=sum(wh for wh, _ in both) if both else None,
        other_wh=sum(there for _, there in both) if both else None,
    )
