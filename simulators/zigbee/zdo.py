"""ZigBee Device Objects, the device's side: who am I, which endpoints have I, and goodbye.

Source: ZigBee specification 05-3474, section 2.4 (client and server services of the device profile).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.zigbee.aps import BROADCASTS
from simulators.zigbee.octets import Malformed, Octets, counted, unsigned

NWK_ADDRESS, IEEE_ADDRESS, NODE_DESCRIPTOR, SIMPLE_DESCRIPTOR, ACTIVE_ENDPOINTS = 0x00, 0x01, 0x02, 0x04, 0x05
MATCH_DESCRIPTORS, DEVICE_ANNOUNCE, LEAVE = 0x06, 0x13, 0x34
SUPPORTED = frozenset((*range(0x03), *range(0x04, 0x07), LEAVE))
"""What a stack answers by itself; the rest is its host's business."""
END_DEVICE = 2
"""The logical type of a node that relays nothing, and may sleep."""
RESPONSE = 0x8000
_OK, _INVALID_REQUEST, _DEVICE_NOT_FOUND, _INVALID_ENDPOINT, _NOT_ACTIVE, _NOT_SUPPORTED = (
    0,
    0x80,
    0x81,
    0x82,
    0x83,
    0x84,
)
_REJOIN_AFTERWARDS = 0x80
_STACK_REVISION_21 = 21 << 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """An endpoint's simple descriptor: clusters that it serves and clusters that it uses."""

    profile: int
    device: int
    version: int = 0
    servers: tuple[int, ...] = ()
    clients: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a node says about itself. logical_type: 0 coordinator, 1 router, 2 end device."""

    eui64: int
    nwk: int
    logical_type: int = 1
    manufacturer: int = 0x1234


def answer(
    identity: Identity, endpoints: Mapping[int, Descriptor], cluster: int, payload: bytes, broadcast: bool = False
) -> tuple[int, bytes] | None:
    """The response's cluster and payload; None where a device says nothing (not meant, or a response itself)."""
    if cluster & RESPONSE or not payload:
        return None
    octets = Octets(payload)
    tsn = octets.take(1)
    try:
        body = _body(identity, endpoints, cluster, octets, broadcast)
    except Malformed:
        body = None if broadcast else unsigned(_INVALID_REQUEST, 1)
    return None if body is None else (cluster | RESPONSE, tsn + body)


def _body(
    identity: Identity, endpoints: Mapping[int, Descriptor], cluster: int, octets: Octets, broadcast: bool
) -> bytes | None:
    match cluster:
        case 0x00:
            return _address(identity, octets.unsigned(8) == identity.eui64, broadcast)
        case 0x01:
            return _address(identity, octets.unsigned(2) == identity.nwk, broadcast)
        case 0x02 | 0x04 | 0x05:
            return _describe(identity, endpoints, cluster, octets, broadcast)
        case 0x06:
            return _match(identity, endpoints, octets, broadcast)
        case 0x34:
            return None if broadcast else unsigned(_OK if _meant(identity, octets) else _NOT_SUPPORTED, 1)
    return None if broadcast else unsigned(_NOT_SUPPORTED, 1)


def _address(identity: Identity, meant: bool, broadcast: bool) -> bytes | None:
    """A broadcast is answered by the one that is meant; whoever is asked alone answers for itself."""
    if not meant and broadcast:
        return None
    status = _OK if meant else _DEVICE_NOT_FOUND
    return unsigned(status, 1) + unsigned(identity.eui64, 8) + unsigned(identity.nwk, 2)


def _describe(
    identity: Identity, endpoints: Mapping[int, Descriptor], cluster: int, octets: Octets, broadcast: bool
) -> bytes | None:
    about = octets.unsigned(2)
    if about != identity.nwk:
        return None if broadcast else unsigned(_DEVICE_NOT_FOUND, 1) + unsigned(about, 2)
    head = unsigned(_OK, 1) + unsigned(about, 2)
    if cluster == NODE_DESCRIPTOR:
        return head + node_descriptor(identity)
    if cluster == ACTIVE_ENDPOINTS:
        return head + counted(bytes(sorted(endpoints)))
    endpoint = octets.unsigned(1)
    if endpoint in endpoints:
        return head + counted(simple_descriptor(endpoint, endpoints[endpoint]))
    status = _NOT_ACTIVE if 1 <= endpoint <= 240 else _INVALID_ENDPOINT
    return unsigned(status, 1) + unsigned(about, 2) + b"\x00"


def _match(identity: Identity, endpoints: Mapping[int, Descriptor], octets: Octets, broadcast: bool) -> bytes | None:
    """The endpoints of a profile that serve or use one of some clusters."""
    about, profile = octets.unsigned(2), octets.unsigned(2)
    served, used = ({octets.unsigned(2) for _ in range(octets.unsigned(1))} for _ in range(2))
    found = bytes(
        number
        for number, each in sorted(endpoints.items())
        if each.profile == profile and (served & set(each.servers) or used & set(each.clients))
    )
    meant = about == identity.nwk or (about in BROADCASTS and bool(found))
    if broadcast and not (meant and found):
        return None
    return unsigned(_OK if meant else _DEVICE_NOT_FOUND, 1) + unsigned(identity.nwk, 2) + counted(found)


def _meant(identity: Identity, octets: Octets) -> bool:
    """Whether it is this node that shall leave: its own EUI-64, or none, names it."""
    return octets.unsigned(8) in (0, identity.eui64)


def leaving(identity: Identity, cluster: int, payload: bytes) -> bool | None:
    """Whether a node that a request tells to leave shall come back; None where the request tells it nothing."""
    octets = Octets(payload)
    try:
        octets.take(1)
        if cluster != LEAVE or not _meant(identity, octets):
            return None
        return bool(octets.unsigned(1) & _REJOIN_AFTERWARDS)
    except Malformed:
        return None


def announcement(identity: Identity, tsn: int) -> bytes:
    """Device_annce: here I am, under this address."""
    return unsigned(tsn, 1) + unsigned(identity.nwk, 2) + unsigned(identity.eui64, 8) + bytes((_capability(identity),))


def match_request(tsn: int, about: int, profile: int, cluster: int, *, client: bool) -> bytes:
    """Match_Desc_req: which endpoints of a node serve a cluster, or use one as its client?"""
    one = b"\x01" + unsigned(cluster, 2)
    return unsigned(tsn, 1) + unsigned(about, 2) + unsigned(profile, 2) + (b"\x00" + one if client else one + b"\x00")


def _capability(identity: Identity) -> int:
    return 0x80 if identity.logical_type == END_DEVICE else 0x8E


def node_descriptor(identity: Identity) -> bytes:
    """13 bytes: mains powered, always listening, 2.4 GHz, 82 bytes a message, revision 21."""
    sizes = unsigned(82, 1) + unsigned(82, 2)
    return (
        bytes((identity.logical_type, 0x40, _capability(identity)))
        + unsigned(identity.manufacturer, 2)
        + sizes
        + unsigned(_STACK_REVISION_21 | (identity.logical_type == 0), 2)
        + unsigned(82, 2)
        + b"\x00"
    )


def simple_descriptor(endpoint: int, descriptor: Descriptor) -> bytes:
    """Endpoint, profile, device, version and the two cluster lists."""
    return (
        bytes((endpoint,))
        + unsigned(descriptor.profile, 2)
        + unsigned(descriptor.device, 2)
        + bytes((descriptor.version,))
        + _clusters(descriptor.servers)
        + _clusters(descriptor.clients)
    )


def _clusters(ids: tuple[int, ...]) -> bytes:
    return bytes((len(ids),)) + b"".join(unsigned(cluster, 2) for cluster in ids)
