"""ASH frames on published vectors and on garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.zigbee.ash import (
    MAX_DATA,
    NOISE,
    RESERVED,
    Ack,
    Data,
    Failed,
    Frame,
    Nak,
    Reset,
    ResetDone,
    Spoiled,
    Unframer,
    encode,
)

VECTORS: list[tuple[str, Frame]] = [
    ("c038bc7e", Reset()),
    ("c1020b0a527e", ResetDone(0x0B)),
    ("c20251a8bd7e", Failed(0x51)),
    ("8160597e", Ack(1)),
    ("a634dc7e", Nak(6)),
    ("254221a856a6097e", Data(2, 5, bytes((0, 0, 0, 2)))),
]


@pytest.mark.parametrize(("line", "frame"), VECTORS)
def test_published_frames_are_written_and_read(line: str, frame: Frame) -> None:
    assert encode(frame).hex() == line
    assert Unframer().feed(bytes.fromhex(line)) == [frame]


def test_the_random_sequence_is_the_published_one() -> None:
    assert NOISE[:12].hex() == "4221a8542a15b259944a25aa"


frames = st.one_of(
    st.builds(Data, st.integers(0, 7), st.integers(0, 7), st.binary(min_size=3, max_size=MAX_DATA), st.booleans()),
    st.builds(Ack, st.integers(0, 7), st.booleans()),
    st.builds(Nak, st.integers(0, 7), st.booleans()),
    st.builds(ResetDone, st.integers(0, 255)),
    st.just(Reset()),
)


@given(frames)
def test_every_frame_survives_the_line_and_carries_no_reserved_byte(frame: Frame) -> None:
    line = encode(frame)
    assert not set(line[:-1]) & (RESERVED - {0x7D})
    assert Unframer().feed(line) == [frame]


@given(st.lists(st.binary(max_size=600)), frames)
def test_garbage_never_raises_and_never_hides_the_frame_after_a_flag(garbage: list[bytes], frame: Frame) -> None:
    unframer = Unframer()
    for piece in garbage:
        unframer.feed(piece)
    assert unframer.feed(b"\x7e" + encode(frame))[-1] == frame


@given(frames, st.data())
def test_a_frame_may_come_in_any_pieces(frame: Frame, data: st.DataObject) -> None:
    line, unframer, found = encode(frame), Unframer(), []
    cut = data.draw(st.integers(0, len(line)))
    found += unframer.feed(line[:cut])
    found += unframer.feed(line[cut:])
    assert found == [frame]


def test_cancel_drops_what_came_before_it() -> None:
    assert Unframer().feed(b"\x25\x42" + b"\x1a" * 32 + encode(Reset())) == [Reset()]


def test_substitute_drops_everything_up_to_the_next_flag() -> None:
    assert Unframer().feed(b"\x18" + encode(Ack(1)) + encode(Ack(2))) == [Spoiled(looks_like_data=False), Ack(2)]


def test_flow_control_and_wake_bytes_are_no_part_of_a_frame() -> None:
    assert Unframer().feed(b"\xff\xff\x11\x81\x13\x60\x59\x7e") == [Ack(1)]


def test_an_over_long_frame_is_dropped_and_the_next_is_read() -> None:
    found = Unframer().feed(b"\x01" * 5000 + b"\x7e" + encode(Ack(3)))
    assert found == [Spoiled(looks_like_data=True), Ack(3)]
