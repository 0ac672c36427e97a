"""The co-processor's end of an ASH link: windows, repeats, rejects, resets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.zigbee.ash import Ack, Data, Failed, Frame, Nak, Reset, ResetDone, Spoiled, Unframer, encode
from simulators.zigbee.ash_link import AshLink, ResetAsked

ASK = b"ask"


def written(link: AshLink, now: float = 0.0) -> list[Frame | Spoiled]:
    return Unframer().feed(link.outgoing(now))


def started(window: int = 5, limit: int = 255) -> AshLink:
    link = AshLink(window, limit)
    link.start(0x0B)
    assert written(link) == [ResetDone(0x0B)]
    return link


def test_a_payload_is_delivered_once_and_acknowledged() -> None:
    link = started()
    assert link.receive(encode(Data(0, 0, ASK)), 0) == [ASK]
    assert written(link) == [Ack(1)]


def test_a_response_carries_the_acknowledgement() -> None:
    link = started()
    link.receive(encode(Data(0, 0, ASK)), 0)
    link.respond(b"yes")
    assert written(link) == [Data(0, 1, b"yes")]


def test_a_response_overtakes_callbacks_that_wait() -> None:
    link = started(window=1)
    link.call_back(b"cb1")
    link.respond(b"yes")
    assert written(link) == [Data(0, 0, b"yes")]


def test_a_repeated_frame_is_acknowledged_and_not_delivered() -> None:
    link = started()
    link.receive(encode(Data(0, 0, ASK)), 0)
    assert link.receive(encode(Data(0, 0, ASK, again=True)), 0) == []
    assert written(link) == [Ack(1)]


def test_one_nak_per_reject_condition_and_a_frame_in_sequence_ends_it() -> None:
    link = started()
    assert link.receive(encode(Data(3, 0, ASK)) + encode(Data(4, 0, ASK)), 0) == []
    assert written(link) == [Nak(0)]
    assert link.receive(encode(Data(0, 0, ASK)), 0) == [ASK]
    assert written(link) == [Ack(1)]
    link.receive(encode(Data(5, 0, ASK)), 0)
    assert written(link) == [Nak(1)]


def test_a_spoiled_data_frame_is_rejected() -> None:
    link = started()
    spoiled = bytearray(encode(Data(0, 0, ASK)))
    spoiled[2] ^= 1
    assert link.receive(bytes(spoiled), 0) == []
    assert written(link) == [Nak(0)]


@pytest.mark.parametrize("window", [1, 3, 7])
def test_no_more_than_a_window_is_unacknowledged(window: int) -> None:
    link = started(window)
    for number in range(10):
        link.call_back(bytes((number, 0, 0)))
    first = written(link)
    assert [frame.number for frame in first if isinstance(frame, Data)] == list(range(window))
    link.receive(encode(Ack(1)), 0.01)
    assert written(link) == [Data(window % 8, 0, bytes((window, 0, 0)))]


def test_a_nak_makes_the_link_repeat_from_there() -> None:
    link = started(3)
    for payload in (b"one", b"two", b"six"):
        link.call_back(payload)
    written(link)
    link.receive(encode(Nak(1)), 0.1)
    assert written(link) == [Data(1, 0, b"two", again=True), Data(2, 0, b"six", again=True)]


def test_an_acknowledgement_of_frames_never_sent_is_ignored() -> None:
    link = started(3)
    link.call_back(b"one")
    written(link)
    link.receive(encode(Ack(5)), 0.1)
    assert link.deadline() is not None


def test_unacknowledged_frames_are_repeated_with_growing_waits_and_then_the_link_fails() -> None:
    link, now, waits = started(1), 0.0, []
    link.call_back(b"one")
    written(link, now)
    while not link.failed:
        deadline = link.deadline()
        assert deadline is not None
        waits.append(round(deadline - now, 3))
        now = deadline
        link.tick(now)
        frames = written(link, now)
    assert waits == [1.6, 3.2, 3.2, 3.2, 3.2, 3.2]
    assert frames == [Failed(0x51)]


def test_a_failed_link_answers_everything_with_error_until_it_is_reset() -> None:
    link = AshLink(1, timeouts=0)
    link.start(0x0B)
    link.call_back(b"one")
    written(link, 0)
    link.tick(10)
    assert written(link, 10) == [Failed(0x51)]
    assert link.receive(encode(Data(0, 0, ASK)), 11) == []
    assert written(link, 11) == [Failed(0x51)]
    assert link.receive(encode(Reset()), 12) == [ResetAsked()]
    link.start(0x0B)
    assert written(link, 12) == [ResetDone(0x0B)]
    assert link.receive(encode(Data(0, 0, ASK)), 13) == [ASK]


def test_a_greeting_answers_the_reset_that_a_host_begins_with_and_no_later_one() -> None:
    link = AshLink()
    link.start(0x0B, greeting=True)
    assert link.receive(encode(Reset()), 0) == []
    assert link.receive(encode(Reset()), 1) == [ResetAsked()]
    link.start(0x0B, greeting=True)
    link.receive(encode(Ack(0)), 2)
    assert link.receive(encode(Reset()), 3) == [ResetAsked()]


def test_the_wait_adapts_to_a_quick_host() -> None:
    link, now = started(1), 0.0
    for number in range(20):
        link.call_back(b"one")
        written(link, now)
        link.receive(encode(Ack((number + 1) % 8)), now + 0.01)
        now += 1
    link.call_back(b"one")
    written(link, now)
    deadline = link.deadline()
    assert deadline is not None
    assert round(deadline - now, 6) == 0.4


def test_callbacks_wait_while_the_host_is_not_ready_for_a_second_at_most() -> None:
    link = started()
    link.receive(encode(Ack(0, ready=False)), 0.0)
    link.call_back(b"one")
    link.respond(b"yes")
    assert written(link, 0.5) == [Data(0, 0, b"yes")]
    assert link.deadline() == 1.0
    assert written(link, 1.0) == [Data(1, 0, b"one")]


def test_callbacks_go_on_when_the_host_says_that_it_is_ready() -> None:
    link = started()
    link.receive(encode(Ack(0, ready=False)), 0.0)
    link.call_back(b"one")
    link.receive(encode(Ack(0)), 0.1)
    assert written(link, 0.1) == [Data(0, 0, b"one")]


def test_callbacks_beyond_the_limit_are_refused() -> None:
    link = started(limit=2)
    assert [link.call_back(b"one") for _ in range(3)] == [True, True, False]


def test_a_host_that_acknowledges_nothing_can_ask_for_only_so_much() -> None:
    link = started(window=1)
    heard = 0
    for number in range(200):
        for _ in link.receive(encode(Data(number % 8, 0, ASK)), 0):
            heard += 1
            link.respond(b"yes")
        written(link)
    assert heard == 33


def test_a_window_has_one_to_seven_frames() -> None:
    with pytest.raises(ValueError, match="1 to 7"):
        AshLink(8)


@given(st.lists(st.one_of(st.binary(max_size=300), st.builds(encode, st.builds(Ack, st.integers(0, 7))))))
def test_garbage_from_the_line_never_raises_and_a_reset_is_always_heard(pieces: list[bytes]) -> None:
    link, now = started(), 0.0
    for piece in pieces:
        link.call_back(b"one")
        link.receive(piece, now)
        link.outgoing(now)
        now += 0.5
        link.tick(now)
    assert link.receive(b"\x1a" * 32 + encode(Reset()), now)[-1] == ResetAsked()
