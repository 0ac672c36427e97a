"""A device's front: what a person in the room sees of it, and the buttons that they may press."""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from gateway.errors import BadInput
from simulators.zigbee.uplink import Unanswered, Uplink
from simulators.zigbee.zcl import Value

MOST_ERRANDS = 64


class NoSuchButton(BadInput):
    """The device has no button of that name, or nothing to press it for."""


@runtime_checkable
class Panel(Protocol):
    """What the laboratory can look at and press, beside the network."""

    def shows(self, now: datetime) -> dict[str, Any]:
        """What the device shows, as plain values."""
        ...

    def press(self, button: str, event: int | None, now: datetime) -> None:
        """Press a button, for an event where it needs one. Raises NoSuchButton."""
        ...


@runtime_checkable
class Pictured(Protocol):
    """A device with a face."""

    def picture(self, now: datetime) -> str:
        """The face as SVG."""
        ...


class Errands:
    """What a device has to say, in order; beyond a limit the newest is not said, as on a chip without memory."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, int, bytes]] = deque()
        self._woken = asyncio.Event()
        self.lost = 0

    def add(self, cluster: int, command: int, body: bytes = b"") -> None:
        """Have a command said to the trust centre."""
        if len(self._waiting) >= MOST_ERRANDS:
            self.lost += 1
        else:
            self._waiting.append((cluster, command, body))
        self._woken.set()

    def wake(self) -> None:
        """Have whoever says them look again at the time."""
        self._woken.set()

    async def say(self, uplink: Uplink) -> None:
        """Say what waits; what is not delivered is not said again."""
        while self._waiting:
            cluster, command, body = self._waiting.popleft()
            try:
                await uplink.tell(cluster, command, body)
            except Unanswered:
                self.lost += 1

    async def rest(self, uplink: Uplink, seconds: float) -> None:
        """Until there is something to say, or so many seconds have passed."""
        pause = asyncio.ensure_future(uplink.clock.sleep(seconds))
        woken = asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait((pause, woken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
            woken.cancel()
            await asyncio.gather(pause, woken, return_exceptions=True)
        self._woken.clear()


class Client:
    """One side of a cluster with a few attributes; reading changes nothing."""

    values: dict[int, Value]

    def attributes(self) -> Sequence[int]:
        """The ids of the attributes."""
        return sorted(self.values)

    def attribute(self, attribute: int) -> Value | None:
        """An attribute's value."""
        return self.values.get(attribute)

    def reading(self, attributes: Sequence[int]) -> bytes | None:
        """Nothing happens when it is read."""
        return None
