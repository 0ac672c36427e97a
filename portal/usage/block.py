"""A day's values as bytes: little-endian 32-bit Wh, the least number for a missing one, then a bit per estimate."""

import struct
from collections.abc import Sequence
from functools import lru_cache

from gateway.errors import BadInput

MISSING = -(2**31)


def pack(values: Sequence[int | None], estimated: Sequence[bool]) -> bytes:
    """The block of a day; bit i of the map, least significant first, is set where value i is estimated."""
    count = len(values)
    numbers = values if None not in values else [MISSING if value is None else value for value in values]
    bits = sum(1 << place for place, flag in enumerate(estimated) if flag) if True in estimated else 0
    return _layout(count).pack(*numbers) + bits.to_bytes((count + 7) // 8, "little")


def unpack(block: bytes, count: int) -> tuple[tuple[int | None, ...], tuple[bool, ...]]:
    """Values and estimates of a block of so many quarter hours. Raises BadInput if it has another length."""
    layout = _layout(count)
    if len(block) != layout.size + (count + 7) // 8:
        raise BadInput(f"a block of {len(block)} bytes does not hold {count} quarter hours")
    numbers = layout.unpack_from(block)
    bits = int.from_bytes(block[layout.size :], "little")
    values = tuple(None if number == MISSING else number for number in numbers) if MISSING in numbers else numbers
    return values, tuple([bool(bits >> place & 1) for place in range(count)])


@lru_cache(maxsize=256)
def _layout(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}i")
