"""Runs of meter-days of an interval CSV whose rows are all of one width: each row is compared with the one before it.

Most days of most meters are such: every value has as many digits as the next. Within a day labels change from row to
row as they do in any day of its length, digits and flags are free, and nothing else changes; whose day it is, and which
revision, may change from one meter-day to the next.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
from numpy.typing import NDArray

from portal.usage.kernel.forms import calendar, forms
from portal.usage.kernel.numpy_days import Days
from portal.usage.kernel.numpy_heads import LONGEST_LINE, Bytes, Flags, Shape, heads_of, is_over, shape_of
from portal.usage.pieces import Data

NAMES = (b"Consumption", b"Surplus Generation")
"""A channel's number is its place here."""
WIDTHS = (5, 6, 7)
"""Of values, from 0.000 to 999.999."""
PROBE = 4
"""Meter-days compared before it is known that there is a run."""
PIECE = 1 << 18
"""Bytes compared at once: they are to stay in the processor's cache."""
Values = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class _Mold:
    """What a run's rows have in common; tail: the channel and the line's end, count: quarter hours of a day."""

    shape: Shape
    width: int
    channel: int
    tail: bytes
    count: int

    @property
    def line(self) -> int:
        """Bytes of a row: before the value, the value, the flag between its commas, the tail."""
        return self.shape.head + self.width + 3 + len(self.tail)

    @property
    def size(self) -> int:
        """Bytes of a meter-day."""
        return self.count * self.line


def smt_run(data: Data, at: int, *, final: bool) -> Days | None:
    """The meter-days from an offset on that are whole and of one mold; None if the first is not.

    final: the file ends where data does.
    """
    mold = _mold(data, at)
    if mold is None:
        return None
    most, at_once = (len(data) - at) // mold.size, max(PIECE // mold.size, 1)
    values, estimated, taken, rows = [], [], 0, min(PROBE, most)
    while rows:
        right, wh, guessed = _compared(data, at + taken * mold.size, rows, mold)
        values.append(wh[:right])
        estimated.append(guessed[:right])
        taken += right
        rows = min(at_once, most - taken) if right == rows else 0
    if not taken:
        return None
    return _days(data, at, mold, np.concatenate(values), np.concatenate(estimated), final=final)


def _mold(data: Data, at: int) -> _Mold | None:
    """The mold of a meter-day by its first row; None if it has none."""
    line = bytes(data[at : at + LONGEST_LINE]).partition(b"\n")[0] + b"\n"
    shape = shape_of(line)
    if shape is None:
        return None
    _, day, *_, value, flag, tail = line.split(b",")
    name = tail.removesuffix(b"\n").removesuffix(b"\r")
    if name not in NAMES or len(value) not in WIDTHS or len(flag) != 1:
        return None
    count = _quarter_hours(day)
    return _Mold(shape, len(value), NAMES.index(name), tail, count) if count else None


def _quarter_hours(day: bytes) -> int:
    """Of MM/DD/YYYY; 0 if it is no date that is known. What else may stand for one here is found wrong later."""
    try:
        place = date(int(day[6:]), int(day[:2]), int(day[3:5])).toordinal() - calendar().first
    except ValueError:
        return 0
    counts = calendar().counts
    return int(counts[place]) if 0 <= place < len(counts) else 0


@cache
def _steps(mold: _Mold) -> tuple[Bytes, Bytes, Bytes, Bytes]:
    """Of a mold: its first row and what is fixed of it; by which bits each row differs from the last, and what counts.

    Of shape (line,) and (count, line); fixed are the bytes of 255, free those of 0.
    """
    form = next(form for form in forms() if form.count == mold.count and len(form.labels[0]) == mold.shape.labels)
    before = mold.shape.head - mold.shape.labels
    rows = np.zeros((mold.count, mold.line), dtype=np.uint8)
    rows[:, before : mold.shape.head] = np.frombuffer(b"".join(form.labels), np.uint8).reshape(mold.count, -1)
    fixed = np.full(mold.line, 0xFF, dtype=np.uint8)
    value = mold.shape.head
    fixed[value : value + mold.width] = fixed[value + mold.width + 1] = 0
    fixed[value + mold.width - 4] = 0xFF
    rows[:, value + mold.width - 4] = ord(".")
    rows[:, [value + mold.width, value + mold.width + 2]] = ord(",")
    rows[:, value + mold.width + 3 :] = np.frombuffer(mold.tail, np.uint8)
    steps, count = np.zeros_like(rows), np.tile(fixed, (mold.count, 1))
    steps[1:] = rows[1:] ^ rows[:-1]
    count[0] = 0
    fixed[:before] = 0
    return rows[0], fixed, steps, count


def _compared(data: Data, at: int, rows: int, mold: _Mold) -> tuple[int, Values, Flags]:
    """How many of so many meter-days are right but for their heads; their Wh and estimates, of shape (rows, count)."""
    text = np.frombuffer(data, dtype=np.uint8, count=rows * mold.size, offset=at)
    first, fixed, steps, counted = _steps(mold)
    firsts = text.reshape(rows, mold.size)[:, : mold.line]
    wrong = ((firsts ^ first) & fixed).any(axis=1)
    differ = np.zeros(rows * mold.size, dtype=np.uint8)
    np.bitwise_xor(text[mold.line :], text[: -mold.line], out=differ[mold.line :])
    matrix = differ.reshape(rows, mold.size)
    matrix ^= steps.ravel()
    matrix &= counted.ravel()
    wrong |= matrix.max(axis=1) != 0
    flags = np.ascontiguousarray(text.reshape(rows, mold.count, mold.line)[:, :, mold.shape.head + mold.width + 1])
    estimated: Flags = flags == ord("E")
    wrong |= ~(estimated | (flags == ord("A"))).all(axis=1)
    values, odd = _watt_hours(data, at + mold.shape.head + mold.width - 8, rows, mold)
    wrong |= odd
    return int(wrong.argmax()) if wrong.any() else rows, values, estimated


def _watt_hours(data: Data, at: int, rows: int, mold: _Mold) -> tuple[Values, Flags]:
    """Wh of shape (rows, count) from the eight bytes that end each value, and of each meter-day whether one is none.

    Digits are summed up in pairs, pairs in fours, all eight bytes at a time; the point counts as 0.
    """
    shape, strides = (rows, mold.count), (mold.size, mold.line)
    eights: NDArray[np.uint64] = np.ndarray(shape, np.dtype("<u8"), data, at, strides).astype(np.uint64)
    digits = int.from_bytes(b"\0" * (8 - mold.width) + b"\xff" * (mold.width - 4) + b"\0\xff\xff\xff", "little")
    eights &= np.uint64(digits)
    eights ^= np.uint64(0x3030303030303030 & digits)
    over = (eights | (eights + np.uint64(0x0606060606060606))) & np.uint64(0xF0F0F0F0F0F0F0F0)
    odd: Flags = (over != 0).any(axis=1)
    pairs = (eights * np.uint64(10) + (eights >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    fours = (pairs * np.uint64(100) + (pairs >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    watt_hours = (fours & np.uint64(0xFFFF)) * np.uint64(1000) + (fours >> np.uint64(32))
    return watt_hours.astype(np.int32), odd


def _days(data: Data, at: int, mold: _Mold, values: Values, estimated: Flags, *, final: bool) -> Days | None:
    """The meter-days whose rows were found alike, as far as their heads are right and they are over."""
    taken, prefix = len(values), mold.shape.prefix
    text = np.frombuffer(data, dtype=np.uint8, count=taken * mold.size, offset=at).reshape(taken, mold.size)
    firsts = np.ascontiguousarray(text[:, : mold.shape.head])
    heads = heads_of(firsts, mold.shape)
    wrong = heads.counts != mold.count
    wrong[:-1] |= (firsts[1:, :prefix] == firsts[:-1, :prefix]).all(axis=1)
    if wrong.any():
        taken = int(wrong.argmax())
    else:
        start, end = at + (taken - 1) * mold.size, at + taken * mold.size
        taken -= not is_over(data, start, end, prefix, final=final)
    if not taken:
        return None
    return Days(
        esi_ids=heads.esi_ids[:taken],
        days=heads.days[:taken].astype(np.int32),
        channels=np.full(taken, mold.channel, dtype=np.uint8),
        revised=heads.revised[:taken],
        starts=np.arange(taken) * mold.count,
        counts=np.full(taken, mold.count, dtype=np.int64),
        values=values[:taken].ravel(),
        missing=np.zeros(taken * mold.count, dtype=np.bool_),
        estimated=estimated[:taken].ravel(),
        end=at + taken * mold.size,
        lines=taken * mold.count,
        more=True,
    )
