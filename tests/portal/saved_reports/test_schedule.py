"""When schedules are due and which days they ask for, exact on the days on which clocks change."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import CENTRAL, central_date
from portal.reports.forms import Report
from portal.saved_reports.schedule import (
    Every,
    Schedule,
    Window,
    days_of,
    latest_due,
    next_due,
    schedule_fault,
)

SPRING, AUTUMN = date(2026, 3, 8), date(2026, 11, 1)
"""The days of 23 and 25 hours in 2026."""


def central(day: date, hour: int, minute: int = 0, fold: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CENTRAL, fold=fold).astimezone(UTC)


def dues(schedule: Schedule, after: datetime, count: int) -> list[datetime]:
    found = [after]
    for _ in range(count):
        found.append(next_due(schedule, found[-1]))
    return found[1:]


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_a_daily_schedule_keeps_its_wall_time_when_clocks_change(day: date) -> None:
    schedule = Schedule(every=Every.DAY, minute=6 * 60)
    before, on, after = dues(schedule, central(day - timedelta(days=1), 0), 3)
    assert [each.astimezone(CENTRAL).hour for each in (before, on, after)] == [6, 6, 6]
    hours = [(on - before) / timedelta(hours=1), (after - on) / timedelta(hours=1)]
    assert hours == [23 if day == SPRING else 25, 24]


def test_a_time_that_spring_skips_runs_once_and_one_that_autumn_repeats_runs_once() -> None:
    skipped = dues(Schedule(every=Every.DAY, minute=2 * 60 + 30), central(SPRING, 0), 2)
    assert skipped == [datetime(2026, 3, 8, 8, 30, tzinfo=UTC), datetime(2026, 3, 9, 7, 30, tzinfo=UTC)]
    repeated = dues(Schedule(every=Every.DAY, minute=60 + 30), central(AUTUMN, 0), 2)
    assert repeated == [central(AUTUMN, 1, 30, fold=0), central(AUTUMN + timedelta(days=1), 1, 30)]


def test_weekly_and_monthly_schedules_are_due_on_their_days() -> None:
    weekly = dues(Schedule(every=Every.WEEK, day=1, minute=0), central(date(2026, 7, 1), 12), 3)
    assert [central_date(each) for each in weekly] == [date(2026, 7, 6), date(2026, 7, 13), date(2026, 7, 20)]
    monthly = dues(Schedule(every=Every.MONTH, day=28, minute=0), central(date(2026, 1, 28), 0), 3)
    assert [central_date(each) for each in monthly] == [date(2026, 2, 28), date(2026, 3, 28), date(2026, 4, 28)]


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    every = draw(st.sampled_from(Every))
    day = {Every.DAY: st.none(), Every.WEEK: st.integers(1, 7), Every.MONTH: st.integers(1, 28)}[every]
    return Schedule(every=every, day=draw(day), minute=draw(st.integers(0, 1439)))


@given(schedule=schedules(), after=st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)))  # noqa: DTZ001
def test_every_sound_schedule_is_due_later_once_a_day_at_most_and_never_skips_its_day(
    schedule: Schedule, after: datetime
) -> None:
    assert schedule_fault(schedule) is None
    begins = after.replace(tzinfo=UTC)
    first, second = dues(schedule, begins, 2)
    assert begins < first < second
    assert central_date(first) != central_date(second)
    longest = {Every.DAY: 1, Every.WEEK: 7, Every.MONTH: 31}[schedule.every]
    assert (central_date(second) - central_date(first)).days <= longest
    assert latest_due(schedule, first, second) == second
    assert latest_due(schedule, first, second - timedelta(microseconds=1)) == first


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(every=Every.DAY, day=1),
        Schedule(every=Every.WEEK),
        Schedule(every=Every.WEEK, day=0),
        Schedule(every=Every.WEEK, day=8),
        Schedule(every=Every.MONTH, day=29),
        Schedule(every=Every.DAY, minute=1440),
        Schedule(every=Every.DAY, minute=-1),
    ],
)
def test_a_schedule_that_never_is_or_not_always_is_refused(schedule: Schedule) -> None:
    assert schedule_fault(schedule)


@pytest.mark.parametrize(
    ("window", "report", "today", "days"),
    [
        (Window.YESTERDAY, Report.DAILY_USAGE, date(2026, 3, 9), (SPRING, SPRING)),
        (Window.YESTERDAY, Report.DAILY_USAGE, date(2026, 1, 1), (date(2025, 12, 31), date(2025, 12, 31))),
        (Window.LAST_7_DAYS, Report.DAILY_READS, date(2026, 3, 3), (date(2026, 2, 24), date(2026, 3, 2))),
        (Window.LAST_MONTH, Report.DAILY_USAGE, date(2026, 3, 31), (date(2026, 2, 1), date(2026, 2, 28))),
        (Window.LAST_MONTH, Report.DAILY_USAGE, date(2026, 1, 1), (date(2025, 12, 1), date(2025, 12, 31))),
        (Window.LAST_24_MONTHS, Report.MONTHLY_USAGE, date(2026, 7, 1), (date(2024, 7, 1), date(2026, 6, 30))),
    ],
)
def test_windows_are_told_from_the_day_of_the_run(
    window: Window, report: Report, today: date, days: tuple[date, date]
) -> None:
    assert days_of(window, report, today) == days
