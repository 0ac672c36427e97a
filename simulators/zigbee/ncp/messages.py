"""The co-processor's messages: what the host sends into the air, and what comes back."""

from gateway.clock import Clock
from simulators.zigbee import zdo
from simulators.zigbee.aps import COORDINATOR, ENCRYPTION, RETRY, ZDO, ApsMessage, room
from simulators.zigbee.ezsp import Fields, Status
from simulators.zigbee.ncp.keys import Keys
from simulators.zigbee.ncp.memory import Memory
from simulators.zigbee.ncp.network import Emit, NetworkControl
from simulators.zigbee.ncp.settings import ADDRESS_TABLE_SIZE, UNICASTS, Answer, Settings
from simulators.zigbee.nodes import Node
from simulators.zigbee.octets import Malformed, Octets
from simulators.zigbee.radio import Radio

_DIRECT, _VIA_TABLE = 0, 1
_OUTGOING_MULTICAST, _OUTGOING_BROADCAST = 3, 6
_INCOMING_UNICAST = 0
_NONE, _NO_NODE, _NO_EUI64 = 0xFF, 0xFFFF, 0xFFFFFFFFFFFFFFFF
_MOST_RECENT = 32
"""Nodes whose two addresses the stack still knows after it heard them."""
_RX_BROADCAST, _TX_BROADCAST, _RX_UNICAST, _TX_SUCCESS, _TX_FAILED = 6, 7, 8, 9, 11


class Messages:
    """Sends, delivers and remembers addresses. Its own endpoints answer the host over the loopback."""

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
    ) -> None:
        self._memory, self._settings, self._network, self._keys = memory, settings, network, keys
        self._radio, self._clock, self._emit = radio, clock, emit
        radio.attach(self)
        self.reset()
        self.answers: dict[str, Answer] = {
            "addEndpoint": self._add_endpoint,
            "sendUnicast": self._send_unicast,
            "sendBroadcast": self._send_broadcast,
            "sendMulticast": self._send_multicast,
            "sendReply": lambda _: {"status": self._ready()},
            "getExtendedTimeout": self._get_extended,
            "setExtendedTimeout": self._set_extended,
            "lookupNodeIdByEui64": self._lookup_nwk,
            "lookupEui64ByNodeId": self._lookup_eui64,
            "replaceAddressTableEntry": self._replace_address,
            "setAddressTableInfo": self._set_address,
            "getAddressTableInfo": self._get_address,
            "getAddressTableRemoteEui64": lambda fields: {"eui64": self._entry(fields["index"])[0]},
            "getAddressTableRemoteNodeId": lambda fields: {"nwk": self._entry(fields["index"])[1]},
        }

    def reset(self) -> None:
        """No endpoint, no address and nothing under way survives a reset."""
        self._radio.silence()
        self._endpoints: dict[int, zdo.Descriptor] = {}
        self._addresses: dict[int, tuple[int, int]] = {}
        self._extended: set[int] = set()
        self._recent: dict[int, int] = {}
        self._in_flight = 0
        self._sequence = 0

    def heard(self, message: ApsMessage, node: Node) -> None:
        """Hand the host a message from a node; one that cannot be decrypted is lost here."""
        if not self._network.up or (message.key is not None and message.key != self._keys.shared_with(node.eui64)):
            return
        self._settings.count(_RX_UNICAST)
        self._recent[node.nwk] = node.eui64
        if len(self._recent) > _MOST_RECENT:
            del self._recent[next(iter(self._recent))]
        self._incoming(message, node.eui64, node.lqi, node.rssi)

    def _incoming(self, message: ApsMessage, eui64: int, lqi: int, rssi: int) -> None:
        self._emit(
            "incomingMessageHandler",
            {
                "type": _INCOMING_UNICAST,
                "aps": {
                    "profile": message.profile,
                    "cluster": message.cluster,
                    "source_endpoint": message.source_endpoint,
                    "destination_endpoint": message.destination_endpoint,
                    "options": RETRY | 0x0100 | (ENCRYPTION if message.key is not None else 0),
                    "group": 0,
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

    def _ready(self) -> Status:
        return Status.OK if self._network.up else Status.NOT_JOINED

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
            destination = self._entry(destination)[1]
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
            self._radio.unicast(message, lambda delivered: self._sent(fields, message, delivered))
        return {"status": Status.OK, "sequence": message.sequence}

    def _refusal(self, fields: Fields, destination: int, encrypted: bool, key: bytes | None) -> Status:
        """Why a unicast cannot be sent; OK if it can."""
        if not self._network.up:
            return Status.NOT_JOINED
        if fields["type"] not in (_DIRECT, _VIA_TABLE) or destination == _NO_NODE:
            return Status.INVALID_CALL
        if len(fields["message"]) > room(encrypted):
            return Status.MESSAGE_TOO_LONG
        if encrypted and key is None:
            return Status.KEY_NOT_AUTHORISED
        if self._in_flight >= self._settings.configuration[UNICASTS]:
            return Status.MESSAGE_LIMIT
        return Status.OK

    def _key_for(self, nwk: int) -> bytes | None:
        """Keys belong to EUI-64s: for an address whose node is not known there is none to find."""
        eui64 = self._known().get(nwk)
        return None if eui64 is None else self._keys.shared_with(eui64)

    def _outgoing(self, aps: Fields, destination: int, payload: bytes, key: bytes | None = None) -> ApsMessage:
        self._sequence = (self._sequence + 1) % 256
        return ApsMessage(
            source=COORDINATOR,
            destination=destination,
            profile=aps["profile"],
            cluster=aps["cluster"],
            source_endpoint=aps["source_endpoint"],
            destination_endpoint=aps["destination_endpoint"],
            payload=payload,
            sequence=self._sequence,
            key=key,
            wants_ack=bool(aps["options"] & RETRY),
        )

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

    def _loop_back(self, message: ApsMessage) -> None:
        """The coordinator answers the host's questions about itself."""
        if message.profile != ZDO:
            return
        identity = zdo.Identity(
            eui64=self._memory.eui64,
            nwk=COORDINATOR,
            logical_type=0,
            manufacturer=self._settings.manufacturer,
        )
        answer = zdo.answer(identity, self._endpoints, message.cluster, message.payload)
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

    def _get_extended(self, fields: Fields) -> Fields:
        extended = fields["eui64"] in self._extended
        return {"extended": extended, "status": Status.OK if extended else Status.FAIL}

    def _set_extended(self, fields: Fields) -> Fields:
        (self._extended.add if fields["extended"] else self._extended.discard)(fields["eui64"])
        return {"status": Status.OK}

    def _known(self) -> dict[int, int]:
        """EUI-64 by network address: of nodes heard lately, and what the host wrote into the address table."""
        return self._recent | {nwk: eui64 for eui64, nwk in self._addresses.values()}

    def _lookup_nwk(self, fields: Fields) -> Fields:
        found = next((nwk for nwk, eui64 in self._known().items() if eui64 == fields["eui64"]), _NO_NODE)
        return {"status": Status.NOT_FOUND if found == _NO_NODE else Status.OK, "nwk": found}

    def _lookup_eui64(self, fields: Fields) -> Fields:
        found = self._known().get(fields["nwk"])
        return {"status": Status.NOT_FOUND if found is None else Status.OK, "eui64": found or 0}

    def _entry(self, index: int) -> tuple[int, int]:
        return self._addresses.get(index, (_NO_EUI64, _NO_NODE))

    def _set_address(self, fields: Fields) -> Fields:
        if fields["index"] >= self._settings.configuration[ADDRESS_TABLE_SIZE]:
            return {"status": Status.INVALID_INDEX}
        self._addresses[fields["index"]] = (fields["eui64"], fields["nwk"])
        return {"status": Status.OK}

    def _get_address(self, fields: Fields) -> Fields:
        known = fields["index"] < self._settings.configuration[ADDRESS_TABLE_SIZE]
        eui64, nwk = self._entry(fields["index"])
        return {"status": Status.OK if known else Status.INVALID_INDEX, "nwk": nwk, "eui64": eui64}

    def _replace_address(self, fields: Fields) -> Fields:
        eui64, nwk = self._entry(fields["index"])
        old = {"eui64": eui64, "nwk": nwk, "extended": eui64 in self._extended}
        done = self._set_address(fields)
        if done["status"] is Status.OK:
            self._set_extended(fields)
        return {**done, **old}
