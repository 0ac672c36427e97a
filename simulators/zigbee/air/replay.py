"""What one device said in a capture, out of frames and the keys that stand before them: messages with their instants.

A frame counts once, on its first hop and however often it was sent again. What a device answered by ZDO or by general
responses makes its nameplate; what it sent to join, for its keys and to keep alive is left out, for it will do that
anew. Pure.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.errors import BadInput
from gateway.identifiers import Eui64
from simulators.zigbee import zcl, zdo
from simulators.zigbee.air import aps, mac, nwk
from simulators.zigbee.air.pcapng import read
from simulators.zigbee.aps import ZDO, ApsMessage
from simulators.zigbee.blocks import Assembler
from simulators.zigbee.octets import Malformed, Octets

_OWN_BUSINESS = frozenset((0x0025, 0x0800))
"""Clusters on which a device speaks of itself as long as it lives: Keep-Alive, Key Establishment."""
_AGAIN = timedelta(seconds=30)
"""Within this span the same frame under the same number was sent again; later, its number has come round."""
_MOST_NAMED = 8


class NotRecorded(BadInput):
    """A device of which a capture has no word, or one of many that was not named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One whole message of a device, a ZCL frame from endpoints[0] to endpoints[1], so long after its first."""

    after_s: float
    profile: int
    cluster: int
    endpoints: tuple[int, int]
    payload: bytes = field(repr=False)
    encrypted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A device as a capture shows it.

    descriptors are those that it gave, by endpoint; attributes those that it was asked for, by endpoint and cluster.
    """

    eui64: int
    said: tuple[Said, ...]
    descriptors: Mapping[int, zdo.Descriptor]
    attributes: Mapping[tuple[int, int], Mapping[int, zcl.Value]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    at: datetime
    sender: int
    message: ApsMessage
    encrypted: bool


def node_told(text: str) -> int:
    """A node as a person names it: an EUI-64, or an address such as 0x1A2B. Raises BadInput."""
    if text[:2].lower() == "0x" and 3 <= len(text) <= 6:
        try:
            return int(text, 16)
        except ValueError:
            raise BadInput(f"{text!r} is no address such as 0x1A2B") from None
    return int(Eui64(text), 16)


def recording(raw: bytes, node: int | None = None) -> Recording:
    """What a node, by EUI-64 or 16-bit address, said in a capture; without one the only node that spoke.

    Raises Malformed for what is no capture, NotRecorded for a node without a word in it.
    """
    heard = list(_whole(raw))
    who = _found(heard, node)
    own = [each for each in heard if each.sender == who]
    words = [each for each in own if _is_said(each.message)]
    return Recording(
        eui64=who,
        said=tuple(
            Said(
                after_s=(each.at - words[0].at).total_seconds(),
                profile=each.message.profile,
                cluster=each.message.cluster,
                endpoints=(each.message.source_endpoint, each.message.destination_endpoint),
                payload=each.message.payload,
                encrypted=each.encrypted,
            )
            for each in words
        ),
        descriptors=dict(filter(None, map(_descriptor, own))),
        attributes=_attributes(own),
    )


def _found(heard: list[_Heard], node: int | None) -> int:
    """The EUI-64 of the node that is meant. Raises NotRecorded."""
    spoke = Counter(each.sender for each in heard if each.message.source and _is_said(each.message))
    named = {each.sender for each in heard if node in (each.sender, each.message.source)} & set(spoke)
    meant = set(spoke) if node is None else named
    if len(meant) == 1:
        return meant.pop()
    those = ", ".join(f"{each:016X} ({count})" for each, count in spoke.most_common(_MOST_NAMED)) or "none"
    what = "no one device" if node is None else "no device of that name"
    raise NotRecorded(f"{what} speaks in the capture; devices whose messages its keys open: {those}")


def _is_said(message: ApsMessage) -> bool:
    """Whether a message is one that a device would not make anew by itself: no ZDO, no keys, no answer."""
    if message.profile == ZDO or message.cluster in _OWN_BUSINESS:
        return False
    try:
        header, _ = zcl.parse(message.payload)
    except Malformed:
        return False
    return not (header.general and header.command in zcl.RESPONSES)


def _whole(raw: bytes) -> Iterator[_Heard]:
    """The messages of a capture, put together from their blocks, each once."""
    assemblers: dict[int, Assembler] = {}
    seen: dict[tuple[int, int, int, bytes], datetime] = {}
    for each in _heard(raw):
        message, key = each.message, (each.sender, each.message.sequence, each.message.cluster, each.message.payload)
        if message.block is None:
            last, seen[key] = seen.get(key), each.at
            if last is None or each.at - last > _AGAIN:
                yield each
            continue
        whole = assemblers.setdefault(each.sender, Assembler()).take(message)
        if not isinstance(whole, bool):
            yield _Heard(at=each.at, sender=each.sender, message=whole, encrypted=each.encrypted)


def _heard(raw: bytes) -> Iterator[_Heard]:
    """Every data frame on its first hop that the capture's keys open, as a message."""
    frames, secrets = read(raw)
    network = [secret.key for secret in secrets if secret.nodes is None]
    link = [secret.key for secret in secrets if secret.nodes is not None]
    for captured in frames:
        try:
            outer = mac.decode(captured.frame)
            if outer.kind != mac.DATA or outer.source is None:
                continue
            packet = nwk.decode_with(outer.payload, lambda _: network)
            if packet.kind != nwk.DATA or packet.source_eui64 is None or packet.source != outer.source.address:
                continue
            inner = aps.decode(packet.payload, link, packet.source_eui64)
        except Malformed:
            continue
        if isinstance(inner, aps.ApsFrame) and inner.kind == aps.DATA:
            encrypted = inner.counter is not None
            message = _message(packet, inner)
            yield _Heard(at=captured.at, sender=packet.source_eui64, message=message, encrypted=encrypted)


def _message(packet: nwk.NwkFrame, frame: aps.ApsFrame) -> ApsMessage:
    return ApsMessage(
        source=packet.source,
        destination=packet.destination,
        profile=frame.profile,
        cluster=frame.cluster,
        source_endpoint=frame.source_endpoint,
        destination_endpoint=frame.destination_endpoint,
        payload=frame.payload,
        sequence=frame.sequence,
        block=frame.block,
    )


def _descriptor(heard: _Heard) -> tuple[int, zdo.Descriptor] | None:
    """The endpoint and its descriptor in a Simple Descriptor response; None for another message."""
    message = heard.message
    if message.profile != ZDO or message.cluster != zdo.SIMPLE_DESCRIPTOR | zdo.RESPONSE:
        return None
    octets = Octets(message.payload)
    try:
        octets.take(4)
        told = Octets(octets.counted())
        endpoint, profile, device, version = (told.unsigned(size) for size in (1, 2, 2, 1))
        servers, clients = (tuple(told.unsigned(2) for _ in range(told.unsigned(1))) for _ in range(2))
    except Malformed:
        return None
    return endpoint, zdo.Descriptor(
        profile=profile, device=device, version=version & 15, servers=servers, clients=clients
    )


def _attributes(heard: list[_Heard]) -> dict[tuple[int, int], dict[int, zcl.Value]]:
    """Attributes of a device's servers in its answers, as it gave them last."""
    found: dict[tuple[int, int], dict[int, zcl.Value]] = {}
    for message in (each.message for each in heard if each.message.profile != ZDO):
        try:
            header, rest = zcl.parse(message.payload)
            if header.general and header.command == zcl.READ_RESPONSE and header.manufacturer is None:
                place = message.source_endpoint, message.cluster
                found.setdefault(place, {}).update(zcl.read_records(rest.rest()))
        except Malformed:
            continue
    return found
