"""When a definition is due, and the days that it asks for then (pure); all days and times are Chicago's.

A wall time that a day of spring does not have is the instant an hour after the one before the gap, of the two that a
day of autumn has it is the first: so every day has each time once.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from gateway.clock import CENTRAL, central_date
from portal.reports.forms import Report, months_back
from portal.usage.report_range import months_before
from portal.usage.smt_file import EARLIEST

MINUTES = 24 * 60
LAST_DAY_OF_MONTH = 28
"""The latest day of a month that every month has."""
MOST_DAYS_BETWEEN = 32


class Every(StrEnum):
    """How often a definition is due."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Window(StrEnum):
    """Which days a definition asks for, told from the day of the run."""

    YESTERDAY = "yesterday"
    LAST_7_DAYS = "last_7_days"
    LAST_MONTH = "last_month"
    LAST_24_MONTHS = "last_24_months"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A day of the week (1 is Monday) or of the month (1 to 28), none for every day; minute is of the wall clock."""

    every: Every
    day: int | None = None
    minute: int = 6 * 60


def schedule_fault(schedule: Schedule) -> str | None:
    """What is wrong with a schedule, in words; None if nothing is."""
    if not 0 <= schedule.minute < MINUTES:
        return "Enter a time of day, such as 06:00"
    most = {Every.DAY: 0, Every.WEEK: 7, Every.MONTH: LAST_DAY_OF_MONTH}[schedule.every]
    if most == 0:
        return None if schedule.day is None else "A daily schedule has no day"
    if schedule.day is None or not 1 <= schedule.day <= most:
        return f"Choose a day from 1 to {most}"
    return None


def next_due(schedule: Schedule, after: datetime) -> datetime:
    """The first instant after another at which a schedule is due."""
    day = central_date(after) - timedelta(days=1)
    for _ in range(MOST_DAYS_BETWEEN + 2):
        if _is_on(schedule, day) and (due := _instant(day, schedule.minute)) > after:
            return due
        day += timedelta(days=1)
    raise AssertionError("a sound schedule is due within 32 days")


def latest_due(schedule: Schedule, first: datetime, now: datetime) -> datetime:
    """The last instant up to now at which a schedule was due, given the first that was not served: what was missed
    while nothing ran is made up for once, not time after time."""
    due = first
    while (later := next_due(schedule, due)) <= now:
        due = later
    return due


def days_of(window: Window, report: Report, today: date) -> tuple[date, date]:
    """The first and the last day that a report is asked for on a day, no earlier than it reaches back."""
    end = today - timedelta(days=1)
    start = {
        Window.YESTERDAY: end,
        Window.LAST_7_DAYS: today - timedelta(days=7),
        Window.LAST_MONTH: (today.replace(day=1) - timedelta(days=1)).replace(day=1),
        Window.LAST_24_MONTHS: months_before(today, 24),
    }[window]
    if window is Window.LAST_MONTH:
        end = today.replace(day=1) - timedelta(days=1)
    return max(start, EARLIEST, months_before(today, months_back(report))), end


def _is_on(schedule: Schedule, day: date) -> bool:
    if schedule.every is Every.DAY:
        return True
    return schedule.day == (day.isoweekday() if schedule.every is Every.WEEK else day.day)


def _instant(day: date, minute: int) -> datetime:
    return datetime.combine(day, time(minute // 60, minute % 60), CENTRAL).astimezone(UTC)
