"""How days, months and revision dates stand in the tables: as small numbers, since every row carries them."""

from datetime import date

import numpy as np
from numpy.typing import NDArray

from gateway.errors import BadInput
from portal.usage.batch import NO_REVISION

EPOCH = date(2000, 1, 1).toordinal()
LAST_DAY = 2**15 - 1
"""Day 32,767 after 2000 is in September 2089."""
UNIX_DAY = date(2000, 1, 1).toordinal() - date(1970, 1, 1).toordinal()
DAY_S = 86_400
NO_REVISION_S = -(2**31)

Numbers = NDArray[np.int64]


def month_number(day: date) -> int:
    """A date's month, counted from January 2000."""
    return (day.year - 2000) * 12 + day.month - 1


def first_of(month: int) -> date:
    """A month's first day."""
    return date(2000 + month // 12, month % 12 + 1, 1)


def days_of(month: int) -> range:
    """The numbers of a month's days."""
    return range(first_of(month).toordinal() - EPOCH, first_of(month + 1).toordinal() - EPOCH)


def span(first: date, last: date) -> tuple[int, int]:
    """The numbers of the first and last day asked for, as far as there are such; empty if the first is the greater."""
    return max(first.toordinal() - EPOCH, 0), min(last.toordinal() - EPOCH, LAST_DAY)


def month_of(day: int) -> int:
    """The month of a day by its number."""
    return month_number(date.fromordinal(EPOCH + day))


def day_numbers(ordinals: NDArray[np.int32]) -> Numbers:
    """Proleptic ordinals as numbers of days. Raises BadInput for a day that cannot be kept."""
    days = ordinals.astype(np.int64) - EPOCH
    if len(days) and (days.min() < 0 or days.max() > LAST_DAY):
        raise BadInput("a day before 2000 or after 2089 cannot be kept")
    return days


def months_of(days: Numbers) -> Numbers:
    """The months of days by their numbers."""
    dates = (days + UNIX_DAY).astype("datetime64[D]")
    months: Numbers = dates.astype("datetime64[M]").astype(np.int64) - 360
    return months


def revisions(revised: NDArray[np.int64], days: Numbers) -> Numbers:
    """Revision dates in seconds since 1970 as seconds since their days. Raises BadInput beyond some 68 years."""
    since = revised - (days + UNIX_DAY) * DAY_S
    if len(since) and np.abs(np.where(revised == NO_REVISION, 0, since)).max() > -NO_REVISION_S - 1:
        raise BadInput("a revision date 68 years from its day cannot be kept")
    return np.where(revised == NO_REVISION, NO_REVISION_S, since)


def revised(revised_s: int, day: int) -> int:
    """A row's revision date in seconds since 1970, or NO_REVISION."""
    return NO_REVISION if revised_s == NO_REVISION_S else revised_s + (day + UNIX_DAY) * DAY_S
