"""The co-processor's messages: what the host sends into the air, and what comes back."""

from dataclasses import replace

from gateway.clock import Clock
from simulators.zigbee import zdo
from simulators.zigbee.air.aps import Block
from simulators.zigbee.aps import BROADCASTS, COORDINATOR, ENCRYPTION, FRAGMENT, RETRY, ZDO, ApsMessage, LinkKey, room
from simulators.zigbee.ezsp import Fields, Status
from simulators.zigbee.ncp.addresses import Addresses
from simulators.zigbee.ncp.keys import Keys
from simulators.zigbee.ncp.memory import Memory
from simulators.zigbee.ncp.network import Emit, NetworkControl
from simulators.zigbee.ncp.settings import UNICASTS, ZDO_FLAGS, Answer, Settings
from simulators.zigbee.nodes import Node
from simulators.zigbee.octets import Malformed, Octets
from simulators.zigbee.radio import Radio

_DIRECT, _VIA_TABLE = 0, 1
_OUTGOING_MULTICAST, _OUTGOING_BROADCAST = 3, 6
_INCOMING_UNICAST, _INCOMING_BROADCAST = 0, 4
_NONE, _NO_NODE = 0xFF, 0xFFFF
_RX_BROADCAST, _TX_BROADCAST, _RX_UNICAST, _TX_SUCCESS, _TX_FAILED = 6, 7, 8, 9, 11
REPLAYED, UNDECRYPTED = 22, 26
"""Counters of frames whose frame counter had been before, and of frames that no key opened."""
_SHOWS_SUPPORTED = 0x01


class Messages:
    """Sends, delivers and remembers addresses. Its own endpoints answer the host over the loopback."""

    def __init__(
        self,
        *,
        memory: Memory,
        settings: Settings,
        network: NetworkControl,
        keys: Keys,
        addresses: Addresses,
        radio: Radio,
        clock: Clock,
        emit: Emit,
    ) -> None:
        self._memory, self._settings, self._network, self._keys = memory, settings, network, keys
        self._addresses, self._radio, self._clock, self._emit = addresses, radio, clock, emit
        self.reset()
        self.answers: dict[str, Answer] = {
            "addEndpoint": self._add_endpoint,
            "sendUnicast": self._send_unicast,
            "sendBroadcast": self._send_broadcast,
            "sendMulticast": self._send_multicast,
            "sendReply": self._send_reply,
        }

    def reset(self) -> None:
        """No endpoint and nothing under way survives a reset."""
        self._radio.silence()
        self._endpoints: dict[int, zdo.Descriptor] = {}
        self._in_flight = 0
        self._sequence = 0

    def heard(self, message: ApsMessage, node: Node) -> bool:
        """Take a message from a node; one that cannot be decrypted, or that has been before, is lost here.

        Blocks of a longer message go to the host as they are, and it is for the host to acknowledge them.
        """
        if not self._network.up or not self._opens(message, node):
            return False
        self._settings.count(_RX_BROADCAST if message.destination in BROADCASTS else _RX_UNICAST)
        self._addresses.heard(node.nwk, node.eui64)
        if self._is_for_host(message):
            self._incoming(message, node.eui64, node.lqi, node.rssi)
        if message.profile == ZDO:
            self._answer_over_the_air(message)
        return message.block is None

    def _opens(self, message: ApsMessage, node: Node) -> bool:
        if message.key is None:
            return True
        shared = self._keys.opening(node.eui64, message.key)
        if shared is None:
            self._settings.count(UNDECRYPTED)
        elif not shared.accepts(message.counter):
            self._settings.count(REPLAYED)
            return False
        return shared is not None

    def _is_for_host(self, message: ApsMessage) -> bool:
        """A host is not shown the questions that its stack answers, unless it wants to be."""
        if message.profile != ZDO or message.cluster not in zdo.SUPPORTED:
            return True
        return bool(self._settings.configuration[ZDO_FLAGS] & _SHOWS_SUPPORTED)

    def _answer_over_the_air(self, message: ApsMessage) -> None:
        if message.cluster not in zdo.SUPPORTED:
            return
        broadcast = message.destination in BROADCASTS
        answer = zdo.answer(self._identity, self._endpoints, message.cluster, message.payload, broadcast)
        if answer is not None:
            aps = {"profile": ZDO, "cluster": answer[0], "source_endpoint": 0, "destination_endpoint": 0, "options": 0}
            self._radio.unicast(self._outgoing(aps, message.source, answer[1]), lambda _: None, self._again)

    def _incoming(self, message: ApsMessage, eui64: int, lqi: int, rssi: int) -> None:
        self._emit(
            "incomingMessageHandler",
            {
                "type": _INCOMING_BROADCAST if message.destination in BROADCASTS else _INCOMING_UNICAST,
                "aps": {
                    "profile": message.profile,
                    "cluster": message.cluster,
                    "source_endpoint": message.source_endpoint,
                    "destination_endpoint": message.destination_endpoint,
                    "options": _options(message),
                    "group": 0 if message.block is None else _group(message.block),
                    "sequence": message.sequence,
                },
                "nwk": message.source,
                "eui64": eui64,
                "binding": _NONE,
                "address": _NONE,
                "lqi": lqi,
                "rssi": rssi,
                "timestamp": int(self._clock.monotonic() * 1000) & 0xFFFFFFFF,
                "message": message.payload,
            },
        )

    def _send_reply(self, fields: Fields) -> Fields:
        """A host acknowledges blocks by it: the first that it speaks of, and a bit for each that it has."""
        aps = fields["aps"]
        if not self._network.up:
            return {"status": Status.NOT_JOINED}
        if aps["options"] & FRAGMENT:
            self._radio.acknowledge(fields["destination"], aps["sequence"], aps["group"] & 0xFF, aps["group"] >> 8)
        return {"status": Status.OK}

    def _add_endpoint(self, fields: Fields) -> Fields:
        """Endpoints are declared before the network runs."""
        if self._settings.locked:
            return {"status": Status.INVALID_CALL}
        octets = Octets(fields["clusters"])
        try:
            clusters = [octets.unsigned(2) for _ in range(fields["inputs"] + fields["outputs"])]
        except Malformed:
            return {"status": Status.INVALID_VALUE}
        self._endpoints[fields["endpoint"]] = zdo.Descriptor(
            profile=fields["profile"],
            device=fields["device"],
            version=fields["version"],
            servers=tuple(clusters[: fields["inputs"]]),
            clients=tuple(clusters[fields["inputs"] :]),
        )
        return {"status": Status.OK}

    def _send_unicast(self, fields: Fields) -> Fields:
        aps, destination = fields["aps"], fields["destination"]
        if fields["type"] == _VIA_TABLE:
            destination = self._addresses.entry(destination)[1]
        encrypted = bool(aps["options"] & ENCRYPTION)
        key = self._key_for(destination) if encrypted else None
        status = self._refusal(fields, destination, encrypted, key)
        if status is not Status.OK:
            return {"status": status, "sequence": 0}
        message = self._outgoing(aps, destination, fields["message"], key)
        self._in_flight += 1
        if destination == COORDINATOR:
            self._sent(fields, message, True)
            self._loop_back(message)
        else:
            self._radio.unicast(message, lambda delivered: self._sent(fields, message, delivered), self._again)
        return {"status": Status.OK, "sequence": message.sequence}

    def _refusal(self, fields: Fields, destination: int, encrypted: bool, key: LinkKey | None) -> Status:
        """Why a unicast cannot be sent; OK if it can."""
        if not self._network.up:
            return Status.NOT_JOINED
        if fields["type"] not in (_DIRECT, _VIA_TABLE) or destination == _NO_NODE:
            return Status.INVALID_CALL
        if len(fields["message"]) > room(encrypted, in_blocks=bool(fields["aps"]["options"] & FRAGMENT)):
            return Status.MESSAGE_TOO_LONG
        if encrypted and key is None:
            return Status.KEY_NOT_AUTHORISED
        if self._in_flight >= self._settings.configuration[UNICASTS]:
            return Status.MESSAGE_LIMIT
        return Status.OK

    def _key_for(self, nwk: int) -> LinkKey | None:
        """Keys belong to EUI-64s: for an address whose node is not known there is none to find."""
        eui64 = self._addresses.eui64_of(nwk)
        return None if eui64 is None else self._keys.shared_with(eui64)

    def _outgoing(self, aps: Fields, destination: int, payload: bytes, key: LinkKey | None = None) -> ApsMessage:
        block = _block(aps["group"]) if aps["options"] & FRAGMENT else None
        if block is None or block.index == 0:
            self._sequence = (self._sequence + 1) % 256
        return ApsMessage(
            source=COORDINATOR,
            destination=destination,
            profile=aps["profile"],
            cluster=aps["cluster"],
            source_endpoint=aps["source_endpoint"],
            destination_endpoint=aps["destination_endpoint"],
            payload=payload,
            sequence=self._sequence if block is None or block.index == 0 else aps["sequence"],
            key=None if key is None else key.key,
            counter=0 if key is None else self._memory.next_aps_counter(),
            wants_ack=bool(aps["options"] & RETRY),
            block=block,
            nwk_counter=self._memory.next_nwk_counter(),
        )

    def _again(self, message: ApsMessage) -> ApsMessage:
        """A frame to be sent once more: it is encrypted anew, under the counters that are next."""
        counter = 0 if message.key is None else self._memory.next_aps_counter()
        return replace(message, counter=counter, nwk_counter=self._memory.next_nwk_counter())

    def _sent(self, fields: Fields, message: ApsMessage, delivered: bool) -> None:
        self._in_flight -= 1
        self._settings.count(_TX_SUCCESS if delivered else _TX_FAILED)
        self._emit(
            "messageSentHandler",
            {
                "status": Status.OK if delivered else Status.DELIVERY_FAILED,
                "type": fields["type"],
                "destination": fields["destination"],
                "aps": {**fields["aps"], "sequence": message.sequence},
                "tag": fields["tag"],
                "message": b"",
            },
        )

    @property
    def _identity(self) -> zdo.Identity:
        return zdo.Identity(
            eui64=self._memory.eui64,
            nwk=COORDINATOR,
            logical_type=0,
            manufacturer=self._settings.manufacturer,
        )

    def _loop_back(self, message: ApsMessage) -> None:
        """The coordinator answers the host's questions about itself."""
        if message.profile != ZDO:
            return
        answer = zdo.answer(self._identity, self._endpoints, message.cluster, message.payload)
        if answer is None:
            return
        cluster, payload = answer
        aps = {"profile": ZDO, "cluster": cluster, "source_endpoint": 0, "destination_endpoint": 0, "options": 0}
        self._incoming(self._outgoing(aps, COORDINATOR, payload), self._memory.eui64, 255, 0)

    def _send_broadcast(self, fields: Fields) -> Fields:
        return self._spread(fields, fields["destination"], _OUTGOING_BROADCAST)

    def _send_multicast(self, fields: Fields) -> Fields:
        """Groups are not joined here: a multicast is heard by nobody."""
        return self._spread(fields, _NO_NODE, _OUTGOING_MULTICAST)

    def _spread(self, fields: Fields, destination: int, kind: int) -> Fields:
        if not self._network.up or len(fields["message"]) > room(encrypted=False):
            status = Status.MESSAGE_TOO_LONG if self._network.up else Status.NOT_JOINED
            return {"status": status, "sequence": 0}
        message = self._outgoing(fields["aps"], destination, fields["message"])
        self._settings.count(_TX_BROADCAST)
        self._in_flight += 1
        self._sent({**fields, "type": kind, "destination": destination}, message, True)
        if kind == _OUTGOING_BROADCAST:
            self._radio.broadcast(message)
        return {"status": Status.OK, "sequence": message.sequence}


def _options(message: ApsMessage) -> int:
    is_block = message.block is not None
    return RETRY * message.wants_ack | 0x0100 | ENCRYPTION * (message.key is not None) | FRAGMENT * is_block


def _group(block: Block) -> int:
    """A block's place as the host is told it: its index, and with the first of them how many there are."""
    return block.of << 8 if block.index == 0 else block.index


def _block(group: int) -> Block:
    return Block(index=group & 0xFF, of=group >> 8 if group & 0xFF == 0 else 0)
