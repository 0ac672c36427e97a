"""IEEE 802.15.4 frames, from addresses to checksum, pure in both directions.

Source: IEEE 802.15.4-2006, section 7.2 and 7.3. Only what a ZigBee network sends: data, acknowledgements, beacons, and
the commands of an association. Addresses of 16 and 64 bits are integers of different kinds of field.
"""

from dataclasses import dataclass, field

from simulators.zigbee.octets import Malformed, Octets, unsigned

BEACON, DATA, ACK, COMMAND = 0, 1, 2, 3
_ACK_REQUEST, _SAME_PAN = 0x0020, 0x0040
_NO_ADDRESS, _SHORT, _LONG = 0, 2, 3
BROADCAST = 0xFFFF
ASSOCIATE, ASSOCIATED, DATA_REQUEST, BEACON_REQUEST = 0x01, 0x02, 0x04, 0x07


@dataclass(frozen=True, slots=True)
class Place:
    """A station's address on a PAN: 16 bits, or 64 if it is long."""

    pan_id: int
    address: int
    long: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MacFrame:
    """One frame; payload is what the next layer wrote, for a command its id and fields."""

    kind: int
    sequence: int
    destination: Place | None = None
    source: Place | None = None
    payload: bytes = field(default=b"", repr=False)
    wants_ack: bool = False


def checksum(data: bytes) -> int:
    """The frame check sequence: CRC-16 of ITU-T, reflected, from zero."""
    crc = 0
    for octet in data:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc


def encode(frame: MacFrame) -> bytes:
    """A frame as it is sent, checksum included."""
    destination, source = frame.destination, frame.source
    same = destination is not None and source is not None and destination.pan_id == source.pan_id
    control = frame.kind | _ACK_REQUEST * frame.wants_ack | _SAME_PAN * same
    control |= _mode(destination) << 10 | _mode(source) << 14
    raw = unsigned(control, 2) + unsigned(frame.sequence, 1)
    if destination is not None:
        raw += unsigned(destination.pan_id, 2) + _address(destination)
    if source is not None:
        raw += (b"" if same else unsigned(source.pan_id, 2)) + _address(source)
    raw += frame.payload
    return raw + unsigned(checksum(raw), 2)


def decode(raw: bytes) -> MacFrame:
    """A frame from its bytes. Raises Malformed, also for a wrong checksum."""
    if len(raw) < 5 or checksum(raw[:-2]) != int.from_bytes(raw[-2:], "little"):
        raise Malformed("the frame's checksum does not match")
    octets = Octets(raw[:-2])
    control, sequence = octets.unsigned(2), octets.unsigned(1)
    destination = _place(control >> 10 & 3, octets, None)
    same = destination.pan_id if destination is not None and control & _SAME_PAN else None
    source = _place(control >> 14 & 3, octets, same)
    return MacFrame(
        kind=control & 7,
        sequence=sequence,
        destination=destination,
        source=source,
        payload=octets.rest(),
        wants_ack=bool(control & _ACK_REQUEST),
    )


def _mode(place: Place | None) -> int:
    if place is None:
        return _NO_ADDRESS
    return _LONG if place.long else _SHORT


def _address(place: Place) -> bytes:
    return unsigned(place.address, 8 if place.long else 2)


def _place(mode: int, octets: Octets, pan_id: int | None) -> Place | None:
    if mode == _NO_ADDRESS:
        return None
    if mode not in (_SHORT, _LONG):
        raise Malformed(f"addressing mode {mode} is reserved")
    pan = octets.unsigned(2) if pan_id is None else pan_id
    return Place(pan, octets.unsigned(8 if mode == _LONG else 2), mode == _LONG)


def beacon_payload(extended_pan_id: int, update_id: int, *, open_to: bool) -> bytes:
    """A coordinator's beacon: superframe (association permitted or not), no slots, ZigBee PRO's own part."""
    superframe = 0x4FFF | 0x8000 * open_to
    zigbee = b"\x00\x22\x84" + unsigned(extended_pan_id, 8) + b"\xff\xff\xff" + unsigned(update_id, 1)
    return unsigned(superframe, 2) + b"\x00\x00" + zigbee
