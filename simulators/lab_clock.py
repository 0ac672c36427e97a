"""The laboratory's own time: it begins when it is told to, and runs so many times as fast as the machine's."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from gateway.clock import Clock
from gateway.errors import BadInput
from simulators.load_shape import FIRST_DAY

FASTEST = 10_000.0
Start = Annotated[str | None, typer.Option(help="Simulated instant at the start, like 2026-11-01T05:00Z.")]
Speed = Annotated[float, typer.Option(help="How many times faster simulated time runs.")]


class BadStart(BadInput):
    """Text that is no instant, or one before the first day of every load."""


def instant_told(text: str | None) -> datetime | None:
    """The instant that a person named, with its offset; None for none. Raises BadStart."""
    if text is None:
        return None
    with contextlib.suppress(ValueError, OverflowError):
        instant = datetime.fromisoformat(text).astimezone(UTC) if _has_offset(text) else None
        if instant is not None and instant.date() > FIRST_DAY:
            return instant
    raise BadStart(f"{text[:40]!r} is no instant with its offset after {FIRST_DAY}, such as 2026-11-01T05:00Z")


def _has_offset(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None


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
