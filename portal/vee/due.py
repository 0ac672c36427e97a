"""Which days the watch goes over: not all of them every time (pure)."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta

from portal.vee.settings import VeeSettings

Seen = Mapping[date, tuple[datetime, int]]
"""When each day was gone over last, and the newest source file that was seen then."""


def look_back(today: date, policy: VeeSettings) -> list[date]:
    """The days that a run without dates goes over, yesterday first."""
    return [today - timedelta(days=ago) for ago in range(1, policy.lookback_days + 1)]


def days_due(
    days: Collection[date], runs: Seen, overdue: Collection[date], now: datetime, policy: VeeSettings
) -> tuple[list[date], list[date]]:
    """Those that are due for certain, and those that are if a newer file touched them.

    A day is due that was never gone over, or not for full_every_h, or of which a gap's deadline has passed.
    """
    certain: list[date] = []
    perhaps: list[date] = []
    for day in days:
        ran = runs.get(day)
        if ran is None or ran[0] <= now - timedelta(hours=policy.full_every_h) or day in overdue:
            certain.append(day)
        else:
            perhaps.append(day)
    return certain, perhaps
