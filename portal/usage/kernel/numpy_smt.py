"""Meter-days of an interval CSV by whole columns: every row of a window is compared at once, eight bytes at a time.

Rows are taken to have the first one's shape: the same widths of ESI ID, revision date and labels. A meter's day that
has another shape ends what is taken; read again from there on, it may be the first.
"""

import sys
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from portal.usage.kernel.forms import forms
from portal.usage.kernel.numpy_days import Days
from portal.usage.kernel.numpy_heads import LONGEST_LINE, Bytes, Flags, Heads, Ints, Shape, heads_of, is_over, shape_of
from portal.usage.pieces import Data

Words = NDArray[np.uint64]

TAIL = 24
"""Bytes before a row's end that are looked at."""
COUNTS = (92, 96, 100)


def smt_days(data: Data, at: int, stop: int, *, final: bool) -> Days | None:
    """Meter-days from an offset on, from the lines before another; None if the first is not regular or not whole.

    final: the file ends where data does.
    """
    shape = shape_of(bytes(data[at : min(at + LONGEST_LINE, stop)]))
    if shape is None:
        return None
    text = np.frombuffer(data, dtype=np.uint8, count=stop - at, offset=at)
    ends = np.flatnonzero(text == ord("\n"))
    width = (shape.head + 7) // 8 * 8
    starts = np.concatenate([[0], ends + 1])[:-1]
    fits = int(np.searchsorted(starts, len(text) - width, side="right"))
    starts, follow = starts[:fits], ends[:fits] + 1
    if not fits:
        return None
    words = np.ascontiguousarray(sliding_window_view(text, width)[starts].view(np.uint64).T)
    new = np.concatenate([[True], _unlike(words[:, 1:], words[:, :-1], _mask(width, 0, shape.prefix))])
    groups = np.flatnonzero(new)
    rows = _rows(text, starts, follow - 1, shape)
    same = ~_unlike(words[:, 1:], words[:, :-1], _mask(width, shape.prefix, shape.prefix + shape.revised))
    rows.right[1:] &= same | new[1:]
    heads = heads_of(sliding_window_view(text, width)[starts[groups]], shape)
    first, next_ = at + int(starts[groups[-1]]), at + int(follow[-1])
    whole = len(groups) - (not is_over(data, first, next_, shape.prefix, final=final))
    return _taken(_Window(words, np.cumsum(new) - 1, groups, starts, follow, rows, heads, shape), at, whole)


def _mask(width: int, start: int, end: int) -> Words:
    """The bytes from start to end of so many, as words."""
    mask = np.zeros(width, dtype=np.uint8)
    mask[start:end] = 0xFF
    return mask.view(np.uint64)


def _unlike(some: Words, others: Words, mask: Words) -> Flags:
    """Of each column whether it differs from the other's in the masked bytes."""
    differ = np.zeros(some.shape[1], dtype=np.uint64)
    for row in np.flatnonzero(mask).tolist():
        differ |= (some[row] ^ others[row]) & mask[row]
    unlike: Flags = differ != 0
    return unlike


@dataclass(frozen=True, slots=True)
class _Rows:
    """Of each row: whether all but its labels is right; its channel; its value, 0 where missing; what is said of it."""

    right: Flags
    channels: NDArray[np.uint8]
    values: NDArray[np.int32]
    missing: Flags
    estimated: Flags


def _rows(text: Bytes, starts: Ints, ends: Ints, shape: Shape) -> _Rows:
    """The rows' values, flags and channels, read from their ends."""
    ends = ends - (text[np.maximum(ends - 1, 0)] == ord("\r"))
    long = (ends - starts >= shape.head + 13) & (ends - starts <= LONGEST_LINE)
    back = np.where(long, ends, TAIL)
    eights = sliding_window_view(text, 8)
    last, before, sooner = (_words(eights, back - offset) for offset in (8, 16, 24))
    consumption = (last == _word(b"sumption")) & (before & _upper(4) == _word(b"\0\0\0\0,Con"))
    generation = (last == _word(b"neration")) & (before == _word(b"rplus Ge"))
    generation &= sooner & _upper(3) == _word(b"\0\0\0\0\0,Su")
    comma = back - np.where(consumption, 12, 19)
    value = starts + shape.head
    flags = text[comma - 1]
    missing = (comma - 1 == value) & (flags == ord(","))
    size = comma - 2 - value
    digits = eights[np.maximum(comma - 10, 0)]
    numbers = (digits - np.uint8(ord("0"))).astype(np.uint8)
    numbers[:, 2] *= size >= 6
    numbers[:, 1] *= size >= 7
    right = (size >= 5) & (size <= 7) & (digits[:, 4] == ord(".")) & (text[comma - 2] == ord(","))
    for at in (1, 2, 3, 5, 6, 7):
        right &= numbers[:, at] <= 9
    right &= (flags == ord("A")) | (flags == ord("E"))
    weights = (0, 100_000, 10_000, 1_000, 0, 100, 10, 1)
    values = np.zeros(len(starts), dtype=np.int32)
    for at in (1, 2, 3, 5, 6, 7):
        values += numbers[:, at].astype(np.int32) * np.int32(weights[at])
    return _Rows(
        right=long & (consumption | generation) & (right | missing),
        channels=generation.astype(np.uint8),
        values=np.where(missing, np.int32(0), values),
        missing=missing,
        estimated=(flags == ord("E")) & ~missing,
    )


def _words(eights: Bytes, at: Ints) -> Words:
    return eights[at].view(np.uint64)[:, 0]


def _word(text: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(text, sys.byteorder))


def _upper(size: int) -> np.uint64:
    """A mask of a word's last bytes in memory."""
    return _word(b"\0" * (8 - size) + b"\xff" * size)


@dataclass(frozen=True, slots=True)
class _Window:
    """Rows and the meters' days that they belong to: words of their heads, group of each row, first row of each."""

    words: Words
    group: Ints
    groups: Ints
    starts: Ints
    follow: Ints
    rows: _Rows
    heads: Heads
    shape: Shape


@cache
def _labels(shape: Shape) -> Words:
    """The words of the labels of days of 92, 96 and 100, of shape (words, 3 * 100)."""
    width, at = (shape.head + 7) // 8 * 8, shape.prefix + shape.revised
    text = np.zeros((3, 100, width), dtype=np.uint8)
    for kind, form in enumerate(form for form in forms() if len(form.labels[0]) == shape.labels):
        if kind < len(COUNTS):
            text[kind, : form.count, at : shape.head] = np.frombuffer(b"".join(form.labels), np.uint8).reshape(
                form.count, shape.labels
            )
    return np.ascontiguousarray(text.view(np.uint64).reshape(300, width // 8).T)


def _taken(window: _Window, at: int, whole: int) -> Days | None:
    """The meter-days of the first groups that are right, of those that are whole."""
    rows, heads, shape = window.rows, window.heads, window.shape
    keys = window.group * 2 + rows.channels
    order = np.argsort(keys, kind="stable") if rows.channels.any() else np.arange(len(keys))
    sorted_keys = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]]))
    sizes = np.diff(np.append(starts, len(keys)))
    group = sorted_keys[starts] // 2
    counts = heads.counts[group]
    rank = np.arange(len(keys)) - np.repeat(starts, sizes)
    kinds = np.repeat(np.clip((counts - 92) // 4, 0, 2), sizes)
    expected = _labels(shape)[:, kinds * 100 + np.minimum(rank, 99)]
    mask = _mask(8 * len(window.words), shape.prefix + shape.revised, shape.head)
    right = rows.right[order] & ~_unlike(window.words[:, order], expected, mask)
    good = np.logical_and.reduceat(right, starts) & (sizes == counts)
    stop = min([*group[~good][:1].tolist(), whole])
    if not stop:
        return None
    series = int(np.searchsorted(group, stop))
    chosen, last = group[:series], int(window.groups[stop]) if stop < len(window.groups) else len(window.group)
    return Days(
        esi_ids=heads.esi_ids[chosen],
        days=heads.days[chosen].astype(np.int32),
        channels=(sorted_keys[starts[:series]] & 1).astype(np.uint8),
        revised=heads.revised[chosen],
        starts=starts[:series],
        counts=sizes[:series],
        values=rows.values[order],
        missing=rows.missing[order],
        estimated=rows.estimated[order],
        end=at + int(window.follow[last - 1]),
        lines=last,
        more=stop == whole,
    )
