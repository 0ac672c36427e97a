"""Which days a report may span (guide figure 40, RPT-04 to RPT-08): a pure rule."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from portal.usage.smt_file import EARLIEST

MOST_MONTHS = 48
"""How far Daily Usage and Daily Meter Reads reach back (RPT-06)."""
MOST_MONTHS_BILLED = 24
"""How far Monthly Usage does (RPT-07)."""


class ReportRefusal(StrEnum):
    """Why a report is refused: for its range of days, for its format, or because it is too large to be made at once."""

    ORDER = "order"
    TOO_OLD = "too_old"
    BEFORE_ALL = "before_all"
    BEFORE_METER = "before_meter"
    FUTURE = "future"
    ONE_VERSION = "one_version"
    FORMAT = "format"
    LARGE = "large"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRefused:
    """A refused report; bound is the first or last day that would have been right, and the words say it too."""

    reason: ReportRefusal
    words: str
    bound: date | None = None


def months_before(day: date, months: int) -> date:
    """The same day some months earlier, or the last of a month that is too short for it."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))


def refusal(
    start: date, end: date, today: date, installed: date | None, months: int = MOST_MONTHS
) -> ReportRefused | None:
    """Why the days from start to end, both included, cannot be asked for; None if they can.

    today and installed are Chicago dates, the second that of the premise's first meter, None for a report of many.
    months is how far the report reaches back. Of several bounds on the start the latest is told, so that whoever obeys
    it is not refused again.
    """
    if end > today:
        words = f"The end, {end}, is in the future; it may be {today} at the latest."
        return ReportRefused(reason=ReportRefusal.FUTURE, bound=today, words=words)
    if start > end:
        words = f"The start, {start}, is after the end; it may be {end} at the latest."
        return ReportRefused(reason=ReportRefusal.ORDER, bound=end, words=words)
    bounds = [
        (EARLIEST, ReportRefusal.BEFORE_ALL, "no data are kept from before that day"),
        (months_before(today, months), ReportRefusal.TOO_OLD, f"reports reach {months} months back"),
    ]
    if installed is not None:
        bounds.append((installed, ReportRefusal.BEFORE_METER, "on that day the meter was installed"))
    bound, reason, why = max(bounds, key=lambda each: each[0])
    if start >= bound:
        return None
    return ReportRefused(
        reason=reason, bound=bound, words=f"The start, {start}, may be {bound} at the earliest: {why}."
    )
