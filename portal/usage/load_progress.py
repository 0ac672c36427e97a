"""How far a load has come: a bar on a terminal, elsewhere a plain line now and then, both with rate and time left."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from gateway.clock import Clock
from portal.usage.containers import Told

EVERY_S = 10.0
MEGABYTE = 1_000_000


@contextmanager
def progress(label: str, size: int, clock: Clock) -> Iterator[Told]:
    """Shows a load of so many bytes on standard error. Yields what to call with the bytes of each piece."""
    if not sys.stderr.isatty():
        yield PlainProgress(label, size, clock, _say).told
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=size)
        yield lambda count: bar.advance(task, count)


class PlainProgress:
    """A line every few seconds, none for a load that is over before."""

    def __init__(self, label: str, size: int, clock: Clock, say: Callable[[str], None]) -> None:
        self._label, self._size, self._clock, self._say = label, size, clock, say
        self._began = self._said = clock.monotonic()
        self._done = 0

    def told(self, count: int) -> None:
        """So many bytes more were read."""
        self._done = min(self._done + count, self._size)
        now = self._clock.monotonic()
        if now - self._said < EVERY_S or not self._done:
            return
        self._said = now
        rate = self._done / (now - self._began)
        left = f"{(self._size - self._done) / rate:.0f} s left"
        share = f"{self._done / self._size:.0%} of {self._size / MEGABYTE:,.1f} MB"
        self._say(f"{self._label}: {share}, {rate / MEGABYTE:.1f} MB/s, {left}")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
