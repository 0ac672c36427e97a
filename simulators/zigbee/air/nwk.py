"""Frames of ZigBee's network layer, secured with the network key, pure in both directions.

Source: ZigBee specification 05-3474, section 3.3 (frames) and 4.3.1 (security).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from simulators.zigbee.air.security import NETWORK_KEY, auxiliary, control, seal, unseal
from simulators.zigbee.octets import Malformed, Octets, unsigned

DATA, COMMAND = 0, 1
_VERSION_2, _DISCOVER_ROUTE = 0x0008, 0x0040
_SECURED, _SOURCE_ROUTE, _TO_LONG, _FROM_LONG, _MULTICAST = 0x0200, 0x0400, 0x0800, 0x1000, 0x0100
LEAVE, REJOIN_REQUEST, REJOIN_RESPONSE = 0x04, 0x06, 0x07
RADIUS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkKey:
    """The key of a network under its sequence number."""

    key: bytes = field(repr=False)
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NwkFrame:
    """One frame between 16-bit addresses. source_eui64 and counter are those of its security; None goes plain.

    long_destination and long_source are EUI-64s that the header names as well.
    """

    kind: int = DATA
    destination: int
    source: int
    sequence: int
    payload: bytes = field(repr=False)
    source_eui64: int | None = None
    counter: int | None = None
    radius: int = RADIUS
    long_destination: int | None = None
    long_source: int | None = None


def encode(frame: NwkFrame, key: NetworkKey | None) -> bytes:
    """A frame as the MAC carries it; with a key it is encrypted under the frame's counter."""
    flags = frame.kind | _VERSION_2 | _DISCOVER_ROUTE * (frame.kind == DATA) | _SECURED * (key is not None)
    longs = frame.long_destination, frame.long_source
    flags |= _TO_LONG * (longs[0] is not None) | _FROM_LONG * (longs[1] is not None)
    header = unsigned(flags, 2) + unsigned(frame.destination, 2) + unsigned(frame.source, 2)
    header += unsigned(frame.radius, 1) + unsigned(frame.sequence, 1)
    header += b"".join(unsigned(each, 8) for each in longs if each is not None)
    if key is None:
        return header + frame.payload
    assert frame.source_eui64 is not None
    assert frame.counter is not None
    aux = auxiliary(control(NETWORK_KEY, with_source=True), frame.counter, frame.source_eui64, key.sequence)
    return header + aux + seal(key.key, header, aux, frame.source_eui64, frame.counter, frame.payload)


def decode(raw: bytes, keys: tuple[NetworkKey, ...]) -> NwkFrame:
    """A frame, decrypted with whichever of the keys has its sequence number and fits. Raises Malformed."""
    return decode_with(raw, lambda number: (key.key for key in keys if key.sequence == number))


def decode_with(raw: bytes, keys: Callable[[int], Iterable[bytes]]) -> NwkFrame:
    """A frame, decrypted with the first fitting key of those for its key's sequence number. Raises Malformed."""
    octets = Octets(raw)
    flags = octets.unsigned(2)
    if flags >> 2 & 15 != 2:
        raise Malformed("not a frame of ZigBee PRO")
    destination, source, radius, sequence = (octets.unsigned(size) for size in (2, 2, 1, 1))
    longs = [octets.unsigned(8) if flags & flag else None for flag in (_TO_LONG, _FROM_LONG)]
    octets.take(bool(flags & _MULTICAST))
    if flags & _SOURCE_ROUTE:
        octets.take(1 + 2 * octets.unsigned(1))
    header = raw[: len(raw) - octets.left]
    plain = NwkFrame(
        kind=flags & 3,
        destination=destination,
        source=source,
        sequence=sequence,
        payload=b"",
        radius=radius,
        long_destination=longs[0],
        long_source=longs[1],
    )
    if not flags & _SECURED:
        return replace(plain, payload=octets.rest())
    aux = octets.take(14)
    counter, eui64, number = (int.from_bytes(aux[i:j], "little") for i, j in ((1, 5), (5, 13), (13, 14)))
    sealed = octets.rest()
    for key in keys(number):
        try:
            payload = unseal(key, header, aux, eui64, counter, sealed)
        except Malformed:
            continue
        return replace(plain, payload=payload, source_eui64=eui64, counter=counter)
    raise Malformed(f"no network key number {number} opens the frame")
