"""One meter-day as bytes, said plainly: the kernels do the same for many at once, and are tested against this.

    format u8 | count u8 | width u8 | least i32 | missing map | estimated map | values

All is little-endian. format has bit 0 set if the estimated map is there, bit 1 if the missing map is; a map has a bit
for each quarter hour, the first in the least significant bit of the first byte, its last bits zero. The values follow
each other in width bits, the first in the least significant ones, each less the least of them all; a missing one is
written as zero. A day of which nothing is known has width 0 and least 0.
"""

import struct
from collections.abc import Sequence

from gateway.errors import BadInput

ESTIMATED, MISSING = 1, 2
HEADER = struct.Struct("<BBBi")
LEAST_WH, MOST_WH = -(2**31), 2**31 - 1
MOST_COUNT = 100


def pack(values: Sequence[int | None], estimated: Sequence[bool]) -> bytes:
    """The block of a day in Wh, None for a missing value. Raises BadInput for a value of more than 32 bits."""
    known = [value for value in values if value is not None]
    least, most = min(known, default=0), max(known, default=0)
    if least < LEAST_WH or most > MOST_WH:
        raise BadInput("a quarter hour of more than 32 bits cannot be kept")
    width, count = (most - least).bit_length(), len(values)
    bits = 0
    for value in reversed(values):
        bits = bits << width | (0 if value is None else value - least)
    maps, form = b"", 0
    if len(known) < count:
        maps, form = _map([value is None for value in values]), MISSING
    if True in estimated:
        maps, form = maps + _map(estimated), form | ESTIMATED
    return HEADER.pack(form, count, width, least) + maps + bits.to_bytes((count * width + 7) // 8, "little")


def unpack(block: bytes) -> tuple[tuple[int | None, ...], tuple[bool, ...]]:
    """Values and estimates of a block. Raises BadInput for bytes that are none."""
    if len(block) < HEADER.size:
        raise BadInput(f"{len(block)} bytes are no block of a day")
    form, count, width, least = HEADER.unpack_from(block)
    size = (count + 7) // 8
    at = HEADER.size + size * form.bit_count()
    if form > 3 or count > MOST_COUNT or width > 32 or len(block) != at + (count * width + 7) // 8:
        raise BadInput(f"{len(block)} bytes are no block of {count} quarter hours of {width} bits")
    bits, mask = int.from_bytes(block[at:], "little"), (1 << width) - 1
    values = [least + (bits >> place * width & mask) for place in range(count)]
    missing = _flags(block, HEADER.size, count) if form & MISSING else (False,) * count
    estimated = _flags(block, at - size, count) if form & ESTIMATED else (False,) * count
    return tuple(None if gone else value for value, gone in zip(values, missing, strict=True)), estimated


def _map(flags: Sequence[bool]) -> bytes:
    bits = sum(1 << place for place, flag in enumerate(flags) if flag)
    return bits.to_bytes((len(flags) + 7) // 8, "little")


def _flags(block: bytes, at: int, count: int) -> tuple[bool, ...]:
    bits = int.from_bytes(block[at : at + (count + 7) // 8], "little")
    return tuple([bool(bits >> place & 1) for place in range(count)])
