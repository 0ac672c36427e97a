"""The co-processor as trust centre and coordinator: the joining window, admissions, rejoins, removals, new keys.

Source: Silicon Labs UG100, chapters 8 (networking), 11 (security) and 12 (trust centre).
"""

import math
from dataclasses import replace

from gateway.clock import Clock
from simulators.zigbee.admission import Association, Beacon, Decision, Transport, Update, decide
from simulators.zigbee.air.nwk import NetworkKey
from simulators.zigbee.aps import COORDINATOR
from simulators.zigbee.cbke.credentials import keyed_mmo
from simulators.zigbee.ezsp import Fields, Status
from simulators.zigbee.ncp.keys import Keys
from simulators.zigbee.ncp.memory import HASHED_LINK_KEY, Memory
from simulators.zigbee.ncp.network import Emit, NetworkControl
from simulators.zigbee.ncp.settings import CHILDREN, TRUST_CENTRE_POLICY, Answer, Settings
from simulators.zigbee.nodes import Node
from simulators.zigbee.radio import Radio
from simulators.zigbee.zdo import END_DEVICE

_FOR_EVER = 0xFF
_SLEEPY_END_DEVICE = 4
_LAST_INDEX = 0xFF
_JOIN_INDICATION, _CHILD_REMOVED = 16, 17
_NO_CHILD = {"eui64": 0, "type": 0, "nwk": 0xFFFF, "phy": 0, "power": 0, "timeout": 0, "remaining": 0}


class TrustCentre:
    """The door of the network. It is closed after every reset; key_switch_s must lie between a new key and its use."""

    def __init__(
        self,
        *,
        memory: Memory,
        settings: Settings,
        network: NetworkControl,
        keys: Keys,
        radio: Radio,
        clock: Clock,
        emit: Emit,
        key_switch_s: float = 0.0,
    ) -> None:
        self._memory, self._settings, self._network, self._keys = memory, settings, network, keys
        self._radio, self._clock, self._emit, self._key_switch_s = radio, clock, emit, key_switch_s
        self.reset()
        self.answers: dict[str, Answer] = {
            "permitJoining": self._permit,
            "getChildData": self._child,
            "setChildData": lambda _: {"status": Status.OK},
            "removeDevice": self._remove,
            "broadcastNextNetworkKey": self._hand_out,
            "broadcastNetworkKeySwitch": self._switch,
            "unicastNwkKeyUpdate": self._hand_to_one,
        }

    def reset(self) -> None:
        """The window is closed."""
        self._open_until_s = -math.inf
        self._handed_out_s = -math.inf
        self._children: dict[int, Node] = {}

    # What nodes see

    @property
    def network_key(self) -> NetworkKey | None:
        """The key in use, None while the network is down."""
        network = self._network.running
        return None if network is None else network.key

    @property
    def permits_joining(self) -> bool:
        """Whether the window is open."""
        return self._network.up and self._clock.monotonic() < self._open_until_s

    def beacon(self) -> Beacon | None:
        """What a scan finds."""
        network = self._network.running
        if network is None:
            return None
        return Beacon(
            pan_id=network.pan_id,
            extended_pan_id=network.extended_pan_id,
            channel=network.channel,
            permits_joining=self.permits_joining,
        )

    def admit(self, node: Node, update: Update) -> Association | None:
        """A node asks for a place: nobody answers a newcomer outside the window, or a rejoin under another key."""
        key = self.network_key
        if key is None:
            return None
        if update is Update.SECURED_REJOIN and node.network_key != key:
            return None
        if update is Update.UNSECURED_JOIN and not (self.permits_joining and self._has_room(node)):
            return None
        taken = update is Update.UNSECURED_JOIN or self._radio.at(node.nwk) not in (None, node)
        nwk = self._radio.vacant(node.eui64) if taken else node.nwk
        decision = decide(
            self._settings.policies.get(TRUST_CENTRE_POLICY, 0),
            update,
            transient=self._keys.is_awaited(node.eui64),
            authorised=self._keys.authorised(node.eui64) is not None,
        )
        self._settings.count(_JOIN_INDICATION)
        self._note_child(node, nwk)
        self._tell(nwk, node.eui64, update, decision)
        transport = None if update is Update.SECURED_REJOIN else self._transport(node, key, decision)
        if decision is Decision.DENY_JOIN:
            self._children.pop(node.eui64, None)
        return Association(nwk=nwk, transport=transport)

    def left(self, node: Node) -> None:
        """A node said goodbye."""
        if self._children.pop(node.eui64, None) is not None:
            self._settings.count(_CHILD_REMOVED)
        self._tell(node.nwk, node.eui64, Update.DEVICE_LEFT, Decision.NO_ACTION)

    def _transport(self, node: Node, key: NetworkKey, decision: Decision) -> Transport | None:
        """The network key for a device; without a key to seal it under it is not sent at all."""
        if decision is Decision.SEND_KEY_IN_THE_CLEAR:
            return Transport(network_key=key, centre=self._memory.eui64, key=None)
        if decision is not Decision.USE_PRECONFIGURED_KEY:
            return None
        seal = self._keys.for_joining(node.eui64) or self._global_key()
        return None if seal is None else Transport(network_key=key, centre=self._memory.eui64, key=seal)

    def _global_key(self) -> bytes | None:
        """The one link key of networks whose trust centre does not make a key of its own for each device."""
        network = self._network.running
        assert network is not None
        return None if network.security & HASHED_LINK_KEY == HASHED_LINK_KEY else network.link_key

    def _tell(self, nwk: int, eui64: int, update: Update, decision: Decision) -> None:
        fields = {"nwk": nwk, "eui64": eui64, "status": update, "decision": decision, "parent": COORDINATOR}
        self._emit("trustCenterJoinHandler", fields)

    # Children

    def _has_room(self, node: Node) -> bool:
        """End devices live off the coordinator's child table; routers need no place in it."""
        taken = len(self._children) - (node.eui64 in self._children)
        return node.identity.logical_type != END_DEVICE or taken < self._settings.configuration[CHILDREN]

    def _note_child(self, node: Node, nwk: int) -> None:
        if node.identity.logical_type != END_DEVICE or node.eui64 in self._children:
            return
        self._children[node.eui64] = node
        index = min(len(self._children) - 1, _LAST_INDEX)
        fields = {"index": index, "joining": True, "nwk": nwk, "eui64": node.eui64, "type": _SLEEPY_END_DEVICE}
        self._emit("childJoinHandler", fields)

    def _child(self, fields: Fields) -> Fields:
        children = list(self._children.values())
        if fields["index"] >= len(children):
            return {"status": Status.NOT_JOINED, "child": _NO_CHILD}
        node = children[fields["index"]]
        child = {**_NO_CHILD, "eui64": node.eui64, "nwk": node.nwk, "type": _SLEEPY_END_DEVICE}
        return {"status": Status.OK, "child": child}

    # What the host asks for

    def _permit(self, fields: Fields) -> Fields:
        """Open the window for seconds (255: until it is closed), or close it with 0."""
        if not self._network.up:
            return {"status": Status.NOT_JOINED}
        was_open, duration_s = self.permits_joining, fields["duration_s"]
        span_s = math.inf if duration_s == _FOR_EVER else duration_s
        self._open_until_s = self._clock.monotonic() + span_s
        if duration_s:
            self._emit("stackStatusHandler", {"status": Status.NETWORK_OPENED})
        elif was_open:
            self._emit("stackStatusHandler", {"status": Status.NETWORK_CLOSED})
        if 0 < span_s < math.inf:
            until_s = self._open_until_s
            self._radio.later(span_s, lambda: self._close(until_s))
        return {"status": Status.OK}

    def _close(self, until_s: float) -> None:
        """The window's time is over, unless it was opened anew or closed before."""
        if self._open_until_s == until_s and not self.permits_joining:
            self._open_until_s = -math.inf
            self._emit("stackStatusHandler", {"status": Status.NETWORK_CLOSED})

    def _remove(self, fields: Fields) -> Fields:
        """Tell a device to leave, under its link key: it heeds nobody who has not that."""
        key = self._keys.shared_with(fields["target"])
        if not self._network.up:
            return {"status": Status.NOT_JOINED}
        self._radio.expel(fields["target"], None if key is None else key.key)
        return {"status": Status.OK}

    def _hand_out(self, fields: Fields) -> Fields:
        """Send everybody the key that will be next; of a key of zeros the stack makes one itself."""
        network = self._network.running
        if network is None:
            return {"status": Status.NOT_JOINED}
        key = fields["key"] if any(fields["key"]) else keyed_mmo(network.network_key, b"next")
        changed = replace(network, next_network_key=key)
        self._network.change(changed)
        self._handed_out_s = self._clock.monotonic()
        assert changed.next_key is not None
        self._radio.hand_out(changed.next_key)
        return {"status": Status.OK}

    def _hand_to_one(self, fields: Fields) -> Fields:
        """Send one device a key to be used next, under its link key."""
        network, key = self._network.running, self._keys.shared_with(fields["eui64"])
        if network is None or key is None:
            return {"status": Status.NOT_JOINED if network is None else Status.KEY_NOT_AUTHORISED}
        sequence = (network.network_key_sequence + 1) % 256
        self._radio.hand_out(NetworkKey(key=fields["key"], sequence=sequence), to=fields["eui64"], under=key.key)
        return {"status": Status.OK}

    def _switch(self, fields: Fields) -> Fields:
        """Tell everybody to use the next key, and do so."""
        network = self._network.running
        if network is None or network.next_key is None:
            return {"status": Status.NOT_JOINED if network is None else Status.INVALID_CALL}
        if self._clock.monotonic() < self._handed_out_s + self._key_switch_s:
            return {"status": Status.TOO_SOON_TO_SWITCH}
        key = network.next_key
        self._radio.switch(key.sequence)
        self._network.change(
            replace(network, network_key=key.key, network_key_sequence=key.sequence, next_network_key=None)
        )
        self._emit("switchNetworkKeyHandler", {"sequence": key.sequence})
        return {"status": Status.OK}
