"""Captures in pcapng with the 802.15.4 TAP link type, and the keys to read them as decryption secrets, pure.

Sources: IETF draft-ietf-opsawg-pcapng, sections 4.1 to 4.7; "IEEE 802.15.4 TAP Link Type Specification" 1.0.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from struct import pack, unpack

from simulators.zigbee.octets import Malformed, Octets, unsigned

_SECTION, _INTERFACE, _PACKET, _SECRETS = 0x0A0D0D0A, 0x00000001, 0x00000006, 0x0000000A
_MAGIC = 0x1A2B3C4D
_TAP = 283
_SNAP = 512
_RESOLUTION, _MICROSECONDS = 9, 6
_NETWORK_KEY, _APS_KEY = 0x5A4E574B, 0x5A415053
_FCS, _RSS, _CHANNEL, _LQI = 0, 1, 3, 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """One frame with its checksum, when and how it was heard. rssi_dbm and lqi None are not known."""

    at: datetime
    frame: bytes = field(repr=False)
    channel: int
    rssi_dbm: float | None = None
    lqi: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A key that opens frames of a PAN; nodes are the two ends of a link key, None for the network key."""

    key: bytes = field(repr=False)
    pan_id: int
    nodes: tuple[int, int] | None = None


def head(application: str) -> bytes:
    """What a capture begins with: a section of little-endian blocks, and one interface."""
    name = _option(4, application.encode())
    section = unsigned(_MAGIC, 4) + pack("<HHq", 1, 0, -1) + name + _option(0, b"")
    resolution = _option(_RESOLUTION, unsigned(_MICROSECONDS, 1)) + _option(0, b"")
    return _block(_SECTION, section) + _block(_INTERFACE, pack("<HHI", _TAP, 0, _SNAP) + resolution)


def secret_block(secret: Secret) -> bytes:
    """A decryption secrets block: it must stand before the frames that it opens."""
    data = secret.key + unsigned(secret.pan_id, 2)
    if secret.nodes is not None:
        data += b"".join(unsigned(node, 2) for node in sorted(secret.nodes))
    kind = _NETWORK_KEY if secret.nodes is None else _APS_KEY
    return _block(_SECRETS, pack("<II", kind, len(data)) + _padded(data))


def packet_block(captured: Captured) -> bytes:
    """One frame as an enhanced packet block."""
    tags = _tag(_FCS, b"\x01") + _tag(_CHANNEL, pack("<HB", captured.channel, 0))
    if captured.rssi_dbm is not None:
        tags += _tag(_RSS, pack("<f", captured.rssi_dbm))
    if captured.lqi is not None:
        tags += _tag(_LQI, unsigned(captured.lqi, 1))
    data = pack("<BBH", 0, 0, 4 + len(tags)) + tags + captured.frame
    ticks = (captured.at - _EPOCH) // timedelta(microseconds=1)
    header = pack("<IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
    return _block(_PACKET, header + _padded(data))


def read(raw: bytes) -> tuple[list[Captured], list[Secret]]:
    """The frames and the keys of a capture of ours, or of another little-endian one with this link type.

    Raises Malformed. Blocks of other kinds are passed over.
    """
    frames: list[Captured] = []
    secrets: list[Secret] = []
    kinds = list(_blocks(raw))
    if not kinds or kinds[0][0] != _SECTION:
        raise Malformed("not a pcapng file")
    for kind, body in kinds:
        if kind == _INTERFACE and Octets(body).unsigned(2) != _TAP:
            raise Malformed("a capture of another link type than 802.15.4 TAP")
        if kind == _PACKET:
            frames.append(_captured(Octets(body)))
        elif kind == _SECRETS:
            secrets += _secrets(Octets(body))
    return frames, secrets


def _blocks(raw: bytes) -> Iterator[tuple[int, bytes]]:
    octets = Octets(raw)
    while octets.left:
        kind, size = octets.unsigned(4), octets.unsigned(4)
        if size % 4 or not 12 <= size <= MOST_BLOCK:
            raise Malformed(f"a block of {size} bytes")
        body = octets.take(size - 12)
        if octets.unsigned(4) != size:
            raise Malformed("a block whose two sizes differ")
        if kind == _SECTION and body[:4] != unsigned(_MAGIC, 4):
            raise Malformed("a section that is not little-endian")
        yield kind, body


def _captured(octets: Octets) -> Captured:
    _, high, low, size, _ = (octets.unsigned(4) for _ in range(5))
    data = Octets(octets.take(size))
    data.take(2)
    tags = Octets(data.take(max(data.unsigned(2) - 4, 0)))
    told: dict[int, bytes] = {}
    while tags.left:
        kind, length = tags.unsigned(2), tags.unsigned(2)
        told[kind] = tags.take(length)
        tags.take(min(-length % 4, tags.left))
    if told.get(_FCS, b"\x00")[:1] != b"\x01":
        raise Malformed("a frame without its checksum")
    return Captured(
        at=_EPOCH + timedelta(microseconds=high << 32 | low),
        frame=data.rest(),
        channel=int.from_bytes(told.get(_CHANNEL, b"")[:2], "little"),
        rssi_dbm=unpack("<f", told[_RSS][:4])[0] if len(told.get(_RSS, b"")) >= 4 else None,
        lqi=told[_LQI][0] if told.get(_LQI) else None,
    )


def _secrets(octets: Octets) -> Iterator[Secret]:
    kind, size = octets.unsigned(4), octets.unsigned(4)
    data = Octets(octets.take(size))
    if kind == _NETWORK_KEY:
        yield Secret(key=data.take(16), pan_id=data.unsigned(2))
    elif kind == _APS_KEY:
        yield Secret(key=data.take(16), pan_id=data.unsigned(2), nodes=(data.unsigned(2), data.unsigned(2)))


def _block(kind: int, body: bytes) -> bytes:
    size = unsigned(12 + len(body), 4)
    return unsigned(kind, 4) + size + body + size


def _option(code: int, value: bytes) -> bytes:
    return pack("<HH", code, len(value)) + _padded(value)


def _tag(code: int, value: bytes) -> bytes:
    return pack("<HH", code, len(value)) + _padded(value)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
