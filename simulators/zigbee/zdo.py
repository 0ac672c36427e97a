"""ZigBee Device Objects, the device's side: who am I, which endpoints have I.

Source: ZigBee specification 05-3474, section 2.4 (client and server services of the device profile).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.zigbee.octets import Malformed, Octets, counted, unsigned

NWK_ADDRESS, IEEE_ADDRESS, NODE_DESCRIPTOR, SIMPLE_DESCRIPTOR, ACTIVE_ENDPOINTS = 0x00, 0x01, 0x02, 0x04, 0x05
RESPONSE = 0x8000
_OK, _INVALID_REQUEST, _DEVICE_NOT_FOUND, _INVALID_ENDPOINT, _NOT_ACTIVE, _NOT_SUPPORTED = (
    0,
    0x80,
    0x81,
    0x82,
    0x83,
    0x84,
)
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


def node_descriptor(identity: Identity) -> bytes:
    """13 bytes: mains powered, always listening, 2.4 GHz, 82 bytes a message, revision 21."""
    sleepy = identity.logical_type == 2
    capability = 0x80 if sleepy else 0x8E
    sizes = unsigned(82, 1) + unsigned(82, 2)
    return (
        bytes((identity.logical_type, 0x40, capability))
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
