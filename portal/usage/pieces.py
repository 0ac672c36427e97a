"""A file's bytes in large pieces of memory that is used again and again: fresh memory costs as much as parsing does."""

from collections.abc import Callable, Iterator
from itertools import count

Read = Callable[[memoryview], int]
"""Puts a file's next bytes into memory, as many as there is room for if it likes; says how many, 0 at the end."""

Data = bytes | bytearray
"""Text of a file."""
Pieces = Iterator[tuple[bytearray, bool]]
"""Text behind each ROOM; True with the last."""

SMALL, LARGE = 1 << 18, 8 << 20
"""Bytes of a piece, at least and at most; between them as many as the file has, packed or not."""
ROOM = 1 << 16
"""What is free in front of a piece: there its user may put what is left of the one before."""


def filled(read: Read, size: int = LARGE, kept: int = 1) -> Pieces:
    """Pieces that begin behind their ROOM, of so many bytes; the last, perhaps of fewer or none, come with True.

    A piece is written over once so many more are asked for.
    """
    memories: list[bytearray] = []
    for turn in count():
        if len(memories) < kept:
            memories.append(bytearray(ROOM + size))
        memory = memories[turn % kept]
        with memoryview(memory) as view:
            end = ROOM + fill(read, view[ROOM:])
        if end < len(memory):
            del memory[end:]
            yield memory, True
            return
        yield memory, False


def fill(read: Read, memory: memoryview) -> int:
    """Fill memory, unless the file ends before; how many bytes it holds then."""
    size = 0
    while size < len(memory) and (more := read(memory[size:])):
        size += more
    return size


def read_from(pieces: Iterator[bytes]) -> Read:
    """Bytes that come in pieces of any size, to be read."""
    rest = memoryview(b"")

    def read(into: memoryview) -> int:
        nonlocal rest
        while not rest:
            piece = next(pieces, None)
            if piece is None:
                return 0
            rest = memoryview(piece)
        count = min(len(into), len(rest))
        into[:count] = rest[:count]
        rest = rest[count:]
        return count

    return read
