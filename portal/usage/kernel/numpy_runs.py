"""Runs of meter-days that are written alike: all of them are compared with the first, byte by byte, in one go.

A TDSP's day of many meters is nearly always such runs: the same day, heads and labels, values of one width. Only digits
of the ESI ID and of values, and the flags, may differ from the first meter-day's.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portal.usage.pieces import Data

CELL = re.compile(rb",([0-9]{1,6}\.[0-9]{3}),([AE]),")
"""A value and its flag."""
MOST_BYTES = 1 << 19
"""Bytes compared at once: a run rarely goes on for more, since a gap or a greater value ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """n meter-days behind the first one: bytes of ESI IDs, shape (n, digits); Wh and estimates, shape (n, count)."""

    esi_ids: NDArray[np.uint8]
    values: NDArray[np.int32]
    estimated: NDArray[np.bool_]


def run_after(data: Data, at: int, end: int, esi_id: bytes, count: int) -> Run | None:
    """The meter-days from end on that are written as the one from at to end, which was found right; None without any.

    They follow each other without a gap; what stands behind the last is not looked at.
    """
    size = end - at
    rows = min(len(data) - end, MOST_BYTES) // size
    first = bytes(data[at:end])
    cells = list(CELL.finditer(first))
    widths = {len(cell[1]) for cell in cells}
    if not rows or len(cells) != count or len(widths) != 1 or first.count(esi_id) != 1:
        return None
    width = widths.pop()
    matrix = np.frombuffer(data, dtype=np.uint8, count=rows * size, offset=end).reshape(rows, size)
    starts = np.array([cell.start(1) for cell in cells])
    places = [at for at in range(width) if at != width - 4]
    digits = matrix[:, (starts[:, None] + np.array(places)).ravel()] - np.uint8(ord("0"))
    flags, name = matrix[:, starts + width + 1], first.find(esi_id)
    esi_ids = matrix[:, name : name + len(esi_id)]
    free = np.zeros(size, dtype=np.bool_)
    free[(starts[:, None] + np.array([*places, width + 1])).ravel()] = True
    free[name : name + len(esi_id)] = True
    alike = ((matrix == np.frombuffer(first, dtype=np.uint8)) | free).all(axis=1)
    alike &= (digits <= 9).all(axis=1) & ((flags == ord("A")) | (flags == ord("E"))).all(axis=1)
    alike &= ((esi_ids - np.uint8(ord("0"))) <= 9).all(axis=1)
    taken = rows if alike.all() else int(alike.argmin())
    if not taken:
        return None
    weights = (10 ** np.arange(len(places) - 1, -1, -1)).astype(np.int32)
    values = digits[:taken].reshape(taken, count, len(places)) @ weights
    return Run(esi_ids=esi_ids[:taken], values=values.astype(np.int32), estimated=flags[:taken] == ord("E"))
