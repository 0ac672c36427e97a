"""What a device does of itself, and how such a thing is written.

What a device is made of is a mapping of endpoints (nodes.Endpoint): a descriptor, and for each cluster an object that
answers for its server or its client. zcl.Cluster gives attributes; zcl.Commanded takes the cluster's own commands as
well, so that PublishPrice comes to the Price client. What a device does of itself is a Behaviour: told() hears of
joining, registration, rejoining and leaving, and live() runs while the device is registered; it is cancelled when the
device leaves or is lost, and runs anew when it is back. In live() everything goes through the uplink:
`await uplink.ask(0x0700, GET_CURRENT_PRICE, b"\\x01")` sends a command to the trust centre's endpoint and gives the
frame that answers it or raises Unanswered; tell() awaits nothing, read() reads attributes, and uplink.clock.sleep()
passes time. Messages on secured clusters are encrypted without being asked. The function that a device's kind has in
kinds.KINDS makes both halves, once the device is switched on for the first time.
"""

from enum import StrEnum
from typing import Protocol

from simulators.zigbee.uplink import Uplink


class Event(StrEnum):
    """What a behaviour is told of."""

    JOINED = "joined"
    REGISTERED = "registered"
    REJOINED = "rejoined"
    LEFT = "left"


class Behaviour(Protocol):
    """What a device does of itself."""

    def told(self, event: Event) -> None:
        """Something happened to the device."""
        ...

    async def live(self, uplink: Uplink) -> None:
        """What a registered device does; may end by itself."""
        ...


class Idle:
    """A device that only answers."""

    def told(self, event: Event) -> None:
        """It does not care."""

    async def live(self, uplink: Uplink) -> None:
        """It does nothing."""
