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

from portal.usage.batch import ESI_ID_WIDTH, NO_REVISION
from portal.usage.kernel.forms import calendar, forms
from portal.usage.kernel.numpy_days import Days

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

LONGEST_LINE = 256
TAIL = 24
"""Bytes before a row's end that are looked at."""
COUNTS = (92, 96, 100)
MONTHS = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where the fields of a row begin and end: a quote or none, digits of the ESI ID, bytes of the rest with commas."""

    quote: int
    digits: int
    revised: int
    labels: int

    @property
    def prefix(self) -> int:
        """ESI ID and date with their commas."""
        return self.quote + self.digits + 12

    @property
    def head(self) -> int:
        """Everything before the value."""
        return self.prefix + self.revised + self.labels


def smt_days(data: bytes, at: int, stop: int, *, final: bool) -> Days | None:
    """Meter-days from an offset on, from the lines before another; None if the first is not regular or not whole.

    final: the file ends where data does.
    """
    shape = _shape(data[at : min(at + LONGEST_LINE, stop)])
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
    heads = _heads(sliding_window_view(text, width)[starts[groups]], shape)
    first, next_ = at + int(starts[groups[-1]]), at + int(follow[-1])
    whole = len(groups) - (not _over(data, first, next_, shape.prefix, final=final))
    return _taken(_Window(words, np.cumsum(new) - 1, groups, starts, follow, rows, heads, shape), at, whole)


def _shape(line: bytes) -> _Shape | None:
    """The shape of a row, None if it has none."""
    fields = line.partition(b"\n")[0].split(b",")
    if len(fields) != 8:
        return None
    esi_id, day, revised, start, end, *_ = fields
    quote = esi_id.startswith(b"'")
    shape = _Shape(quote, len(esi_id) - quote, len(revised) + 1, len(start) + len(end) + 2)
    right = shape.digits in (17, 22) and len(day) == 10 and shape.revised in (1, 20) and shape.labels in (12, 14)
    return shape if right else None


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


def _over(data: bytes, first: int, follows: int, size: int, *, final: bool) -> bool:
    """Whether what follows a group's rows, of which the first is given, is no row of the same meter's day."""
    rest = data[follows : follows + size]
    if len(rest) < size:
        return final
    return rest != data[first : first + size]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Of each row: whether all but its labels is right; its channel; its value, 0 where missing; what is said of it."""

    right: Flags
    channels: NDArray[np.uint8]
    values: NDArray[np.int32]
    missing: Flags
    estimated: Flags


def _rows(text: Bytes, starts: Ints, ends: Ints, shape: _Shape) -> _Rows:
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
class _Heads:
    """Of each meter's day: its ESI ID, ordinal, quarter hours (0 if it is not right) and revision date."""

    esi_ids: NDArray[np.bytes_]
    days: Ints
    counts: Ints
    revised: Ints


def _heads(first: Bytes, shape: _Shape) -> _Heads:
    """What the first rows of meters' days begin with."""
    start, known = shape.quote, calendar()
    digits = np.ascontiguousarray(first[:, start : start + shape.digits])
    date = first[:, start + shape.digits + 1 :]
    days, right = _dates(date)
    right &= ((digits >= ord("0")) & (digits <= ord("9"))).all(axis=1) & known.has(days)
    right &= (date[:, -1] >= 0) & (first[:, start + shape.digits] == ord(",")) & (date[:, 10] == ord(","))
    if start:
        right &= first[:, 0] == ord("'")
    revised = np.full(len(first), NO_REVISION, dtype=np.int64)
    stamp = first[:, shape.prefix : shape.prefix + shape.revised]
    right &= stamp[:, -1] == ord(",")
    if shape.revised > 1:
        told, dated = _dates(stamp)
        hours, minutes, seconds = (_number(stamp[:, at : at + 2]) for at in (11, 14, 17))
        right &= dated & known.has(told) & (stamp[:, 10] == ord(" "))
        right &= (stamp[:, 13] == ord(":")) & (stamp[:, 16] == ord(":"))
        for part, limit in ((hours, 24), (minutes, 60), (seconds, 60)):
            right &= (part >= 0) & (part < limit)
        places = np.where(known.has(told), told - known.first, 0)
        lengths = known.counts[places]
        shift = np.where((lengths < 96) & (hours >= 3), -3600, np.where((lengths > 96) & (hours >= 2), 3600, 0))
        revised = known.midnights[places] + hours * 3600 + minutes * 60 + seconds + shift
    counts = np.where(right, known.counts[np.where(known.has(days), days - known.first, 0)], 0).astype(np.int64)
    return _Heads(digits.view(f"S{shape.digits}")[:, 0].astype(f"S{ESI_ID_WIDTH}"), days, counts, revised)


def _number(text: Bytes) -> Ints:
    """Digits as numbers, one for each row; below 0 where one is none."""
    value, digits = np.zeros(len(text), dtype=np.int64), text.astype(np.int64) - ord("0")
    for at in range(text.shape[1]):
        value = value * 10 + digits[:, at]
    return np.where(((digits < 0) | (digits > 9)).any(axis=1), -1, value)


def _dates(text: Bytes) -> tuple[Ints, Flags]:
    """MM/DD/YYYY as ordinals, and whether there is such a day."""
    month, day, year = _number(text[:, :2]), _number(text[:, 3:5]), _number(text[:, 6:10])
    right = (text[:, 2] == ord("/")) & (text[:, 5] == ord("/")) & (year >= 1) & (month >= 1) & (month <= 12)
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    month = np.where(right, month, 1)
    right &= (day >= 1) & (day <= MONTHS[month] - MONTHS[month - 1] + (leap & (month == 2)))
    past = year - 1
    ordinals = past * 365 + past // 4 - past // 100 + past // 400 + MONTHS[month - 1] + (leap & (month > 2)) + day
    return np.where(right, ordinals, 0), right


@dataclass(frozen=True, slots=True)
class _Window:
    """Rows and the meters' days that they belong to: words of their heads, group of each row, first row of each."""

    words: Words
    group: Ints
    groups: Ints
    starts: Ints
    follow: Ints
    rows: _Rows
    heads: _Heads
    shape: _Shape


@cache
def _labels(shape: _Shape) -> Words:
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
