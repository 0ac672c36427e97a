"""Slowing down whoever guesses passwords, by address, before the guesses lock somebody's account."""

from collections import deque

from gateway.clock import Clock

MOST_ADDRESSES = 10_000


class Throttle:
    """Counts misses per address over a sliding minute, in this process."""

    def __init__(self, clock: Clock, *, most: int = 20, per_s: float = 60.0) -> None:
        self._clock = clock
        self._most = most
        self._per_s = per_s
        self._misses: dict[str, deque[float]] = {}

    def retry_in_s(self, address: str) -> float:
        """How long an address must wait before it may try again; 0 if it may now."""
        misses = self._recent(address)
        return misses[0] + self._per_s - self._clock.monotonic() if len(misses) >= self._most else 0.0

    def miss(self, address: str) -> None:
        """An address guessed wrong."""
        misses = self._recent(address)
        misses.append(self._clock.monotonic())
        self._misses[address] = misses
        while len(self._misses) > MOST_ADDRESSES:
            self._misses.pop(next(iter(self._misses)))

    def take_back(self, address: str) -> None:
        """The last miss of an address was none after all."""
        misses = self._recent(address)
        if misses:
            misses.pop()

    def _recent(self, address: str) -> deque[float]:
        misses = self._misses.get(address, deque(maxlen=self._most))
        while misses and misses[0] <= self._clock.monotonic() - self._per_s:
            misses.popleft()
        if not misses:
            self._misses.pop(address, None)
        return misses
