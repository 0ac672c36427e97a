"""Modbus requests out of bytes and answers into bytes, on TCP and in serial frames (pure).

Source: Modbus Application Protocol 1.1b3, sections 4.1, 6.3, 6.4 and 7; Modbus Messaging on TCP/IP 1.0b, section 3.1;
Modbus over Serial Line 1.02, section 6.2.2.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

READ_HOLDING, READ_INPUT = 3, 4
_HEADER = struct.Struct(">HHHB")
_BODY = struct.Struct(">BHH")
_RTU_REQUEST = 8
_LONGEST = 260


@dataclass(frozen=True, slots=True)
class Request:
    """A read of registers. first and count are None where the function is no read; tag is the TCP transaction."""

    unit: int
    function: int
    first: int | None
    count: int | None
    tag: int = 0


def crc16(data: bytes) -> int:
    """The checksum of a serial frame, which sends its low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def tcp_requests(buffer: bytes) -> tuple[list[Request], bytes]:
    """Whole requests at the head of a buffer and what is left of it. Raises ValueError for what is not Modbus/TCP."""
    found = []
    while len(buffer) >= _HEADER.size:
        tag, protocol, length, unit = _HEADER.unpack_from(buffer)
        if protocol or not 2 <= length <= _LONGEST - 6:
            raise ValueError("not a Modbus/TCP header")
        if len(buffer) < 6 + length:
            break
        found.append(_request(unit, buffer[_HEADER.size : 6 + length], tag))
        buffer = buffer[6 + length :]
    return found, buffer


def rtu_requests(buffer: bytes) -> tuple[list[Request], bytes]:
    """Whole read requests in a buffer of serial bytes, and what is left of it; bytes before a good frame are noise."""
    found = []
    while len(buffer) >= _RTU_REQUEST:
        frame = buffer[:_RTU_REQUEST]
        good = crc16(frame[:-2]) == int.from_bytes(frame[-2:], "little") and frame[1] in {READ_HOLDING, READ_INPUT}
        if good:
            found.append(_request(frame[0], frame[1:-2], 0))
        buffer = buffer[_RTU_REQUEST if good else 1 :]
    return found, buffer


def tcp_frame(request: Request, body: bytes) -> bytes:
    """An answer on Modbus/TCP."""
    return _HEADER.pack(request.tag, 0, len(body) + 1, request.unit) + body


def rtu_frame(request: Request, body: bytes) -> bytes:
    """An answer as a serial frame."""
    frame = bytes([request.unit]) + body
    return frame + crc16(frame).to_bytes(2, "little")


def registers_body(function: int, words: Sequence[int]) -> bytes:
    """The answer that holds words of 16 bits."""
    return struct.pack(f">BB{len(words)}H", function, 2 * len(words), *words)


def exception_body(function: int, code: int) -> bytes:
    """The answer that refuses."""
    return bytes([function | 0x80, code])


def _request(unit: int, body: bytes, tag: int) -> Request:
    if body[0] in {READ_HOLDING, READ_INPUT} and len(body) == _BODY.size:
        function, first, count = _BODY.unpack(body)
        return Request(unit, function, first, count, tag)
    return Request(unit, body[0], None, None, tag)
