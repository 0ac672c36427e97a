"""A clock that stands still until it is moved: a small real Clock for tests."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count


class HandClock:
    """Time moves when a test says so; whoever sleeps wakes in the order of waking times."""

    def __init__(self, start: datetime = datetime(2026, 7, 1, 15, 0, tzinfo=UTC)) -> None:
        self._start = start
        self._now = start
        self._order = count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The instant at which the clock stands."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return (self._now - self._start).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been moved that far."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), future))
        await future

    def set(self, at: datetime) -> None:
        """Move to an instant at once; whoever should have woken by then wakes on the next turn of the loop."""
        self._now = at
        self._wake()

    async def advance(self, seconds: float) -> None:
        """Move on, stopping at every waking time on the way, and let what woke run for a few turns of the loop."""
        end = self._now + timedelta(seconds=seconds)
        await turns()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._now = max(self._now, self._sleepers[0][0])
            self._wake()
            await turns()
        self._now = end
        await turns()

    def _wake(self) -> None:
        while self._sleepers and self._sleepers[0][0] <= self._now:
            future = heapq.heappop(self._sleepers)[2]
            if not future.done():
                future.set_result(None)


async def turns(number: int = 20) -> None:
    """Let the event loop turn a number of times, so that what is ready runs."""
    for _ in range(number):
        await asyncio.sleep(0)
