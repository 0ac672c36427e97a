"""A virtual ZigBee node: it answers ZDO and ZCL requests, and insists on its network's security.

Source: ZigBee Smart Energy profile 07-5356, section 5.4.6 (which clusters want APS encryption).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from simulators.zigbee import zcl, zdo
from simulators.zigbee.aps import ANY_PROFILE, BROADCASTS, SMART_ENERGY, ZDO, ApsMessage, room
from simulators.zigbee.octets import Malformed

SECURED = frozenset((0x000A, 0x0015, 0x0019, 0x0600, *range(0x0700, 0x070C)))
"""Smart Energy clusters whose unicasts must be encrypted with the link key."""


class Plain(StrEnum):
    """What a node does with a plain message on a secured cluster; real stacks differ."""

    REFUSE = "refuse"
    DROP = "drop"


class Manners(Protocol):
    """How well a node behaves at this moment."""

    @property
    def silent(self) -> bool:
        """Whether it hears nothing at all, as one without power."""
        ...

    @property
    def delay_s(self) -> float:
        """How long it takes over an answer, in seconds."""
        ...


@dataclass(frozen=True, slots=True)
class WellBehaved:
    """A node that answers at once."""

    silent: bool = False
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint: what its simple descriptor says, and the servers behind it by cluster."""

    descriptor: zdo.Descriptor
    servers: Mapping[int, zcl.Cluster]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a message: whether the node acknowledged it, and what it answers after how many seconds."""

    acknowledged: bool
    reply: ApsMessage | None = None
    delay_s: float = 0.0


UNHEARD = Outcome(acknowledged=False)


@dataclass(slots=True, kw_only=True)
class Node:
    """One device on the network. link_key is the one that it shares with the trust centre, None before it has one."""

    identity: zdo.Identity
    endpoints: Mapping[int, Endpoint]
    link_key: bytes | None = field(default=None, repr=False)
    lqi: int = 200
    rssi: int = -60
    plain: Plain = Plain.REFUSE
    manners: Manners = WellBehaved()
    _sequence: int = 0

    @property
    def nwk(self) -> int:
        """The node's address on the network."""
        return self.identity.nwk

    @property
    def eui64(self) -> int:
        """The node's address in the world."""
        return self.identity.eui64

    def receive(self, message: ApsMessage) -> Outcome:
        """Take a message from the air."""
        if self.manners.silent or (message.key is not None and message.key != self.link_key):
            return UNHEARD
        broadcast = message.destination in BROADCASTS
        if message.profile == ZDO and message.destination_endpoint == 0:
            return self._zdo(message, broadcast)
        endpoint = self.endpoints.get(message.destination_endpoint)
        if endpoint is None:
            return UNHEARD
        return self._answer(message, None if broadcast else self._zcl(message, endpoint))

    def _zdo(self, message: ApsMessage, broadcast: bool) -> Outcome:
        descriptors = {number: endpoint.descriptor for number, endpoint in self.endpoints.items()}
        answer = zdo.answer(self.identity, descriptors, message.cluster, message.payload, broadcast)
        if answer is None:
            return Outcome(acknowledged=True)
        cluster, payload = answer
        return self._answer(message, payload, cluster)

    def _zcl(self, message: ApsMessage, endpoint: Endpoint) -> bytes | None:
        if message.profile not in (endpoint.descriptor.profile, ANY_PROFILE):
            return _refusal(message.payload, zcl.UNSUPPORTED_CLUSTER)
        smart_energy = endpoint.descriptor.profile == SMART_ENERGY
        if smart_energy and message.cluster in SECURED and message.key is None:
            return None if self.plain is Plain.DROP else _refusal(message.payload, zcl.NOT_AUTHORISED)
        server = endpoint.servers.get(message.cluster)
        if server is None:
            return _refusal(message.payload, zcl.UNSUPPORTED_CLUSTER)
        return zcl.serve(server, message.payload, room(message.key is not None))

    def _answer(self, message: ApsMessage, payload: bytes | None, cluster: int | None = None) -> Outcome:
        """An answer goes back the way the request came, encrypted if that was."""
        if payload is None:
            return Outcome(acknowledged=True)
        self._sequence = (self._sequence + 1) % 256
        reply = ApsMessage(
            source=self.nwk,
            destination=message.source,
            profile=message.profile if message.profile != ANY_PROFILE else SMART_ENERGY,
            cluster=message.cluster if cluster is None else cluster,
            source_endpoint=message.destination_endpoint,
            destination_endpoint=message.source_endpoint,
            payload=payload,
            sequence=self._sequence,
            key=message.key,
        )
        return Outcome(acknowledged=True, reply=reply, delay_s=self.manners.delay_s)


def _refusal(payload: bytes, status: int) -> bytes | None:
    """A Default Response with a status, unless the message was one itself or nothing that can be answered."""
    try:
        header, _ = zcl.parse(payload)
    except Malformed:
        return None
    if header.general and header.command == zcl.DEFAULT_RESPONSE:
        return None
    return zcl.default_response(header, status)
