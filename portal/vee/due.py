"""Which days the watch goes over: not all of them every time (pure)."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta

from gateway.clock import central_date
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

    A day is due that was never gone over, or of which a gap's deadline has passed; a recent one also after
    full_every_h, for registers and meters that became known since touch no file.
    """
    recent = central_date(now) - timedelta(days=policy.full_days)
    certain: list[date] = []
    perhaps: list[date] = []
    for day in days:
        ran = runs.get(day)
        old = ran is not None and day >= recent and ran[0] <= now - timedelta(hours=policy.full_every_h)
        if ran is None or old or day in overdue:
            certain.append(day)
        else:
            perhaps.append(day)
    return certain, perhaps
