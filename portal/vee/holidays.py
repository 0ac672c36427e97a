"""The six holidays of NERC, by which the market's like days go: New Year's Day, Memorial Day, Independence Day, Labor
Day, Thanksgiving and Christmas; one that falls on a Sunday is kept on the Monday after (pure)."""

from datetime import date, timedelta
from functools import lru_cache

MONDAY, THURSDAY, SUNDAY = 0, 3, 6


def is_holiday(day: date) -> bool:
    """Whether a date is one of the six, as it is kept."""
    return day in holidays(day.year)


@lru_cache(maxsize=128)
def holidays(year: int) -> frozenset[date]:
    """The six days of a year on which they are kept."""
    fixed = (date(year, 1, 1), date(year, 7, 4), date(year, 12, 25))
    kept = {day + timedelta(days=1) if day.weekday() == SUNDAY else day for day in fixed}
    memorial = _latest(MONDAY, date(year, 5, 31))
    labor = _latest(MONDAY, date(year, 9, 7))
    thanksgiving = _latest(THURSDAY, date(year, 11, 28))
    return frozenset(kept | {memorial, labor, thanksgiving})


def _latest(weekday: int, day: date) -> date:
    """The last such weekday up to a date."""
    return day - timedelta(days=(day.weekday() - weekday) % 7)
