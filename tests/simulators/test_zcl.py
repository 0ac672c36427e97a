"""ZCL and ZDO requests answered by a node's servers, byte for byte, and on garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.zigbee import zcl, zdo
from simulators.zigbee.clusters import Fixed
from simulators.zigbee.zcl import ENUM8, INT24, INT32, TEXT, UINT48, Value

SERVER = Fixed(
    {
        0x0000: Value(UINT48, 0x010203040506),
        0x0004: Value(TEXT, b"abc"),
        0x0300: Value(ENUM8, 0x80),
        0x0400: Value(INT24, -2),
    }
)


def served(request: str, room: int = 82) -> str | None:
    answer = zcl.serve(SERVER, bytes.fromhex(request), room)
    return None if answer is None else answer.hex(" ")


def test_read_attributes_gives_each_attribute_its_status_type_and_value() -> None:
    assert served("00 07 00 0000 0004 0999") == ("18 07 01 00 00 00 25 06 05 04 03 02 01 00 04 00 2a fe ff ff 09 99 86")


def test_signed_integers_of_every_width_are_read_as_they_were_written() -> None:
    for kind in (INT24, INT32):
        body = b"\x02\x00\x00" + bytes((kind,)) + zcl.encode(Value(kind, -21600))
        assert zcl.read_records(body) == {0x0002: Value(kind, -21600)}


def test_what_has_no_room_is_left_out_of_the_answer() -> None:
    assert served("00 07 00 0400 0000", room=14) == "18 07 01 04 00 00 42 03 61 62 63"


def test_discover_attributes_lists_ids_and_types_and_says_whether_that_is_all() -> None:
    assert served("00 01 0c 0000 ff") == "18 01 0d 01 00 00 25 04 00 42 00 03 30 00 04 2a"
    assert served("00 01 0c 0400 01") == "18 01 0d 00 04 00 42"


def test_writing_is_read_only_or_unsupported_attribute() -> None:
    assert served("00 02 02 0400 42 02 7879 9909 20 05") == "18 02 04 88 04 00 86 99 09"


def test_a_write_without_response_is_not_answered() -> None:
    assert served("00 02 05 0400 42 02 7879") is None


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("01 09 33", "81"),
        ("00 09 33", "82"),
        ("00 09 00 00", "80"),
        ("00 09 02 0400 77 00", "80"),
        ("05 34 12 09 33", "83"),
        ("04 34 12 09 00 0000", "84"),
        ("08 09 00 0000", "82"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_status(request_: str, status: str) -> None:
    answer = served(request_)
    assert answer is not None
    assert answer.endswith(status)
    assert answer.split()[-3] == "0b"


def test_a_default_response_is_never_answered() -> None:
    assert served("00 09 0b 00 86") is None


@given(st.binary(max_size=100), st.integers(20, 82))
def test_any_bytes_are_answered_within_the_room_or_not_at_all(request_: bytes, room: int) -> None:
    answer = zcl.serve(SERVER, request_, room)
    assert answer is None or len(answer) <= max(room, 82)


IDENTITY = zdo.Identity(eui64=0x000D6F0007000001, nwk=0x1234)
ENDPOINTS = {9: zdo.Descriptor(profile=0x0109, device=0x0501, servers=(0, 0x0702), clients=(0x0800,))}


def told(cluster: int, payload: str, broadcast: bool = False) -> str | None:
    answer = zdo.answer(IDENTITY, ENDPOINTS, cluster, bytes.fromhex(payload), broadcast)
    return None if answer is None else f"{answer[0]:04x} {answer[1].hex(' ')}"


def test_a_node_tells_its_addresses() -> None:
    assert told(0x0000, "07 01000007006f0d00 00 00") == "8000 07 00 01 00 00 07 00 6f 0d 00 34 12"
    assert told(0x0001, "07 3412 00 00") == "8001 07 00 01 00 00 07 00 6f 0d 00 34 12"


def test_a_node_tells_its_endpoints() -> None:
    assert told(0x0005, "08 3412") == "8005 08 00 34 12 01 09"
    assert told(0x0004, "08 3412 09") == "8004 08 00 34 12 0e 09 09 01 01 05 00 02 00 00 02 07 01 00 08"
    assert told(0x0004, "08 3412 01") == "8004 08 83 34 12 00"
    assert told(0x0004, "08 3412 00") == "8004 08 82 34 12 00"


def test_a_question_about_somebody_else_is_not_found_and_a_broadcast_one_is_left_to_him() -> None:
    assert told(0x0002, "08 9999") == "8002 08 81 99 99"
    assert told(0x0000, "07 0200000007006f0d 00 00", broadcast=True) is None


def test_what_a_node_does_not_do_is_not_supported() -> None:
    assert told(0x0031, "09 00") == "8031 09 84"
    assert told(0x0036, "09 3c 01", broadcast=True) is None
    assert told(0x8005, "09 00") is None


@given(st.integers(0, 0xFFFF), st.binary(max_size=60), st.booleans())
def test_any_zdo_bytes_are_answered_or_not(cluster: int, payload: bytes, broadcast: bool) -> None:
    answer = zdo.answer(IDENTITY, ENDPOINTS, cluster, payload, broadcast)
    assert answer is None or answer[0] == cluster | 0x8000
