"""The fields before a row's value in an interval CSV: where they stand, and whose day and which revision they tell."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from portal.usage.batch import ESI_ID_WIDTH, NO_REVISION
from portal.usage.kernel.forms import calendar
from portal.usage.pieces import Data

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

LONGEST_LINE = 256
MONTHS = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True, slots=True)
class Shape:
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


def shape_of(line: bytes) -> Shape | None:
    """The shape of a row, None if it has none."""
    fields = line.partition(b"\n")[0].split(b",")
    if len(fields) != 8:
        return None
    esi_id, day, revised, start, end, *_ = fields
    quote = esi_id.startswith(b"'")
    shape = Shape(quote, len(esi_id) - quote, len(revised) + 1, len(start) + len(end) + 2)
    right = shape.digits in (17, 22) and len(day) == 10 and shape.revised in (1, 20) and shape.labels in (12, 14)
    return shape if right else None


def is_over(data: Data, first: int, follows: int, size: int, *, final: bool) -> bool:
    """Whether what follows a group's rows, of which the first is given, is no row of the same meter's day."""
    rest = data[follows : follows + size]
    if len(rest) < size:
        return final
    return rest != data[first : first + size]


@dataclass(frozen=True, slots=True)
class Heads:
    """Of each meter's day: its ESI ID, ordinal, quarter hours (0 if it is not right) and revision date."""

    esi_ids: NDArray[np.bytes_]
    days: Ints
    counts: Ints
    revised: Ints


def heads_of(first: Bytes, shape: Shape) -> Heads:
    """What the first rows of meters' days begin with."""
    start, end = shape.quote, shape.quote + shape.digits
    digits = np.ascontiguousarray(first[:, start:end])
    right = ((digits >= ord("0")) & (digits <= ord("9"))).all(axis=1)
    if start:
        right &= first[:, 0] == ord("'")
    times = first[:, end : shape.prefix + shape.revised]
    if (times == times[:1]).all():  # a day's file of many meters; a date is read in one row as long as in hundreds
        days, counts, revised = (np.repeat(one, len(first)) for one in _same_times(times[0].tobytes()))
    else:
        days, counts, revised = _times(times)
    esi_ids = digits.view(f"S{shape.digits}")[:, 0].astype(f"S{ESI_ID_WIDTH}")
    return Heads(esi_ids, days, np.where(right, counts, 0), revised)


@lru_cache(maxsize=64)
def _same_times(text: bytes) -> tuple[Ints, Ints, Ints]:
    """As _times, of one row."""
    return _times(np.frombuffer(text, dtype=np.uint8)[None])


def _times(text: Bytes) -> tuple[Ints, Ints, Ints]:
    """Of dates and revision dates, with all of their commas: ordinals, quarter hours (0 if not right), seconds."""
    date, stamp, known = text[:, 1:], text[:, 12:], calendar()
    days, right = _dates(date)
    right &= known.has(days) & (text[:, 0] == ord(",")) & (date[:, 10] == ord(",")) & (stamp[:, -1] == ord(","))
    revised = np.full(len(text), NO_REVISION, dtype=np.int64)
    if stamp.shape[1] > 1:
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
    return days, counts, revised


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
