"""Keep a connection alive: run it, and after it is lost run it again with growing pauses."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.errors import Fault

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses between attempts in seconds: the first, doubled up to the last; a life of steady_s starts over."""

    first_s: float = 0.2
    last_s: float = 15.0
    steady_s: float = 30.0


async def keep(
    name: str,
    life: Callable[[], Awaitable[None]],
    clock: Clock,
    backoff: Backoff,
    told: Callable[[str], None] | None = None,
) -> None:
    """Run one life of a link after another until cancelled; told is given the trouble of each loss in words.

    It speaks in the log once when the link goes bad, not at every attempt.
    """
    pause_s, quiet = backoff.first_s, False
    while True:
        started = clock.monotonic()
        try:
            await life()
            trouble = "the connection ended"
        except (Fault, OSError) as fault:
            trouble = f"{type(fault).__name__}: {fault}"
        if clock.monotonic() - started >= backoff.steady_s:
            pause_s, quiet = backoff.first_s, False
        if told:
            told(trouble)
        log.log(logging.DEBUG if quiet else logging.WARNING, "%s is down and will be tried again: %s", name, trouble)
        quiet = True
        await clock.sleep(pause_s)
        pause_s = min(pause_s * 2, backoff.last_s)
