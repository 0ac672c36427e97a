"""Fragments: cut and put together again, whatever order, loss, repetition or malice brings."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.zigbee.fragments import (
    MOST_DONE,
    MOST_FRAGMENTS,
    MOST_MESSAGES,
    MOST_OF_ONE,
    PATIENCE_S,
    Assembler,
    Origin,
    Taken,
    TooLong,
    acknowledgement,
    cut,
    group,
    room,
)

MESSAGE = bytes(range(200))
SIZE = 71


def origin(sender: int = 0x1000, sequence: int = 7, encrypted: bool = True, **changes: Any) -> Origin:
    told: dict[str, Any] = {"profile": 0x0109, "cluster": 0x0703, "endpoints": (9, 1), **changes}
    return Origin(sender=sender, sequence=sequence, encrypted=encrypted, **told)


def pieces(data: bytes = MESSAGE) -> list[tuple[int, bytes]]:
    """Group ids and bytes as a co-processor hands them up: the number of all only with the first."""
    fragments = cut(data, SIZE)
    return [(group(len(fragments), 0) if index == 0 else index, piece) for index, piece in enumerate(fragments)]


def test_a_frame_carries_82_bytes_less_what_it_goes_with() -> None:
    assert (room(encrypted=False), room(encrypted=True)) == (82, 73)
    assert (room(encrypted=False, in_fragments=True), room(encrypted=True, in_fragments=True)) == (80, 71)


def test_group_ids_tell_the_index_and_acknowledge_it() -> None:
    assert (group(3, 0), group(3, 2), acknowledgement(2)) == (0x0300, 0x0302, 0xFF02)


@pytest.mark.parametrize("length", [1, 70, 71, 72, 142, 143, 255])
def test_what_is_cut_is_whole_again(length: int) -> None:
    data = MESSAGE[:1] * length
    assembler, taken = Assembler(), Taken(False)
    for number, (group_id, piece) in enumerate(pieces(data)):
        assert len(piece) <= SIZE
        taken = assembler.take(origin(), group_id, piece, number)
        assert taken.acknowledged
    assert taken.whole == data
    assert assembler.unfinished == 0


def test_what_is_too_long_is_not_cut() -> None:
    assert len(cut(bytes(MOST_FRAGMENTS * SIZE), SIZE)) == MOST_FRAGMENTS
    with pytest.raises(TooLong):
        cut(bytes(MOST_FRAGMENTS * SIZE + 1), SIZE)


@given(seed=st.integers(0, 2**32), repeats=st.integers(1, 3))
def test_order_and_repetition_change_nothing_and_it_is_whole_once(seed: int, repeats: int) -> None:
    dealt = pieces() * repeats
    random.Random(seed).shuffle(dealt)
    assembler = Assembler()
    taken = [assembler.take(origin(), group_id, piece, 0.0) for group_id, piece in dealt]
    assert all(one.acknowledged for one in taken)
    assert [one.whole for one in taken if one.whole is not None] == [MESSAGE]


def test_the_last_fragment_again_is_acknowledged_and_not_delivered_again() -> None:
    assembler = Assembler()
    for group_id, piece in pieces():
        assembler.take(origin(), group_id, piece, 0.0)
    assert assembler.take(origin(), *pieces()[-1], 1.0) == Taken(True)


def test_a_missing_fragment_is_waited_for_and_then_no_more() -> None:
    assembler = Assembler()
    first, second, third = pieces()
    assembler.take(origin(), *first, 0.0)
    assembler.take(origin(), *third, PATIENCE_S - 1)
    assert assembler.take(origin(), *second, 2 * PATIENCE_S - 2).whole == MESSAGE
    assembler = Assembler()
    assembler.take(origin(), *first, 0.0)
    assert assembler.take(origin(), *third, PATIENCE_S) == Taken(True)
    assert assembler.take(origin(), *second, PATIENCE_S) == Taken(True)
    assert assembler.unfinished == 1


def test_senders_and_messages_do_not_mix() -> None:
    assembler = Assembler()
    others = [origin(), origin(sender=0x2000), origin(sequence=8)]
    wholes = []
    for place in range(len(pieces())):
        for number, one in enumerate(others):
            group_id, piece = pieces(bytes([number]) * 200)[place]
            wholes.append(assembler.take(one, group_id, piece, 0.0).whole)
    assert [whole[0] for whole in wholes if whole] == [0, 1, 2]


@pytest.mark.parametrize(
    "change", [{"encrypted": False}, {"cluster": 0x0702}, {"profile": 0x0104}, {"endpoints": (8, 1)}]
)
def test_a_fragment_of_another_kind_completes_nothing(change: dict[str, Any]) -> None:
    assembler = Assembler()
    first, second, third = pieces()
    assembler.take(origin(), *first, 0.0)
    assembler.take(origin(**change), *second, 0.0)
    assert assembler.take(origin(), *third, 0.0).whole is None


@pytest.mark.parametrize("group_id", [0x0000, group(MOST_FRAGMENTS + 1, 0), 0xFF00, 0x00FF, MOST_FRAGMENTS])
def test_a_count_or_a_place_that_cannot_be_is_refused_and_costs_nothing(group_id: int) -> None:
    assembler = Assembler()
    assert assembler.take(origin(), group_id, b"x", 0.0) == Taken(False)
    assert assembler.unfinished == 0


@pytest.mark.parametrize(
    ("before", "then"), [((0x0300, 1), 0x0400), ((0x0200,), 2), ((2, 1), 0x0200), ((0x0300, 2), 0x0200)]
)
def test_a_message_that_contradicts_itself_is_dropped(before: tuple[int, ...], then: int) -> None:
    assembler = Assembler()
    for group_id in before:
        assembler.take(origin(), group_id, b"x", 0.0)
    refused = assembler.take(origin(), then, b"x", 0.0)
    assert refused.whole is None
    assert not refused.acknowledged
    assert assembler.unfinished == 0


def test_one_sender_does_not_take_the_others_room() -> None:
    assembler = Assembler()
    taken = [assembler.take(origin(sequence=sequence), 0x0300, b"x", 0.0).acknowledged for sequence in range(256)]
    assert sum(taken) == assembler.unfinished == MOST_OF_ONE
    assert assembler.take(origin(sender=0x2000), 0x0300, b"x", 0.0).acknowledged
    for sender in range(0x3000, 0x3100):
        assembler.take(origin(sender=sender), 0x0300, b"x", 0.0)
    assert assembler.unfinished == MOST_MESSAGES
    assert assembler.take(origin(sender=0x4000), 0x0300, b"x", PATIENCE_S).acknowledged


@given(
    frames=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 0xFFFF), st.binary(max_size=4)), max_size=200
    )
)
def test_nothing_that_comes_makes_it_grow(frames: list[tuple[int, int, int, bytes]]) -> None:
    assembler = Assembler()
    for number, (sender, sequence, group_id, piece) in enumerate(frames):
        assembler.take(origin(sender=sender, sequence=sequence), group_id, piece, number / 100)
        assert assembler.unfinished <= MOST_MESSAGES
        assert len(assembler._done) <= MOST_DONE
        assert all(len(one.pieces) <= MOST_FRAGMENTS for one in assembler._messages.values())
