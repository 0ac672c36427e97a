"""The devices that a meter knows: those that it awaits by their keys, those that joined, those that are registered.

The meter's end towards a device is a node of its own (nodes.Node): under that device's link key, with the descriptors
and the insistence on security of every node. All ends share the coordinator's addresses.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum

from gateway.clock import Clock
from simulators.zigbee.aps import ZDO, ApsMessage
from simulators.zigbee.key_establishment import KeyEstablishment
from simulators.zigbee.nodes import Node

KEY_S = 300.0
"""How long the key of an awaited device waits (EmberZNet's default)."""
REPEATED_S = 5.0
"""For how long the same plain frame again counts as one (Smart Energy stacks keep duplicates apart so long)."""

Tell = Callable[["Peer", int, int, bytes, bool, int | None], Awaitable[bool]]


class Standing(StrEnum):
    """Where a device stands with the meter."""

    AWAITED = "awaited"
    KEY_SENT = "key_sent"
    JOINED = "joined"
    REGISTERED = "registered"
    LEAVING = "leaving"
    LEFT = "left"
    EXPIRED = "expired"


GONE = frozenset((Standing.LEFT, Standing.EXPIRED))
ON_NETWORK = frozenset((Standing.KEY_SENT, Standing.JOINED, Standing.REGISTERED, Standing.LEAVING))
"""Who may be heard: it was sent the network key."""


class Peer:
    """One device. end is the meter's end towards it; code_key follows from its install code and holds until until_s.

    spoken_on has, by cluster, the device's endpoint and ours over which it last spoke. clients are the endpoints of
    the device that are clients of a cluster, None before they were asked for; device is its device id. keys is the
    meter's side of key establishment with it, and centre its EUI-64, as that names a partner. more are the commands
    that follow the answer to its last message.
    """

    def __init__(self, eui64: int, code_key: bytes, until_s: float, end: Node, clock: Clock, tell: Tell) -> None:
        self.eui64 = self.centre = eui64
        self.code_key, self.until_s, self.end, self.clock = code_key, until_s, end, clock
        self.standing = Standing.AWAITED
        self.nwk = 0xFFFE
        self.device: int | None = None
        self.spoken_on: dict[int, tuple[int, int]] = {}
        self.clients: dict[int, int] | None = None
        self.keys: KeyEstablishment | None = None
        self.turn = asyncio.Lock()
        self.more: list[tuple[int, int, bytes, int]] = []
        self._say = tell
        self._asked: dict[tuple[int, int], asyncio.Future[bytes | None]] = {}
        self._last: tuple[int, int, bytes] | None = None
        self._last_s = 0.0
        end.ears = self

    @property
    def awaited(self) -> bool:
        """Whether its key waits for it to join."""
        waits = self.standing in (Standing.AWAITED, Standing.KEY_SENT)
        return waits and self.clock.monotonic() < self.until_s

    def repeats(self, message: ApsMessage) -> bool:
        """Whether a plain message is the last one again, as on an air that doubles frames."""
        now_s, seen = self.clock.monotonic(), (message.sequence, message.cluster, message.payload)
        again = message.key is None and seen == self._last and now_s < self._last_s + REPEATED_S
        if message.key is None:
            self._last, self._last_s = seen, now_s
        return again

    def enter(self, nwk: int) -> None:
        """It was let in as a newcomer, under its install code's key."""
        self.nwk, self.standing = nwk, Standing.KEY_SENT
        self.end.link_key, self.end.registered = self.code_key, False

    def agree(self, key: bytes) -> None:
        """A key was established, as far as our side goes; it may be used at once."""
        self.end.link_key, self.end.registered = key, True

    def part(self, standing: Standing) -> None:
        """It has nothing more to do with the network; whoever awaits an answer of it gets none."""
        self.standing = standing
        self.end.link_key, self.end.registered = None, False
        for awaited in self._asked.values():
            if not awaited.done():
                awaited.set_result(None)

    async def tell(
        self, cluster: int, command: int, body: bytes = b"", *, from_server: bool = False, tsn: int | None = None
    ) -> bool:
        """Say a command to it, as key establishment does; whether it was delivered."""
        return await self._say(self, cluster, command, body, from_server, tsn)

    def asked(self, cluster: int, tsn: int) -> asyncio.Future[bytes | None]:
        """Where the answer to a ZDO request will be: its payload, None if the device leaves before."""
        awaited: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._asked[cluster, tsn] = awaited
        awaited.add_done_callback(lambda _: self._asked.pop((cluster, tsn), None))
        return awaited

    # nodes.Ears

    def hear(self, message: ApsMessage) -> None:
        """Something that may answer a request."""
        awaited = self._asked.get((message.cluster, message.payload[0])) if message.payload else None
        if message.profile == ZDO and awaited is not None and not awaited.done():
            awaited.set_result(message.payload)

    def gone(self, *, comes_back: bool) -> None:
        """A coordinator does not leave."""
