"""Pieces of memory that is used again: nothing is lost or written over too early, whatever comes at once."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from portal.usage.ahead import ahead
from portal.usage.pieces import ROOM, filled, read_from


@given(st.lists(st.binary(max_size=40)), st.integers(1, 50), st.integers(0, 3))
def test_pieces_are_the_bytes_in_order_however_they_come_and_are_drawn(
    given_: list[bytes], size: int, most: int
) -> None:
    held, kept = set[int](), most + 2 if most else 1

    def noted() -> Iterator[tuple[bytearray, bool]]:
        for memory, final in filled(read_from(iter(given_)), size, kept):
            held.add(id(memory))
            yield memory, final

    found = [(bytes(memory[ROOM:]), final) for memory, final in (ahead(noted(), most) if most else noted())]
    assert b"".join(piece for piece, _ in found) == b"".join(given_)
    assert all(len(piece) == size for piece, _ in found[:-1])
    assert [final for _, final in found] == [False] * (len(found) - 1) + [True]
    assert len(held) <= kept


def test_memory_is_used_again_without_a_reader_ahead() -> None:
    memories = [id(memory) for memory, _ in filled(read_from(iter([bytes(100)])), 10)]
    assert (len(memories), len(set(memories))) == (11, 1)
