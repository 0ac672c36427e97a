"""A meter's door: its window, who is let in and under which key, who may come back, and new network keys.

The decision is admission.decide's, as the co-processor's is; what differs is that no host is asked. Source: ZigBee
Smart Energy 07-5356, section 5.4 (keys, joining, rejoining); ZigBee specification 05-3474, section 4.6.3.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from gateway.clock import Clock
from gateway.errors import BadInput
from simulators.zigbee.admission import Association, Beacon, Decision, Policy, Transport, Update, decide
from simulators.zigbee.air.nwk import NetworkKey
from simulators.zigbee.cbke.credentials import keyed_mmo
from simulators.zigbee.ncp.memory import Memory, Network
from simulators.zigbee.nodes import Manners, Node
from simulators.zigbee.radio import Radio
from simulators.zigbee.services_interface.log import Log, What
from simulators.zigbee.services_interface.peers import ON_NETWORK, Peer, Standing

LONGEST_WINDOW_S = 254
_REJOINS = Policy.ALLOW_UNSECURED_REJOINS | Policy.JOINS_USE_INSTALL_CODE_KEY


class BadWindow(BadInput):
    """A window that ZigBee has no number for."""


class TrustCentre:
    """radio.Gate of a meter. It is closed until somebody opens it, and closes early once nobody is awaited.

    left is told of a device that said goodbye. key_switch_s lies between a new network key and its use.
    """

    def __init__(
        self,
        *,
        memory: Memory,
        peers: Mapping[int, Peer],
        radio: Radio,
        clock: Clock,
        log: Log,
        meter: Manners,
        left: Callable[[Peer], None],
        key_switch_s: float,
    ) -> None:
        self._memory, self._peers, self._radio, self._clock, self._log = memory, peers, radio, clock, log
        self._meter, self._left, self._key_switch_s = meter, left, key_switch_s
        self._open_until_s = -math.inf

    @property
    def network(self) -> Network:
        """The meter's own network."""
        assert self._memory.network is not None
        return self._memory.network

    # What nodes see

    @property
    def network_key(self) -> NetworkKey:
        """The key in use."""
        return self.network.key

    def beacon(self) -> Beacon | None:
        """What a scan finds; a meter without power sends none."""
        network = self.network
        if self._meter.silent:
            return None
        return Beacon(
            pan_id=network.pan_id,
            extended_pan_id=network.extended_pan_id,
            channel=network.channel,
            permits_joining=self.is_open,
        )

    def admit(self, node: Node, update: Update) -> Association | None:
        """A node asks for a place. Nobody answers a newcomer outside the window, or a secured rejoin of a stranger."""
        if self._meter.silent:
            return None
        peer = self._peers.get(node.eui64)
        if update is Update.SECURED_REJOIN:
            return self._rejoined(peer, node)
        if update is Update.UNSECURED_JOIN and not self.is_open:
            self._log.note(What.DENIED, node.eui64, words="the window is closed")
            return None
        transient, authorised = peer is not None and peer.awaited, peer is not None and peer.end.registered
        policy = _REJOINS | Policy.ALLOW_JOINS * self.is_open
        decision = decide(policy, update, transient=transient, authorised=authorised)
        nwk = self._address(node) if update is Update.UNSECURED_REJOIN else self._radio.vacant(node.eui64)
        if decision is not Decision.USE_PRECONFIGURED_KEY or peer is None:
            self._log.note(What.DENIED, node.eui64, words=_why(peer, update))
            return Association(nwk=nwk, transport=None)
        if update is Update.UNSECURED_JOIN:
            peer.enter(nwk)
            self._log.note(What.KEY_SENT, node.eui64, words="the network key, under the install code's key")
        else:
            peer.nwk = nwk
            self._log.note(What.REJOINED, node.eui64, words="without the network key, under its own link key")
        transport = Transport(network_key=self.network_key, centre=self._memory.eui64, key=peer.end.link_key)
        return Association(nwk=nwk, transport=transport)

    def left(self, node: Node) -> None:
        """A node said goodbye."""
        peer = self._peers.get(node.eui64)
        if peer is not None and peer.standing in ON_NETWORK:
            self._log.note(What.LEFT, node.eui64)
            peer.part(Standing.LEFT)
            self._left(peer)

    def _rejoined(self, peer: Peer | None, node: Node) -> Association | None:
        if node.network_key != self.network_key:
            return None
        if peer is None or peer.standing not in ON_NETWORK:
            self._log.note(What.DENIED, node.eui64, words="it has the network key, and is none of ours")
            return None
        peer.nwk = self._address(node)
        self._log.note(What.REJOINED, node.eui64, words="under the network key")
        return Association(nwk=peer.nwk, transport=None)

    def _address(self, node: Node) -> int:
        """The one that it had, if that is still its own."""
        return node.nwk if self._radio.at(node.nwk) in (None, node) else self._radio.vacant(node.eui64)

    # The window

    @property
    def is_open(self) -> bool:
        """Whether newcomers may ask."""
        return self._clock.monotonic() < self._open_until_s

    def open(self, seconds: int) -> float:
        """Open the window; returns the instant of the clock at which it closes by itself. Raises BadWindow."""
        if not 1 <= seconds <= LONGEST_WINDOW_S:
            raise BadWindow(f"a window is open for 1 to {LONGEST_WINDOW_S} seconds, not {seconds}")
        self._open_until_s = self._clock.monotonic() + seconds
        self._log.note(What.WINDOW_OPENED, words=f"for {seconds} s")
        return self._open_until_s

    def close(self, words: str) -> None:
        """Close the window, if it was opened."""
        if self._open_until_s > -math.inf:
            self._open_until_s = -math.inf
            self._log.note(What.WINDOW_CLOSED, words=words)

    def close_at(self, until_s: float) -> None:
        """The time of a window is over, unless it was opened anew meanwhile."""
        if self._open_until_s == until_s:
            self.close("its time is over")

    def heard_from(self, peer: Peer) -> None:
        """A device that was sent the network key has it; the window is of no use once nobody is awaited."""
        if not any(each.awaited for each in self._peers.values() if each is not peer):
            self.close("nobody is awaited any more")

    # Network keys

    async def renew(self, *, one_by_one: bool) -> None:
        """Another network key for everybody who is there; one by one under their link keys, or by a broadcast.

        Who must not have it is not among the peers, and gets it only by a broadcast.
        """
        network = self.network
        key = NetworkKey(key=keyed_mmo(network.network_key, b"next"), sequence=(network.network_key_sequence + 1) % 256)
        if one_by_one:
            for peer in self._peers.values():
                if peer.standing in ON_NETWORK:
                    self._radio.hand_out(key, to=peer.eui64, under=peer.end.link_key)
        else:
            self._radio.hand_out(key)
        await self._clock.sleep(self._key_switch_s)
        self._radio.switch(key.sequence)
        self._memory.network = replace(network, network_key=key.key, network_key_sequence=key.sequence)
        self._log.note(What.NETWORK_KEY_CHANGED, words=f"to number {key.sequence}")


def _why(peer: Peer | None, update: Update) -> str:
    """Why a device is not let in."""
    if update is Update.UNSECURED_REJOIN:
        return "it comes back without a key from key establishment"
    if peer is None or peer.standing in (Standing.EXPIRED, Standing.LEFT):
        return "no key waits for it"
    if peer.end.registered:
        return "it is registered, and asks as a newcomer: remove it and add it anew"
    return "the time of its key is over"
