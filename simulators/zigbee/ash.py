"""ASH frames: the bytes between a host and its co-processor, pure in both directions.

Source: Silicon Labs UG101, "UART gateway protocol reference": chapters 2 (frames), 4 (stuffing, flags, randomising).
"""

from binascii import crc_hqx
from dataclasses import dataclass

FLAG, ESCAPE, XON, XOFF, SUBSTITUTE, CANCEL, WAKE = 0x7E, 0x7D, 0x11, 0x13, 0x18, 0x1A, 0xFF
RESERVED = frozenset((FLAG, ESCAPE, XON, XOFF, SUBSTITUTE, CANCEL))
VERSION = 2
MAX_DATA = 220
"""Bytes in the longest data field that today's hosts send; the guide's first edition said 128."""
_MAX_FRAME = 1 + MAX_DATA + 2


@dataclass(frozen=True, slots=True)
class Data:
    """A DATA frame: payload under a number, with the number of the frame that its sender expects next."""

    number: int
    ack: int
    payload: bytes
    again: bool = False


@dataclass(frozen=True, slots=True)
class Ack:
    """All frames before ack have come; a sender that is not ready wants no callbacks for now."""

    ack: int
    ready: bool = True


@dataclass(frozen=True, slots=True)
class Nak:
    """A frame was rejected: send again from ack on."""

    ack: int
    ready: bool = True


@dataclass(frozen=True, slots=True)
class Reset:
    """The host asks the co-processor to start over."""


@dataclass(frozen=True, slots=True)
class ResetDone:
    """The co-processor has started over, for a reason code."""

    code: int
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Failed:
    """The co-processor has given up, for a reason code, and waits for a Reset."""

    code: int
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Spoiled:
    """Something ended with a flag and was no frame; looks_like_data says whether a sender may want a NAK for it."""

    looks_like_data: bool


Frame = Data | Ack | Nak | Reset | ResetDone | Failed


def _noise() -> bytes:
    """The pseudo-random sequence that data fields are XORed with."""
    value, sequence = 0x42, bytearray()
    for _ in range(MAX_DATA):
        sequence.append(value)
        value = value >> 1 if value & 1 == 0 else (value >> 1) ^ 0xB8
    return bytes(sequence)


NOISE = _noise()


def randomised(data: bytes) -> bytes:
    """A data field after XOR with the sequence; doing it twice gives the field back."""
    size = len(data)
    return (int.from_bytes(data, "big") ^ int.from_bytes(NOISE[:size], "big")).to_bytes(size, "big")


def stuffed(raw: bytes) -> bytes:
    """Reserved bytes behind an escape, with bit 5 inverted."""
    out = bytearray()
    for byte in raw:
        if byte in RESERVED:
            out += bytes((ESCAPE, byte ^ 0x20))
        else:
            out.append(byte)
    return bytes(out)


def _body(frame: Frame) -> bytes:
    match frame:
        case Data(number, ack, payload, again):
            return bytes((number << 4 | again << 3 | ack,)) + randomised(payload)
        case Ack(ack, ready):
            return bytes((0x80 | (not ready) << 3 | ack,))
        case Nak(ack, ready):
            return bytes((0xA0 | (not ready) << 3 | ack,))
        case Reset():
            return b"\xc0"
        case ResetDone(code, version):
            return bytes((0xC1, version, code))
        case Failed(code, version):
            return bytes((0xC2, version, code))


def encode(frame: Frame) -> bytes:
    """A frame as it stands on the line: control, data, CRC, stuffed, flag."""
    body = _body(frame)
    return stuffed(body + crc_hqx(body, 0xFFFF).to_bytes(2, "big")) + bytes((FLAG,))


def parse(raw: bytes) -> Frame | None:
    """The frame in unstuffed bytes without their flag; None if they are none."""
    if len(raw) < 3 or crc_hqx(raw, 0xFFFF) != 0:
        return None
    control, data = raw[0], raw[1:-2]
    if not control & 0x80:
        if not 3 <= len(data) <= MAX_DATA:
            return None
        return Data(control >> 4, control & 7, randomised(data), bool(control & 8))
    if control & 0xC0 == 0x80 and not data:
        kind = Nak if control & 0x20 else Ack
        return kind(control & 7, not control & 8)
    if control == 0xC0 and not data:
        return Reset()
    if control in (0xC1, 0xC2) and len(data) == 2:
        done = ResetDone if control == 0xC1 else Failed
        return done(data[1], data[0])
    return None


class Unframer:
    """Bytes as they come to frames as they end, whatever lies between them. Never raises, never grows."""

    def __init__(self) -> None:
        self._frame = bytearray()
        self._escaped = False
        self._spoiled = False

    def feed(self, data: bytes) -> list[Frame | Spoiled]:
        """The frames that these bytes complete, in order."""
        found: list[Frame | Spoiled] = []
        for byte in data:
            if byte in RESERVED:
                self._reserved(byte, found)
            elif byte == WAKE and not self._frame and not self._escaped:
                continue
            else:
                self._append(byte)
        return found

    def _append(self, byte: int) -> None:
        if self._escaped:
            self._escaped = False
            byte ^= 0x20
            self._spoiled |= byte not in RESERVED
        if len(self._frame) < _MAX_FRAME:
            self._frame.append(byte)
        else:
            self._spoiled = True

    def _reserved(self, byte: int, found: list[Frame | Spoiled]) -> None:
        match byte:
            case 0x7E:  # flag: what came since the last one is a frame, or spoiled
                self._finish(found)
            case 0x7D:  # escape: an escape after an escape cannot be sent
                self._spoiled |= self._escaped
                self._escaped = True
            case 0x1A:  # cancel: forget the frame in progress
                self._clear()
            case 0x18:  # substitute: a byte was lost on the line
                self._spoiled = True
            case _:  # flow control is the line's business
                return

    def _finish(self, found: list[Frame | Spoiled]) -> None:
        raw, spoiled = bytes(self._frame), self._spoiled or self._escaped
        self._clear()
        if not raw:
            return
        frame = None if spoiled else parse(raw)
        found.append(frame if frame is not None else Spoiled(not raw[0] & 0x80))

    def _clear(self) -> None:
        self._frame.clear()
        self._escaped = self._spoiled = False
