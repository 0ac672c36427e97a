"""A serial line's speed: bytes that arrive no faster than a rate of bits allows, in order."""

import asyncio
from collections import deque
from collections.abc import Callable

from gateway.clock import Clock

_BITS = 10
"""A byte on a serial line, with its start and its stop bit."""


class Pace:
    """One direction of a line. Whatever is put in is handed on once its bits have passed, at the rate baud."""

    def __init__(self, clock: Clock, baud: int | None, deliver: Callable[[bytes], None]) -> None:
        self._clock, self._baud, self._deliver = clock, baud, deliver
        self._waiting: deque[bytes] = deque()
        self._task: asyncio.Task[None] | None = None
        self.pending = 0

    def put(self, data: bytes) -> None:
        """Bytes for the other end."""
        if self._baud is None:
            self._deliver(data)
            return
        self._waiting.append(data)
        self.pending += len(data)
        if self._task is None:
            self._task = asyncio.create_task(self._pass(self._baud))

    def stop(self) -> None:
        """What has not passed is lost."""
        self._waiting.clear()
        self.pending = 0
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _pass(self, baud: int) -> None:
        while self._waiting:
            data = self._waiting.popleft()
            await self._clock.sleep(len(data) * _BITS / baud)
            self.pending -= len(data)
            self._deliver(data)
        self._task = None
