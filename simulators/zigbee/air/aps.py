"""Frames of ZigBee's application support layer, secured with link keys, pure in both directions.

Source: ZigBee specification 05-3474, sections 2.2.5 (frames) and 4.4 (security and its commands).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from simulators.zigbee.air.security import (
    DATA_KEY,
    LONG_NONCE,
    TRANSPORT_KEY,
    auxiliary,
    control,
    seal,
    transport_key,
    unseal,
)
from simulators.zigbee.octets import Malformed, Octets, unsigned

DATA, COMMAND, ACK = 0, 1, 2
_UNICAST, _BROADCAST = 0x00, 0x08
_SECURED, _ACK_REQUEST, _EXTENDED = 0x20, 0x40, 0x80
_FIRST, _FURTHER = 1, 2
TRANSPORT, REMOVE_DEVICE, SWITCH_KEY = 0x05, 0x07, 0x09
STANDARD_NETWORK_KEY = 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fragment's place: index from 0, and of how many (told by the first alone)."""

    index: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApsFrame:
    """A data frame, or (payload empty) the acknowledgement of one."""

    kind: int = DATA
    broadcast: bool = False
    destination_endpoint: int
    cluster: int
    profile: int
    source_endpoint: int
    sequence: int
    payload: bytes = field(default=b"", repr=False)
    wants_ack: bool = False
    block: Block | None = None
    counter: int | None = None
    """The link key's frame counter; None goes plain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApsCommand:
    """A command of the security services: its payload starts with its id."""

    sequence: int
    payload: bytes = field(repr=False)
    counter: int | None = None


def encode(frame: ApsFrame, link_key: bytes | None, source: int) -> bytes:
    """A frame as the network layer carries it; source is the sender's EUI-64."""
    flags = frame.kind | (_BROADCAST if frame.broadcast else _UNICAST) | _SECURED * (link_key is not None)
    flags |= _ACK_REQUEST * frame.wants_ack | _EXTENDED * (frame.block is not None)
    header = unsigned(flags, 1) + unsigned(frame.destination_endpoint, 1) + unsigned(frame.cluster, 2)
    header += unsigned(frame.profile, 2) + unsigned(frame.source_endpoint, 1) + unsigned(frame.sequence, 1)
    if frame.block is not None:
        first = frame.block.index == 0
        header += bytes((_FIRST, frame.block.of) if first else (_FURTHER, frame.block.index))
        header += b"\x01" if frame.kind == ACK else b""
    return header + _body(header, frame.payload, link_key, DATA_KEY, source, frame.counter)


def encode_command(command: ApsCommand, link_key: bytes | None, source: int) -> bytes:
    """A command, which goes under the key that is made from the link key for transporting keys."""
    header = unsigned(COMMAND | _SECURED * (link_key is not None), 1) + unsigned(command.sequence, 1)
    key = None if link_key is None else transport_key(link_key)
    return header + _body(header, command.payload, key, TRANSPORT_KEY, source, command.counter)


def network_key_transport(key: bytes, sequence: int, to: int, by: int) -> bytes:
    """The payload of the command that brings a device the network key."""
    head = bytes((TRANSPORT, STANDARD_NETWORK_KEY)) + key
    return head + unsigned(sequence, 1) + unsigned(to, 8) + unsigned(by, 8)


def decode(raw: bytes, link_keys: Iterable[bytes], source: int) -> ApsFrame | ApsCommand:
    """A frame, decrypted with the first of the keys that opens it; source is the sender's EUI-64. Raises Malformed."""
    octets = Octets(raw)
    flags = octets.unsigned(1)
    kind = flags & 3
    if kind == COMMAND:
        sequence = octets.unsigned(1)
        counter, payload = _opened(raw, octets, flags, map(transport_key, link_keys), source)
        return ApsCommand(sequence=sequence, payload=payload, counter=counter)
    if kind not in (DATA, ACK):
        raise Malformed("not a frame that a device sends")
    fields = [octets.unsigned(size) for size in (1, 2, 2, 1, 1)]
    block = None
    if flags & _EXTENDED:
        place, number = octets.unsigned(1) & 3, octets.unsigned(1)
        octets.take(kind == ACK)
        if place:
            block = Block(index=0, of=number) if place == _FIRST else Block(index=number, of=0)
    counter, payload = _opened(raw, octets, flags, link_keys, source)
    return ApsFrame(
        kind=kind,
        broadcast=flags & 0x0C == _BROADCAST,
        destination_endpoint=fields[0],
        cluster=fields[1],
        profile=fields[2],
        source_endpoint=fields[3],
        sequence=fields[4],
        payload=payload,
        wants_ack=bool(flags & _ACK_REQUEST),
        block=block,
        counter=counter,
    )


def _body(header: bytes, payload: bytes, key: bytes | None, kind: int, source: int, counter: int | None) -> bytes:
    """The payload, behind an auxiliary header if there is a key. A transported key names its sender in full."""
    if key is None:
        return payload
    assert counter is not None
    aux = auxiliary(control(kind, with_source=kind == TRANSPORT_KEY), counter, source, None)
    return aux + seal(key, header, aux, source, counter, payload)


def _opened(raw: bytes, octets: Octets, flags: int, keys: Iterable[bytes], source: int) -> tuple[int | None, bytes]:
    if not flags & _SECURED:
        return None, octets.rest()
    header = raw[: len(raw) - octets.left]
    size = 13 if octets.left and raw[len(header)] & LONG_NONCE else 5
    aux = octets.take(size)
    counter, sealed = int.from_bytes(aux[1:5], "little"), octets.rest()
    sender = int.from_bytes(aux[5:13], "little") if size == 13 else source
    for key in keys:
        try:
            return counter, unseal(key, header, aux, sender, counter, sealed)
        except Malformed:
            continue
    raise Malformed("no link key opens the frame")
