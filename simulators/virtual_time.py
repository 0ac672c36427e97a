"""Virtual time: an event loop that never waits, whose clock jumps to the next timer.

Thirty days of sleeping meters pass in seconds, and the same seed gives the same order of events in every process.
Blocking work handed to an executor runs inline, so that nothing depends on threads. Real sockets do not fit in here.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


class Deadlock(RuntimeError):
    """Everything waits and no timer is set: real time would never end this."""


class JumpingSelector(selectors.SelectSelector):
    """A selector that turns every wait into a jump of virtual time."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; if nothing is, the timeout has passed already."""
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise Deadlock("every task waits and no timer is set")
        self.elapsed_s += max(0.0, timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time, which starts at 0 seconds."""

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the loop began."""
        return self._jumping.elapsed_s

    def run_in_executor(  # type: ignore[override]  # the base class returns a future of the same value
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run the work at once, in this thread."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # handed to whoever awaits the work
            future.set_exception(error)
        return future


class VirtualClock:
    """The clock of a virtual loop: gateway.clock.Clock that begins at a chosen instant."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start

    def now(self) -> datetime:
        """The virtual instant, aware and in UTC."""
        return self._start + timedelta(seconds=asyncio.get_running_loop().time())

    def monotonic(self) -> float:
        """Virtual seconds since the loop began."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(seconds)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a virtual loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
