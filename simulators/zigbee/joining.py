"""How a device gets onto a network: it looks for one that is open, asks to be let in, and reads what it is sent."""

from dataclasses import dataclass

from gateway.clock import Clock
from simulators.zigbee.admission import Transport, Update
from simulators.zigbee.nodes import Node
from simulators.zigbee.radio import Radio
from simulators.zigbee.timing import Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """The address that a device has on the network now, and the trust centre's EUI-64, 0 if it was not told."""

    nwk: int
    centre: int = 0


class Joining:
    """The tries of one device. attempts counts how often it asked to be let in, failure says why that did not help.

    takes_plain_key says that it believes a network key that anybody could have sent.
    """

    def __init__(self, node: Node, radio: Radio, clock: Clock, timing: Timing, *, takes_plain_key: bool) -> None:
        self._node, self._radio, self._clock, self._timing = node, radio, clock, timing
        self._takes_plain_key = takes_plain_key
        self.attempts, self.failure = 0, ""

    async def join(self) -> Entered | None:
        """Look for an open network and ask to be let in, a few times; None if it was all in vain."""
        until_s = self._clock.monotonic() + self._timing.search_s
        for _ in range(self._timing.attempts):
            if not await self._found(until_s, open_to_all=True):
                self.failure = "no open network"
                return None
            self.attempts += 1
            place = await self._radio.associate(self._node, Update.UNSECURED_JOIN)
            if place is not None and self._takes(place.transport):
                return self._entered(place.nwk, place.transport)
            await self._clock.sleep(self._timing.authentication_s + self._timing.retry_s)
        return None

    async def come_back(self) -> Entered | None:
        """Rejoin with the network key, or as one that the trust centre knows by its link key; None if in vain."""
        until_s = self._clock.monotonic() + self._timing.lost_s
        for attempt in range(self._timing.attempts):
            if attempt:
                await self._clock.sleep(self._timing.retry_s)
            if not await self._found(until_s, open_to_all=False):
                self.failure = "no network"
                return None
            self.attempts += 1
            place = await self._radio.associate(self._node, Update.SECURED_REJOIN)
            if place is not None:
                self._node.next_counter = 0
                return self._entered(place.nwk, None)
            place = await self._radio.associate(self._node, Update.UNSECURED_REJOIN)
            if place is not None and self._takes(place.transport):
                return self._entered(place.nwk, place.transport)
        return None

    def _entered(self, nwk: int, transport: Transport | None) -> Entered:
        self.failure = ""
        return Entered(nwk=nwk, centre=0 if transport is None else transport.centre)

    async def _found(self, until_s: float, *, open_to_all: bool) -> bool:
        """Scan for the network until an instant, for it at all or for its window."""
        while True:
            beacon = await self._radio.beacon()
            if beacon is not None and (beacon.permits_joining or not open_to_all):
                return True
            if self._clock.monotonic() + self._timing.scan_every_s > until_s:
                return False
            await self._clock.sleep(self._timing.scan_every_s)

    def _takes(self, transport: Transport | None) -> bool:
        """Whether the network key came in a form that the device can read, and may believe."""
        if transport is None:
            self.failure = "no network key came"
            return False
        if transport.key != self._node.link_key and not (transport.key is None and self._takes_plain_key):
            self.failure = "the network key came under another key"
            return False
        self._node.give_network_key(transport.network_key)
        return True
