"""A virtual ZigBee node: it answers ZDO and ZCL requests, and insists on its network's security.

What a node answers is its endpoints' business; what it does of itself is its behaviour's (behaviour.py tells how).
Source: ZigBee Smart Energy profile 07-5356, section 5.4.6 (which clusters want APS encryption).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from simulators.zigbee import zcl, zdo
from simulators.zigbee.air.nwk import NetworkKey
from simulators.zigbee.aps import ANY_PROFILE, BROADCASTS, SMART_ENERGY, ZDO, ApsMessage, LinkKey, room
from simulators.zigbee.blocks import Assembler, cut
from simulators.zigbee.octets import Malformed
from simulators.zigbee.reporting import Client, ReportTable

SECURED = frozenset((0x000A, 0x0015, 0x0019, 0x0600, *range(0x0700, 0x070C)))
"""Smart Energy clusters whose unicasts must be encrypted with the link key."""


_ABOUT_REPORTS = (bytes((zcl.CONFIGURE_REPORTING,)), bytes((zcl.READ_REPORTING,)))


class Plain(StrEnum):
    """What a node does with a plain message on a secured cluster; real stacks differ."""

    REFUSE = "refuse"
    DROP = "drop"
    ANSWER = "answer"
    """As a lenient one does, by whatever profile: a host that knows no Smart Energy can read it."""


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


class Ears(Protocol):
    """Who acts for a node, and so wants to know what answers it."""

    def hear(self, message: ApsMessage) -> None:
        """A ZDO response or a ZCL frame came for the node, and was acceptable to it."""
        ...

    def gone(self, *, comes_back: bool) -> None:
        """The node has left the network."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint: what its simple descriptor says, and the servers and clients behind it by cluster."""

    descriptor: zdo.Descriptor
    servers: Mapping[int, zcl.Cluster]
    clients: Mapping[int, zcl.Cluster] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a message: whether the node acknowledged it, and what it answers after how many seconds.

    leaves tells that it leaves the network then, and True that it means to come back.
    """

    acknowledged: bool
    reply: ApsMessage | None = None
    delay_s: float = 0.0
    leaves: bool | None = None


UNHEARD = Outcome(acknowledged=False)


@dataclass(slots=True, kw_only=True)
class Node:
    """One device. link_key is the one that it shares with the trust centre, None before it has one.

    registered says that the link key was established as Smart Energy demands for secured clusters; network_key is None
    before the node has been on a network; next_key is one that it was sent and told of no more yet. A node with poll_s
    sleeps, and asks its parent for what waits so often, unless it is awake for so many reasons of its own.
    next_counter is the least frame counter under the network key that it takes from the co-processor. reports are what
    it was asked to report, None before anybody asked.
    """

    identity: zdo.Identity
    endpoints: Mapping[int, Endpoint]
    link_key: bytes | None = field(default=None, repr=False)
    lqi: int = 200
    rssi: int = -60
    plain: Plain = Plain.REFUSE
    manners: Manners = WellBehaved()
    registered: bool = True
    network_key: NetworkKey | None = None
    next_key: NetworkKey | None = None
    ears: Ears | None = None
    poll_s: float = 0.0
    awake: int = 0
    next_counter: int = 0
    reports: ReportTable | None = None
    _shared: LinkKey | None = field(default=None, repr=False)
    _assembler: Assembler | None = field(default=None, repr=False)
    _sequence: int = 0
    _tsn: int = 0

    @property
    def nwk(self) -> int:
        """The node's address on the network."""
        return self.identity.nwk

    @property
    def eui64(self) -> int:
        """The node's address in the world."""
        return self.identity.eui64

    def move(self, nwk: int) -> None:
        """Take another address on the network."""
        self.identity = replace(self.identity, nwk=nwk)

    def give_network_key(self, key: NetworkKey) -> None:
        """Live under a network key from now on; its frame counters begin anew."""
        self.network_key, self.next_key, self.next_counter = key, None, 0

    def wakes_in_s(self, now_s: float) -> float:
        """How long a message for the node waits at its parent; every node polls at moments of its own."""
        if self.awake or self.poll_s <= 0:
            return 0.0
        return self.poll_s - (now_s + self.eui64 % 1009 / 1009 * self.poll_s) % self.poll_s

    @property
    def shared(self) -> LinkKey | None:
        """The link key with the counters of this end, which begin anew with every new key."""
        if self.link_key is None:
            return None
        if self._shared is None or self._shared.key != self.link_key:
            self._shared = LinkKey(eui64=self.eui64, key=self.link_key)
        return self._shared

    def receive(self, message: ApsMessage) -> Outcome:
        """Take a message from the air; blocks of a longer one are put together first."""
        if self.manners.silent or not self._opens(message):
            return UNHEARD
        if message.block is not None:
            self._assembler = self._assembler or Assembler()
            whole = self._assembler.take(message)
            if isinstance(whole, bool):
                return Outcome(acknowledged=whole)
            message = whole
        broadcast = message.destination in BROADCASTS
        if message.profile == ZDO and message.destination_endpoint == 0:
            return self._zdo(message, broadcast)
        endpoint = self.endpoints.get(message.destination_endpoint)
        if endpoint is None:
            return UNHEARD
        return self._answer(message, None if broadcast else self._zcl(message, endpoint))

    def _opens(self, message: ApsMessage) -> bool:
        """Whether the node can decrypt a message that has not been before."""
        if message.key is None:
            return True
        shared = self.shared
        return shared is not None and message.key == shared.key and shared.accepts(message.counter)

    def _zdo(self, message: ApsMessage, broadcast: bool) -> Outcome:
        descriptors = {number: endpoint.descriptor for number, endpoint in self.endpoints.items()}
        answer = zdo.answer(self.identity, descriptors, message.cluster, message.payload, broadcast)
        if answer is None:
            if self.ears is not None and message.cluster & zdo.RESPONSE:
                self.ears.hear(message)
            return Outcome(acknowledged=True)
        cluster, payload = answer
        leaves = None if broadcast else zdo.leaving(self.identity, message.cluster, message.payload)
        return replace(self._answer(message, payload, cluster), leaves=leaves)

    def _zcl(self, message: ApsMessage, endpoint: Endpoint) -> bytes | None:
        lenient = self.plain is Plain.ANSWER
        if message.profile not in (endpoint.descriptor.profile, ANY_PROFILE) and not lenient:
            return _refusal(message.payload, zcl.UNSUPPORTED_CLUSTER)
        smart_energy = endpoint.descriptor.profile == SMART_ENERGY
        trusted = message.key is not None and self.registered
        if smart_energy and message.cluster in SECURED and not trusted and not lenient:
            return None if self.plain is Plain.DROP else _refusal(message.payload, zcl.NOT_AUTHORISED)
        if self.ears is not None:
            self.ears.hear(message)
        from_server = len(message.payload) > 0 and bool(message.payload[0] & 0x08)
        side = (endpoint.clients if from_server else endpoint.servers).get(message.cluster)
        if side is None:
            return _refusal(message.payload, zcl.UNSUPPORTED_CLUSTER)
        encrypted, desk = message.key is not None, self._reports_desk(message)
        return zcl.serve(side, message.payload, room(encrypted), client=from_server, encrypted=encrypted, reports=desk)

    def _reports_desk(self, message: ApsMessage) -> Client | None:
        """Who takes a request about reports; the table is made for the first."""
        if message.payload[2:3] not in _ABOUT_REPORTS:
            return None
        self.reports = self.reports or ReportTable()
        source = message.source, message.source_endpoint
        return Client(self.reports, message.destination_endpoint, message.cluster, source)

    def _answer(self, message: ApsMessage, payload: bytes | None, cluster: int | None = None) -> Outcome:
        """An answer goes back the way the request came, encrypted if that was."""
        if payload is None:
            return Outcome(acknowledged=True)
        reply = self.compose(
            cluster=message.cluster if cluster is None else cluster,
            payload=payload,
            destination=message.source,
            profile=message.profile if message.profile != ANY_PROFILE else SMART_ENERGY,
            endpoints=(message.destination_endpoint, message.source_endpoint),
            encrypted=message.key is not None,
        )
        return Outcome(acknowledged=True, reply=reply, delay_s=self.manners.delay_s)

    def compose(
        self,
        *,
        cluster: int,
        payload: bytes,
        destination: int = 0,
        profile: int = SMART_ENERGY,
        endpoints: tuple[int, int],
        encrypted: bool,
    ) -> ApsMessage:
        """A message of the node's own, from endpoints[0] to endpoints[1], under its link key if that is asked for."""
        self._sequence = (self._sequence + 1) % 256
        shared = self.shared if encrypted else None
        return ApsMessage(
            source=self.nwk,
            destination=destination,
            profile=profile,
            cluster=cluster,
            source_endpoint=endpoints[0],
            destination_endpoint=endpoints[1],
            payload=payload,
            sequence=self._sequence,
            key=None if shared is None else shared.key,
            counter=0 if shared is None else self._next_counter(shared),
            wants_ack=destination not in BROADCASTS,
        )

    def next_tsn(self) -> int:
        """The sequence number of a ZCL frame that the node sends unasked."""
        self._tsn = (self._tsn + 1) % 256
        return self._tsn

    def frames(self, message: ApsMessage) -> list[ApsMessage]:
        """A message of the node's own as it goes on the air: in blocks, if one frame has no room for it."""
        first, *others = cut(message)
        return [first, *map(self.again, others)]

    def again(self, frame: ApsMessage) -> ApsMessage:
        """A frame to be sent once more, or after another: every one has a frame counter of its own."""
        shared = self.shared
        if frame.key is None or shared is None:
            return frame
        return replace(frame, key=shared.key, counter=self._next_counter(shared))

    def _next_counter(self, shared: LinkKey) -> int:
        counter, shared.outgoing = shared.outgoing, shared.outgoing + 1
        return counter


def _refusal(payload: bytes, status: int) -> bytes | None:
    """A Default Response with a status, unless the message was an answer itself or nothing that can be answered."""
    try:
        header, _ = zcl.parse(payload)
    except Malformed:
        return None
    if header.general and header.command in zcl.RESPONSES:
        return None
    return zcl.default_response(header, status)
