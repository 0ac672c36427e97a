"""The simulated line's own frames: published vectors, and garbage."""

from hypothesis import given
from hypothesis import strategies as st

from simulators.modbus import frames
from simulators.modbus.frames import Request

READ = bytes.fromhex("03 006B 0003")
"""The read of section 6.3 of the application protocol, and its answer."""
ANSWER = bytes.fromhex("03 06 022B 0000 0064")


def test_the_checksum_is_the_published_one() -> None:
    assert frames.crc16(bytes.fromhex("0207")).to_bytes(2, "little") == bytes.fromhex("4112")
    assert frames.crc16(b"123456789") == 0x4B37


def test_a_published_request_is_understood_in_both_framings() -> None:
    expected = Request(unit=17, function=3, first=0x6B, count=3)
    serial = b"\x11" + READ + frames.crc16(b"\x11" + READ).to_bytes(2, "little")
    assert frames.rtu_requests(serial) == ([expected], b"")
    tcp = bytes.fromhex("0001 0000 0006 11") + READ
    assert frames.tcp_requests(tcp) == ([Request(17, 3, 0x6B, 3, tag=1)], b"")


def test_a_published_answer_is_made() -> None:
    assert frames.registers_body(3, [0x022B, 0, 0x64]) == ANSWER
    assert frames.exception_body(3, 2) == bytes.fromhex("8302")
    asked = Request(17, 3, 0x6B, 3, tag=0x1234)
    assert frames.tcp_frame(asked, ANSWER) == bytes.fromhex("1234 0000 0009 11") + ANSWER
    assert frames.rtu_frame(asked, ANSWER) == b"\x11" + ANSWER + frames.crc16(b"\x11" + ANSWER).to_bytes(2, "little")


@given(st.binary(max_size=7), st.lists(st.integers(1, 5), max_size=12))
def test_serial_requests_are_found_behind_noise_and_in_pieces(noise: bytes, cuts: list[int]) -> None:
    frame = b"\x11" + READ + frames.crc16(b"\x11" + READ).to_bytes(2, "little")
    stream, buffer, found = noise + frame, b"", []
    for size in [*cuts, len(stream)]:
        requests, buffer = frames.rtu_requests(buffer + stream[:size])
        stream = stream[size:]
        found += requests
    assert Request(unit=17, function=3, first=0x6B, count=3) in found


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_value_error(data: bytes) -> None:
    frames.rtu_requests(data)
    try:
        frames.tcp_requests(data)
    except ValueError:
        return
