"""Time as an argument: the only module that reads the clock, and the market's time zone."""

import asyncio
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from typing import Protocol
from zoneinfo import ZoneInfo

CENTRAL = ZoneInfo("America/Chicago")
"""The zone of the Texas retail market: its days have 92, 96 or 100 intervals."""


class Clock(Protocol):
    """What time it is; a virtual clock for laboratories, the system's otherwise."""

    def now(self) -> datetime:
        """The instant, aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards, for measuring spans."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for a span of this clock's time."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The instant, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the running event loop."""
        await asyncio.sleep(seconds)


def central_date(instant: datetime) -> date:
    """The Chicago calendar date on which an instant falls."""
    return instant.astimezone(CENTRAL).date()


def central_midnight(day: date) -> datetime:
    """The instant, in UTC, at which a Chicago calendar day begins."""
    return datetime.combine(day, wall_time(), CENTRAL).astimezone(UTC)


def next_central_midnight(instant: datetime) -> datetime:
    """The instant, in UTC, at which the Chicago day after this one begins."""
    return central_midnight(central_date(instant) + timedelta(days=1))


def intervals_in(day: date) -> int:
    """How many quarter hours a Chicago day has: 92, 96 or 100."""
    span = central_midnight(day + timedelta(days=1)) - central_midnight(day)
    return int(span.total_seconds()) // 900
