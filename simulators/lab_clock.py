"""The laboratory's own time: it begins when it is told to, and runs so many times as fast as the machine's."""

from datetime import datetime, timedelta

from gateway.clock import Clock
from gateway.errors import BadInput

FASTEST = 10_000.0


class BadSpeed(BadInput):
    """A speed at which no clock runs."""


class LabClock:
    """gateway.clock.Clock over another: start None begins now; speed 60 lets an hour pass in a minute."""

    def __init__(self, base: Clock, start: datetime | None = None, speed: float = 1.0) -> None:
        if not 0 < speed <= FASTEST:
            raise BadSpeed(f"a speed is above 0 and at most {FASTEST:.0f}, not {speed:g}")
        self._base, self._speed = base, speed
        self._began_s = base.monotonic()
        self._start = base.now() if start is None else start

    def now(self) -> datetime:
        """The simulated instant, aware and in UTC."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Simulated seconds since the clock was made."""
        return (self._base.monotonic() - self._began_s) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Let simulated time pass."""
        await self._base.sleep(seconds / self._speed)
